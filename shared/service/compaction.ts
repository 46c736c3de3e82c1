// Compaction as an operator sees it: one pass at a time, whoever asks for it, each within its time; what was
// done; how things stand.

import { createLimiter } from '../base/concurrency.ts'
import type { Collected } from '../compaction/collect.ts'
import type { ObjectCounts } from '../compaction/countObjects.ts'
import type { CompactionReport } from '../compaction/deps.ts'
import type { PartitionPreview } from '../compaction/previewPass.ts'
import type { Clock } from '../ports/world.ts'
import type { Compactor } from './compactor.ts'

export interface CompactionRequest {
  /** Only this topic, and what is not due yet too. */
  readonly topicName?: string
  /** Delete what nothing names any more, after the pass. */
  readonly collect: boolean
  /** Changes nothing and says what would be. */
  readonly dryRun: boolean
  /** The pass ends at its first clean point after this; a collection is not held to it. Absent: as long as a run. */
  readonly passMsMax?: number
}

export interface CompactionRun {
  /** There was more to do than there was time: run again. */
  readonly unfinished: boolean
  /** Of this run alone; of a dry run all are 0. */
  readonly counters: CompactionReport['counters']
  /** Of a dry run alone. */
  readonly previews: readonly PartitionPreview[]
  readonly collected: Collected
}

export interface Compaction extends Pick<Compactor, 'verify' | 'readStored'> {
  /** Waits for the one under way. */
  run(request: CompactionRequest): Promise<CompactionRun>
  /** Since the process started. */
  readonly report: CompactionReport
  /** Since the last pass ended; undefined: there was none yet. */
  sinceLastRunMs(): number | undefined
  /** As the last collection counted them; undefined: there was none yet. */
  objectCounts(): ObjectCounts | undefined
  /** Resolves when no pass is under way. */
  idle(): Promise<void>
}

const nothing: Collected = { names: [], unreadable: [] }

/** A run ends at the first clean point after `runMsMax`. */
export function createCompaction(compactor: Compactor, clock: Clock, runMsMax: number): Compaction {
  const oneAtATime = createLimiter(1)
  let counts: ObjectCounts | undefined
  let endedMs: number | undefined

  const preview = async ({ topicName, collect }: CompactionRequest): Promise<CompactionRun> => {
    const before = { ...compactor.report.counters }
    const deadlineMs = clock.now() + runMsMax
    const previews = await compactor.preview(topicName)
    const collected = collect ? await compactor.collect({ deadlineMs, dryRun: true }) : nothing
    const unfinished = clock.now() >= deadlineMs
    return { unfinished, counters: since(before, compactor.report.counters), previews, collected }
  }

  const carryOut = async (request: CompactionRequest): Promise<CompactionRun> => {
    const { topicName, collect, passMsMax = runMsMax } = request
    const before = { ...compactor.report.counters }
    const deadlineMs = clock.now() + runMsMax
    const lastMs = collect ? beforeCollection(clock.now(), deadlineMs) : deadlineMs
    const passDeadlineMs = Math.min(lastMs, clock.now() + passMsMax)
    const topic = topicName === undefined ? {} : { topicName }
    const pass = await compactor.run({ deadlineMs: passDeadlineMs, ...topic })
    endedMs = clock.now()
    const collected = collect ? await compactor.collect({ deadlineMs, dryRun: false }) : nothing
    if (collect) counts = (await compactor.countObjects(deadlineMs)) ?? counts
    if (collect) await compactor.sampleRetained(deadlineMs)
    const unfinished = pass.unfinished || clock.now() >= deadlineMs
    return { unfinished, counters: since(before, compactor.report.counters), previews: [], collected }
  }

  return {
    run: (request) => oneAtATime(() => (request.dryRun ? preview(request) : carryOut(request))),
    report: compactor.report,
    sinceLastRunMs: () => (endedMs === undefined ? undefined : clock.now() - endedMs),
    objectCounts: () => counts,
    verify: compactor.verify,
    readStored: compactor.readStored,
    idle: () => oneAtATime(async () => undefined),
  }
}

/** When a pass ends that a collection follows: one that has always more to do must not keep it from its turn. */
export const beforeCollection = (nowMs: number, deadlineMs: number): number =>
  nowMs + (deadlineMs - nowMs) * 0.75

/** 0 where nothing was compacted by key yet. */
export const recopyPercent = ({ cleanedBytes, recopiedBytes }: CompactionReport): number =>
  cleanedBytes === 0 ? 0 : (100 * recopiedBytes) / cleanedBytes

type Counters = CompactionReport['counters']

const since = (before: Counters, after: Counters): Counters => ({
  bytesRead: after.bytesRead - before.bytesRead,
  bytesWritten: after.bytesWritten - before.bytesWritten,
  segmentsWritten: after.segmentsWritten - before.segmentsWritten,
  recordsDropped: after.recordsDropped - before.recordsDropped,
  invalidRecords: after.invalidRecords - before.invalidRecords,
  objectsDeleted: after.objectsDeleted - before.objectsDeleted,
  itemsDeleted: after.itemsDeleted - before.itemsDeleted,
})
