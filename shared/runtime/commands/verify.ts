// `npm run verify`: holds everything that the table names against everything that is stored, of a server that is
// stopped or running, or on AWS.

import { type FindingKind, type VerifyListener, type VerifySummary, verify } from '../../compaction/verify.ts'
import { startProgress } from './progress.ts'
import { runCommand } from './runCommand.ts'
import { atPlace, atServer, parseWhere, whereHelp, whereOptions, whereUsage } from './server.ts'
import { verifyServer } from './verifyServer.ts'

const help = `Checks the data of a server, or of a cluster on AWS, and changes nothing.

  npm run verify -- ${whereUsage}

${whereHelp}
Writers and the compactor may be at work meanwhile: what a first look finds is looked at again.

Prints a line for each finding and a summary:
  dangling  the table names bytes that are missing or differ
  overlap   two different things are named for the same offsets
  hole      nothing is named for offsets between log start and high watermark
  orphan    nothing names an object or item; the collector's work

Exit code: 0 nothing but orphans was found, 1 anything else was or the check failed, 2 wrong arguments.
`

const severe: readonly FindingKind[] = ['dangling', 'overlap', 'hole']

await runCommand({
  help,
  options: whereOptions,
  parse: (values) => parseWhere(values, process.env),
  run: (place) =>
    place.kind === 'server'
      ? atServer(place, (server) => run(server, (listener) => verifyServer(server, listener)))
      : atPlace(place, (deps, known) => run(known, (listener) => verify(deps, listener))),
})

async function run(
  { clusterId }: { readonly clusterId: string },
  walk: (listener: VerifyListener) => Promise<VerifySummary>,
): Promise<number> {
  const progress = startProgress('verify')
  const summary = await walk({
    finding({ kind, place, what }) {
      process.stdout.write(`${kind.padEnd(8)}  ${place}: ${what}\n`)
    },
    progress: (done, total) => progress.update(done, total),
  }).finally(() => progress.stop())
  process.stdout.write(`cluster: ${clusterId}\n${render(summary)}`)
  return summary.unfinished || severe.some((kind) => summary.findings[kind] > 0) ? 1 : 0
}

function render(summary: VerifySummary): string {
  const { topics, partitions, segments, extents, bytes, objects, inlineItems, retired, findings } = summary
  const found = Object.entries(findings).map(([kind, count]) => `${count} ${kind}`)
  return [
    `checked: ${topics} topics, ${partitions} partitions, ${segments} segments, ` +
      `${extents} extents of flushes, ${bytes} bytes`,
    `stored: ${objects} objects, ${inlineItems} inline items, ${retired} objects waiting for deletion`,
    `found: ${found.join(', ')}`,
    ...(summary.unfinished ? ['unfinished: there was not the time for all of it'] : []),
    '',
  ].join('\n')
}
