// The compactor of one tenant's cluster, on the ports: what the scheduled function, the local server's timer,
// the operator's commands and the simulation all run.

import { type Collected, type CollectOptions, collect } from '../compaction/collect.ts'
import { compactPartition } from '../compaction/compactPartition.ts'
import { countObjects, type ObjectCounts } from '../compaction/countObjects.ts'
import {
  type CompactionDeps,
  type CompactionReport,
  type CompactionSettings,
  isOver,
  newCompactionReport,
  type Partition,
  type PartitionOutcome,
  type PartitionWorker,
} from '../compaction/deps.ts'
import { type PartitionPreview, previewPass } from '../compaction/previewPass.ts'
import { type PassOptions, type PassOutcome, runPass } from '../compaction/runPass.ts'
import { readStoredFlushOrSegment, type StoredLog } from '../compaction/storedLog.ts'
import { type VerifyListener, type VerifySummary, verify } from '../compaction/verify.ts'
import { createBlocks } from '../log/blocks.ts'
import type { LogDeps } from '../log/deps.ts'
import { createGiveWay } from '../ports/giveWay.ts'
import { createCatalog } from '../topics/catalog.ts'
import { effectiveConfig } from '../topics/configs.ts'
import { sampleRetained } from './sampleRetained.ts'
import { createGroupSweep } from './sweepGroups.ts'

/** A partition as a planner elsewhere names it: the configs are read here. */
export type PartitionName = Omit<Partition, 'config'>

export interface Compactor {
  /** Merges, compacts by key and retains what is due. */
  run(options: PassOptions): Promise<PassOutcome>
  /** One partition's turn, for a planner elsewhere. */
  work(name: PartitionName, deadlineMs: number, isAskedFor: boolean): Promise<PartitionOutcome>
  /** Deletes what nothing names any more; consumer groups and their offsets when their time is over. */
  collect(options: CollectOptions): Promise<Collected>
  /** Notes how much each topic keeps, unless that was done in this hour. */
  sampleRetained(deadlineMs: number): Promise<void>
  /** What a run would do. */
  preview(topicName: string | undefined): Promise<readonly PartitionPreview[]>
  /** undefined: there was not the time for it. */
  countObjects(deadlineMs: number): Promise<ObjectCounts | undefined>
  /** Holds everything that is named against everything that is stored. */
  verify(listener: VerifyListener, isOver: () => boolean): Promise<VerifySummary>
  /** undefined: there is no such object or inline item. Error: BAD_REQUEST. */
  readStored(name: string): Promise<StoredLog | undefined>
  readonly report: CompactionReport
}

const mebibyte = 1024 * 1024

/**
 * Two segments are in memory, one being built and one being stored, and the map takes 27 bytes an entry: that bounds
 * what a pass needs of it. A reader takes a segment with two requests, one for its first block of 4 MiB and one for the
 * 16 MiB that it reads ahead; there is room for the rest of the last flush.
 */
export const defaultCompactionSettings: CompactionSettings = {
  segmentBytesMax: 18 * mebibyte,
  reconcileAgeMs: 10 * 60_000,
  offsetMapEntriesMax: 1_000_000,
  leaseMs: 60_000,
  partitionsAtOnce: 1,
}

/** How many keys fit into Kafka's log.cleaner.dedupe.buffer.size: a slot takes 24 bytes, and nine of ten are filled. */
export const offsetMapEntriesOf = (bytes: number): number => Math.floor((bytes / 24) * 0.9)

/**
 * Small: a merge reads each byte once. Flushes are shared by partitions that have their turns soon after each other, so
 * small ones are still there for the next one, and of large ones not much is read that another partition wants.
 */
const blockSettings = {
  cacheBytesMax: 8 * mebibyte,
  blockBytes: mebibyte,
  readAheadBytes: 4 * mebibyte,
  tailReadsMax: 8,
  catchUpReadsMax: 8,
}

/**
 * `worker` does what is due; without one this process does. `report`: of compactors before it, where it goes on with
 * theirs.
 */
export function createCompactor(
  deps: LogDeps & Pick<CompactionDeps, 'stopping'>,
  settings: CompactionSettings,
  worker?: PartitionWorker,
  report: CompactionReport = newCompactionReport(),
): Compactor {
  const owner = Buffer.from(deps.random.bytes(12)).toString('hex')
  const blocks = createBlocks(deps, blockSettings)
  const compaction = {
    ...deps,
    blocks,
    settings,
    owner,
    report,
    giveWay: createGiveWay(deps.clock),
  }
  const catalog = createCatalog(deps)
  const sweepGroups = createGroupSweep(deps, catalog)
  // However young the flushes are.
  const now = { ...compaction, settings: { ...settings, reconcileAgeMs: 0 } }
  const depsFor = (topicName: string | undefined) => (topicName === undefined ? compaction : now)
  const workHere: PartitionWorker = (partition, deadlineMs, isAskedFor) =>
    compactPartition(isAskedFor ? now : compaction, partition, deadlineMs)
  return {
    run: (options) => runPass(depsFor(options.topicName), catalog, worker ?? workHere, options),
    work: async (name, deadlineMs, isAskedFor) => {
      const topic = await catalog.get(name.topicName)
      // Deleted, or created again, since the planner saw it.
      if (topic?.topicId !== name.topicId) return { dueMs: undefined }
      return workHere({ ...name, config: effectiveConfig(topic.overrides) }, deadlineMs, isAskedFor)
    },
    async collect(options) {
      if (!options.dryRun) await sweepGroups(() => isOver(deps, options.deadlineMs))
      return collect(compaction, options)
    },
    preview: (topicName) => previewPass(depsFor(topicName), catalog, topicName),
    sampleRetained: (deadlineMs) => sampleRetained(compaction, catalog, deadlineMs),
    countObjects: (deadlineMs) => countObjects(compaction, deadlineMs),
    verify: (listener, isOver) => verify(deps, listener, isOver),
    readStored: (name) => readStoredFlushOrSegment(deps, name),
    report,
  }
}
