// `npm run demo`: real data in through three dialects, out through two, and every checksum compared.

import { parseArgs } from 'node:util'
import { runGroups } from './groups.ts'
import { describeGroup } from './groupTally.ts'
import { type PartitionResult, run } from './run.ts'
import { createScreen, renderTable, type Screen } from './screen.ts'
import { startService } from './service.ts'

const help = `Sends public data sets through Millrace and checks that every record comes back.

  npm run demo                                   on a server of its own, in a temporary folder
  npm run demo -- --url http://127.0.0.1:8082    on a running server
  npm run demo -- --records 5000                 at most so many records of each data set
  npm run demo -- --keep                         leave the topics (and the temporary folder) in place

Flights go in as a stream of v3 JSON records, delays as compressed record batches and earthquakes
through REST Proxy v2. Everything is read twice, as JSON with v3's consume and as the stored
batches. A checksum covers offset, timestamp, key and value of a partition's records in order; if
one differs the exit code is 1.

On a server of its own three consumers then share six partitions, one is killed and one joins: every
record is processed, and none again once its commit has succeeded, or the exit code is 1.
`

interface Options {
  readonly url: string | undefined
  readonly recordsMax: number
  readonly keep: boolean
}

class UsageError extends Error {}

function parseOptions(args: readonly string[]): Options | 'help' {
  const { help: asked, records, url, keep } = parseArguments(args)
  if (asked) return 'help'
  if (!/^[1-9]\d{0,8}$/.test(records)) throw new UsageError('--records takes a whole number from 1 on')
  if (url !== undefined && !URL.canParse(url)) throw new UsageError('--url takes an address')
  return { url, recordsMax: Number(records), keep }
}

function parseArguments(args: readonly string[]) {
  const options = {
    url: { type: 'string' },
    records: { type: 'string', default: '200000' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  } as const
  try {
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

async function main(options: Options): Promise<boolean> {
  const screen = createScreen({ stream: process.stdout, isTerminal: process.stdout.isTTY })
  const interrupted = new AbortController()
  process.once('SIGINT', () => interrupted.abort(new Error('interrupted')))
  const own = options.url === undefined ? await startService() : undefined
  const url = options.url ?? own?.url ?? ''
  const start = performance.now()
  try {
    screen.line(`Millrace at ${url}\n`)
    const results = await run({ ...options, url, signal: interrupted.signal }, screen)
    screen.line(`\n${renderTable(results)}\n`)
    screen.line(summary(results, performance.now() - start))
    const isGroupFine = own === undefined || (await showGroup(url, interrupted.signal, screen))
    if (own !== undefined && options.keep) {
      screen.line(`The topics are kept: DATA_DIR=${own.dataDirectory} npm start`)
    }
    return isGroupFine && results.every(({ ok }) => ok)
  } finally {
    await own?.stop(options.keep)
  }
}

async function showGroup(url: string, signal: AbortSignal, screen: Screen): Promise<boolean> {
  screen.line('\nA consumer group, and who reads which partitions:\n')
  const group = (await runGroups({ url, signal }, screen)).summary()
  screen.line(`\n${describeGroup(group)}`)
  return group.ok
}

function summary(results: readonly PartitionResult[], elapsedMs: number): string {
  const records = results.reduce((sum, { sent }) => sum + sent.records, 0).toLocaleString('en')
  const bad = results.filter(({ ok }) => !ok).length
  const of = `${results.length} partitions`
  const seconds = `(${(elapsedMs / 1000).toFixed(1)} s)`
  if (bad === 0) return `${records} records in ${of} came back twice, in order, in place ${seconds}.`
  return `${records} records in ${of}: ${bad} partitions gave back something else ${seconds}.`
}

async function start(args: readonly string[]): Promise<void> {
  const options = parseOptions(args)
  if (options === 'help') process.stdout.write(help)
  else if (!(await main(options))) process.exitCode = 1
}

await start(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`The demo failed: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = error instanceof UsageError ? 2 : 1
})
