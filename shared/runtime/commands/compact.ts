// `npm run compact`: one pass over a topic now, on the data folder of a stopped server, through the API of a running
// one, or on AWS.

import type { CompactionReport } from '../../compaction/deps.ts'
import { compactHere } from './compactHere.ts'
import { compactServer } from './compactServer.ts'
import { startProgress } from './progress.ts'
import { runCommand, UsageError } from './runCommand.ts'
import { parseWhere, whereHelp, whereOptions, whereUsage } from './server.ts'

const help = `Merges, compacts by key and retains one topic now, whether or not it is due.

  npm run compact -- --topic t ${whereUsage}
    [--dry-run]

  --topic <name>     the topic
${whereHelp}  --dry-run          change nothing and print what would be done

On AWS the work is done by this process, under the same leases as the deployed compactor's.

Exit code: 0 it was done, 1 it failed or a partition could not be compacted, 2 wrong arguments.
`

interface Preview {
  readonly partition: number
  readonly mergeBytes: number
  readonly mergeExtents: number
  readonly cleanBytes: number
  readonly logStartOffset?: number | undefined
}

/** The topic's compactor, wherever it runs. */
export interface TopicCompaction {
  preview(): Promise<readonly Preview[]>
  run(): Promise<void>
  /** Since the compactor's process started. */
  report(): Promise<{
    readonly counters: Readonly<CompactionReport['counters']>
    readonly uncleanable: readonly { readonly topicPartition: string; readonly reason: string }[]
  }>
}

async function show(compaction: TopicCompaction, topic: string): Promise<number> {
  const previews = await compaction.preview()
  if (previews.length === 0) print(`${topic}: there is nothing to do`)
  for (const preview of previews) print(`would ${render(preview, topic)}`)
  return 0
}

const progressMs = 500

async function compact(compaction: TopicCompaction, topic: string): Promise<number> {
  const before = await compaction.report()
  const previews = await compaction.preview()
  const total = previews.reduce((sum, { mergeBytes, cleanBytes }) => sum + mergeBytes + cleanBytes, 0)
  const progress = startProgress(`compact ${topic}`)
  const timer = setInterval(() => {
    compaction.report().then(
      ({ counters }) => progress.update(counters.bytesRead - before.counters.bytesRead, total),
      // Whatever is wrong, the pass itself will say.
      () => undefined,
    )
  }, progressMs)
  await compaction.run().finally(() => {
    clearInterval(timer)
    progress.stop()
  })
  const { counters, uncleanable } = await compaction.report()
  printDone(before.counters, counters)
  const stopped = uncleanable.filter(({ topicPartition }) => topicPartition.startsWith(`${topic}-`))
  for (const { topicPartition, reason } of stopped) print(`uncleanable ${topicPartition}: ${reason}`)
  if (stopped.length > 0) return 1
  const left = await compaction.preview()
  for (const preview of left) {
    print(`not done: ${render(preview, topic)} (a compactor that ended early holds it for a minute)`)
  }
  return left.length > 0 ? 1 : 0
}

function printDone(before: CompactionReport['counters'], after: CompactionReport['counters']): void {
  print(`${after.bytesRead - before.bytesRead} bytes read`)
  print(`${after.bytesWritten - before.bytesWritten} bytes written`)
  print(`${after.segmentsWritten - before.segmentsWritten} segments written`)
  print(`${after.recordsDropped - before.recordsDropped} records dropped`)
  print(`${after.invalidRecords - before.invalidRecords} of them without a key`)
}

function render(preview: Preview, topic: string): string {
  const { partition, mergeBytes, mergeExtents, cleanBytes, logStartOffset } = preview
  const parts = [
    mergeExtents > 0 ? [`merge ${mergeBytes} bytes in ${mergeExtents} extents`] : [],
    cleanBytes > 0 ? [`compact ${cleanBytes} bytes by key`] : [],
    logStartOffset === undefined ? [] : [`move the log start to ${logStartOffset}`],
  ]
  return `${parts.flat().join(', ')} of ${topic}-${partition}`
}

const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

await runCommand({
  help,
  options: {
    topic: { type: 'string' },
    ...whereOptions,
    'dry-run': { type: 'boolean' },
  },
  parse: ({ topic, 'dry-run': dryRun = false, ...values }) => {
    if (topic === undefined) throw new UsageError('Name the topic with --topic.')
    return { topic, dryRun, place: parseWhere(values, process.env) }
  },
  run: ({ topic, dryRun, place }) => {
    const work = (compaction: TopicCompaction) =>
      dryRun ? show(compaction, topic) : compact(compaction, topic)
    return place.kind === 'server' ? compactServer(place, topic, work) : compactHere(place, topic, work)
  },
})
