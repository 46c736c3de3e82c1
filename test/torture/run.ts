// `npm run torture`: kills Millrace again and again while it writes, reads, merges and compacts, and compares all keys.

import { parseArgs } from 'node:util'
import { runTorture, type TortureProgress } from './torture.ts'

const help = `Writers, readers, compactors and a collector on one folder, in a process that is killed again and again;
at the end every key is compared with what was acknowledged.

  npm run torture                            1,000,000 records over 50,000 keys, 20 kills
  npm run torture -- --records N --keys N --kills N
  npm run torture -- --help                  this text

Exit code 1 and the first differences where something was lost, invented, moved or left dangling.
Data is written below the system's temporary folder (TMPDIR) and removed.
`

const differencesShown = 20
const progressEveryMs = 1000

function integer(name: string, text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value
  throw new Error(`--${name} takes a whole number`)
}

function createProgress(records: number): (progress: TortureProgress) => void {
  let shownMs = 0
  return ({ acknowledged, read, kills }) => {
    if (performance.now() - shownMs < progressEveryMs) return
    shownMs = performance.now()
    const share = Math.floor((acknowledged / records) * 100)
    const line = `${share} % written, ${kills} kills, ${read} records read`
    process.stdout.write(process.stdout.isTTY ? `\r\u001b[K${line}` : `${line}\n`)
  }
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      records: { type: 'string', default: '1000000' },
      keys: { type: 'string', default: '50000' },
      kills: { type: 'string', default: '20' },
    },
  })
  if (values.help) {
    process.stdout.write(help)
    return
  }
  const options = {
    records: integer('records', values.records),
    keys: integer('keys', values.keys),
    kills: integer('kills', values.kills),
  }
  const result = await runTorture(options, createProgress(options.records))
  const { differences, ...figures } = result
  process.stdout.write(`\n${JSON.stringify({ ...options, ...figures })}\n`)
  for (const difference of differences.slice(0, differencesShown)) process.stdout.write(`${difference}\n`)
  process.stdout.write(`torture: ${differences.length} differences in ${result.seconds.toFixed(1)} s\n`)
  if (differences.length > 0) process.exitCode = 1
}

await run().catch((error: unknown) => {
  process.stderr.write(`The torture failed: ${error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode = 2
})
