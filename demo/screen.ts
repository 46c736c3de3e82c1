// What the demo shows: a bar a step on a terminal, a line a step elsewhere, and the table at the end.

import { type Options, SingleBar } from 'cli-progress'
import type { PartitionResult } from './run.ts'

export interface Step {
  add(records: number, bytes: number): void
  done(): void
}

export interface Screen {
  line(text: string): void
  step(label: string, total: number): Step
}

export interface Output {
  readonly stream: NodeJS.WritableStream
  readonly isTerminal: boolean
}

const barLength = 20
/** With the bar and the rates a step takes 79 columns. */
const labelLength = 25

export function createScreen({ stream, isTerminal }: Output): Screen {
  return {
    line: (text) => stream.write(`${text}\n`),
    step: (label, total) => {
      const start = performance.now()
      let records = 0
      let bytes = 0
      const rates = (): string => renderRates(records, bytes, performance.now() - start)
      const bar = isTerminal ? startBar(stream, label, total, rates) : undefined
      return {
        add(moreRecords, moreBytes) {
          records += moreRecords
          bytes += moreBytes
          bar?.update(records)
        },
        done() {
          bar?.stop()
          if (bar === undefined) stream.write(`  ${label.padEnd(labelLength)}${rates()}\n`)
        },
      }
    },
  }
}

function startBar(stream: NodeJS.WritableStream, label: string, total: number, rates: () => string) {
  const format = (_: Options, { progress }: { progress: number }): string => {
    const full = Math.round(Math.min(1, progress) * barLength)
    return `  ${label.padEnd(labelLength)}${'━'.repeat(full)}${' '.repeat(barLength - full)}${rates()}`
  }
  const bar = new SingleBar({ stream, format, hideCursor: true, fps: 10, barsize: barLength })
  bar.start(total, 0)
  return bar
}

function renderRates(records: number, bytes: number, elapsedMs: number): string {
  const seconds = Math.max(elapsedMs, 1) / 1000
  const perSecond = Math.round(records / seconds).toLocaleString('en')
  const megabytes = (bytes / 1e6 / seconds).toFixed(1)
  return `${perSecond.padStart(10)} records/s ${megabytes.padStart(6)} MB/s`
}

const columns = ['data set', 'partition', 'records', 'bytes', 'sent', 'v3 consume', 'batches', ''] as const
const numeric: readonly string[] = ['partition', 'records', 'bytes']

/** A row for each partition: what was sent, and what each way of reading found. */
export function renderTable(results: readonly PartitionResult[]): string {
  const rows = results.map(({ dataSet, partition, sent, json, batches, ok }) => [
    dataSet,
    String(partition),
    sent.records.toLocaleString('en'),
    sent.bytes.toLocaleString('en'),
    sent.checksum,
    json.checksum,
    batches.checksum,
    ok ? 'ok' : `DIFFERS: read ${json.records} and ${batches.records} records`,
  ])
  const widths = columns.map((name, index) =>
    Math.max(
      name.length,
      ...rows.map((row) => (index === columns.length - 1 ? 0 : (row[index]?.length ?? 0))),
    ),
  )
  const render = (row: readonly string[]): string => {
    const cells = columns.map((name, index) => {
      const [cell = '', width = 0] = [row[index], widths[index]]
      return numeric.includes(name) ? cell.padStart(width) : cell.padEnd(width)
    })
    return cells.join('  ').trimEnd()
  }
  return [render(columns), ...rows.map(render)].join('\n')
}
