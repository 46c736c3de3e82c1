// `npm run bench:compaction`: measures the compactor beside a plain read-and-write of the same bytes, in one run.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { Codec } from '../shared/kafka/compression.ts'
import { runStep, type Step, type StepResult } from './compactionSteps.ts'

const help = `Measures the compactor beside a plain read-and-write of the same bytes.

  npm run bench:compaction              some three minutes, 2 GiB of disk
  npm run bench:compaction -- --big     also a partition of 4 GiB, for its memory; 14 GiB of disk
  npm run bench:compaction -- --help    this text

Floor: read the files of the log, write them as one file, sync it; measured before and after each row.
Data is written below the system's temporary folder (TMPDIR) and removed. Results: bench/results/compaction.json.
A missed target ends with exit code 1.
`

const mebibyte = 1024 * 1024
const gibibyte = 1024 * mebibyte
const codecs: readonly Codec[] = ['gzip', 'snappy', 'lz4', 'zstd']
const folder = mkdtempSync(path.join(tmpdir(), 'millrace-bench-'))
const resultsFile = path.join(import.meta.dirname, 'results', 'compaction.json')

interface Row {
  readonly title: string
  readonly value: number
  readonly unit: string
  /** The same of a plain copy, in the same unit. */
  readonly floor?: number
  /** Of the value, or of its ratio to the floor where there is one. */
  readonly target?: { readonly kind: 'atLeast' | 'atMost'; readonly bound: number }
}

const figureOf = ({ value, floor }: Row): number => (floor === undefined ? value : value / floor)

function isMet(row: Row): boolean {
  if (!row.target) return true
  const { kind, bound } = row.target
  return kind === 'atLeast' ? figureOf(row) >= bound : figureOf(row) <= bound
}

function line(row: Row): string {
  const { title, value, unit, floor, target } = row
  const beside = floor === undefined ? ''.padStart(10) : floor.toFixed(0).padStart(10)
  const ratio = floor === undefined ? ''.padStart(8) : (value / floor).toFixed(2).padStart(8)
  const bound = target && `${target.kind === 'atLeast' ? '>=' : '<='} ${target.bound}`
  const words = bound === undefined ? '' : `   ${bound}  ${isMet(row) ? 'met' : 'MISSED'}`
  return `${title.padEnd(58)}${value.toFixed(0).padStart(8)} ${unit.padEnd(9)}${beside}${ratio}${words}`
}

const rows: Row[] = []

function show(row: Row): void {
  rows.push(row)
  console.log(line(row))
}

const rateOf = ({ bytes, seconds }: StepResult): number => bytes / seconds / 1e6
const perGibibyte = (count: number, bytes: number): number => (count / bytes) * gibibyte

/** Between two floors, so that whatever else the machine does falls on both. */
async function besideCopy(step: Step): Promise<{ readonly result: StepResult; readonly floor: number }> {
  const before = await runStep({ kind: 'copy', folder: step.folder })
  const result = await runStep(step)
  const after = await runStep({ kind: 'copy', folder: step.folder })
  return { result, floor: (rateOf(before) + rateOf(after)) / 2 }
}

/** Merging, then compaction by key, of one partition. */
async function measureCompaction(name: string, bytes: number, valueBytes: number): Promise<void> {
  const data = path.join(folder, name)
  const words = `${bytes / mebibyte} MiB, records of ${valueBytes} bytes`
  await runStep({ kind: 'write', folder: data, bytes, batchBytes: mebibyte, valueBytes, codec: 'none' })
  const merge = await besideCopy({ kind: 'merge', folder: data })
  const merged = merge.result
  const unit = 'MB/s'
  show({
    ...{ title: `merge, ${words}`, value: rateOf(merged), unit, floor: merge.floor },
    target: { kind: 'atLeast', bound: 0.3 },
  })
  showMemory(`merge, ${words}: peak memory`, merged)
  const requests = merged.objectReads + merged.objectPuts
  const gib = 'per GiB'
  show({ title: `merge, ${words}: object requests`, value: perGibibyte(requests, merged.bytes), unit: gib })
  const tableCalls = perGibibyte(merged.tableCalls, merged.bytes)
  show({ title: `merge, ${words}: table requests`, value: tableCalls, unit: gib })
  const clean = await besideCopy({ kind: 'clean', folder: data })
  show({
    ...{ title: `compact by key, ${words}`, value: rateOf(clean.result), unit, floor: clean.floor },
    target: { kind: 'atLeast', bound: 0.15 },
  })
  showMemory(`compact by key, ${words}: peak memory`, clean.result)
  rmSync(data, { recursive: true })
}

/** Compressed batches are opened one after the other, and packed again with their own codec. */
async function measureCodec(codec: Codec, bytes: number): Promise<void> {
  const data = path.join(folder, codec)
  const words = `${bytes / mebibyte} MiB in ${codec}`
  const valueBytes = 1024
  await runStep({ kind: 'write', folder: data, bytes, batchBytes: 1.5 * mebibyte, valueBytes, codec })
  showMemory(`merge, ${words}: peak memory`, await runStep({ kind: 'merge', folder: data }))
  const cleaned = await runStep({ kind: 'clean', folder: data })
  show({ title: `compact by key, ${words}`, value: rateOf(cleaned), unit: 'MB/s' })
  showMemory(`compact by key, ${words}: peak memory`, cleaned)
  rmSync(data, { recursive: true })
}

function showMemory(title: string, { peakMemoryBytes }: StepResult): void {
  const target = { kind: 'atMost', bound: 256 } as const
  show({ title, value: peakMemoryBytes / mebibyte, unit: 'MiB', target })
}

/** What it takes to read a log of many small objects, as it was written and when it is merged. */
async function measureCatchUp(): Promise<void> {
  const data = path.join(folder, 'small')
  const bytes = 256 * mebibyte
  const written = await runStep({
    ...{ kind: 'write', folder: data, bytes },
    ...{ batchBytes: Math.ceil(bytes / 10_000), valueBytes: 1024, codec: 'none' },
  })
  const words = `catch-up read of ${written.objects} small objects`
  const unit = 'per GiB'
  const before = await runStep({ kind: 'read', folder: data })
  show({ title: `${words}: requests`, value: perGibibyte(before.objectReads, before.bytes), unit })
  await runStep({ kind: 'merge', folder: data })
  const after = await runStep({ kind: 'read', folder: data })
  if (after.bytes !== before.bytes) throw new Error(`${before.bytes} bytes became ${after.bytes}`)
  show({
    ...{ title: `${words}, merged: requests`, value: perGibibyte(after.objectReads, after.bytes), unit },
    target: { kind: 'atMost', bound: gibibyte / (8 * mebibyte) },
  })
  show({ title: words, value: rateOf(before), unit: 'MB/s' })
  show({ title: `${words}, merged`, value: rateOf(after), unit: 'MB/s' })
  rmSync(data, { recursive: true })
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      big: { type: 'boolean', default: false },
    },
  })
  if (values.help) return console.log(help)
  console.log(`${''.padEnd(58)}${'Millrace'.padStart(17)}${'copy'.padStart(11)}   ratio   target`)
  await measureCompaction('large-records', 512 * mebibyte, 1024)
  await measureCompaction('small-records', 128 * mebibyte, 100)
  for (const codec of codecs) await measureCodec(codec, 128 * mebibyte)
  await measureCatchUp()
  if (values.big) await measureCompaction('big', 4 * gibibyte, 1024)
  const machine = {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    node: process.version,
    date: new Date().toISOString(),
  }
  mkdirSync(path.dirname(resultsFile), { recursive: true })
  writeFileSync(resultsFile, `${JSON.stringify({ machine, rows }, undefined, 2)}\n`)
  console.log('written: bench/results/compaction.json')
  if (!rows.every(isMet)) process.exitCode = 1
}

process.once('SIGINT', () => process.exit(130))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
await run()
