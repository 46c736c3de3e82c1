// `npm run bench`: measures Millrace beside what the same machine gives without it, in one run.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { renderChart } from './chart.ts'
import type { RowResult } from './figures.ts'
import { measureRow } from './measure.ts'
import { type Row, rows } from './rows.ts'
import { startFloor } from './server.ts'
import { tableHead, tableLine } from './table.ts'

const resultsFolder = path.join(import.meta.dirname, 'results')

const help = `Measures Millrace beside what this machine gives without it.

  npm run bench                         every row, some three minutes
  npm run bench -- --rows NAME,NAME     these rows
  npm run bench -- --seconds N          measure each row for N seconds (3), and its floor as long
  npm run bench -- --help               this text

Rows:
${rows.map(({ name, title }) => `  ${name.padEnd(18)}${title}`).join('\n')}

Floors: "fsync" writes and syncs files of the request's size one by one; "bare" is Hono on
@hono/node-server that reads the body; "static" answers as many bytes from memory. Floor and server are
measured in turns. Data is written below the system's temporary folder (TMPDIR), 5 GiB at most, and removed;
it should be on the disk that is to be measured. Results: bench/results/latest.json and latest.svg.
To profile the server: NODE_OPTIONS="--cpu-prof --cpu-prof-dir=profiles" npm run bench -- --rows NAME
`

interface Arguments {
  readonly help: boolean
  readonly seconds: number
  readonly selected: readonly Row[]
}

function parseArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      seconds: { type: 'string', default: '3' },
      rows: { type: 'string' },
    },
  })
  const seconds = Number(values.seconds)
  if (!(seconds > 0 && seconds <= 600)) throw new Error('--seconds takes a number from above 0 to 600')
  const names = values.rows?.split(',') ?? rows.map(({ name }) => name)
  const selected = names.map((name) => {
    const row = rows.find((known) => known.name === name)
    if (row === undefined) throw new Error(`there is no row ${name}`)
    return row
  })
  return { help: values.help, seconds, selected }
}

function machineFacts() {
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    date: new Date().toISOString(),
  }
}

async function measure({ seconds, selected }: Arguments): Promise<readonly RowResult[]> {
  const directory = mkdtempSync(path.join(tmpdir(), 'millrace-bench-'))
  const remove = () => rmSync(directory, { recursive: true, force: true })
  process.once('SIGINT', () => process.exit(130))
  process.once('exit', remove)
  const floorServer = await startFloor()
  const results: RowResult[] = []
  console.log(tableHead)
  for (const [index, row] of selected.entries()) {
    showProgress(`${row.title}  (${index + 1} of ${selected.length})`)
    const result = await measureRow({ directory, seconds, floorServer }, row)
    showProgress('')
    console.log(tableLine(result))
    results.push(result)
  }
  await floorServer.stop()
  return results
}

/** A line that the next one takes the place of. */
function showProgress(text: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${text}`)
}

function writeResults(seconds: number, results: readonly RowResult[]): void {
  const machine = machineFacts()
  const { cores, memoryGiB, node, date } = machine
  const subtitle = `${cores} cores, ${memoryGiB} GiB, Node ${node}, ${date.slice(0, 10)}, ${seconds} s a row`
  const json = JSON.stringify({ machine, seconds, results }, undefined, 2)
  mkdirSync(resultsFolder, { recursive: true })
  writeFileSync(path.join(resultsFolder, 'latest.json'), `${json}\n`)
  writeFileSync(path.join(resultsFolder, 'latest.svg'), renderChart(results, subtitle))
  console.log(`\n${subtitle}\nwritten: bench/results/latest.json, bench/results/latest.svg`)
}

try {
  const given = parseArguments()
  if (given.help) {
    console.log(help)
  } else {
    writeResults(given.seconds, await measure(given))
  }
} catch (error) {
  console.error(`The measurement failed: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(2)
}
