// What the compactor works with, and how it tells what it did.

import type { Blocks } from '../log/blocks.ts'
import type { LogDeps } from '../log/deps.ts'
import type { GiveWay } from '../ports/giveWay.ts'
import type { TopicConfig } from '../topics/configs.ts'

export interface CompactionSettings {
  /** Target of a segment, whatever a topic's segment.bytes says beyond it. */
  readonly segmentBytesMax: number
  /** Flushes older than this are merged however few they are: it bounds what is read from small objects. */
  readonly reconcileAgeMs: number
  /** Keys that one pass of compaction by key can tell apart: 24 bytes each. */
  readonly offsetMapEntriesMax: number
  readonly leaseMs: number
  /** Partitions worked on at once. */
  readonly partitionsAtOnce: number
}

export interface CompactionDeps extends LogDeps {
  readonly blocks: Blocks
  readonly settings: CompactionSettings
  /** Unique to this process. */
  readonly owner: string
  readonly report: CompactionReport
  readonly giveWay: GiveWay
  /** Aborted when the process ends: work ends at the next clean point. */
  readonly stopping?: AbortSignal
}

/** Asked at every clean point. */
export const isOver = (deps: Pick<CompactionDeps, 'clock' | 'stopping'>, deadlineMs: number): boolean =>
  deps.stopping?.aborted === true || deps.clock.now() >= deadlineMs

export interface Partition {
  readonly topicName: string
  readonly topicId: string
  readonly partition: number
  readonly config: TopicConfig
}

/** When there is something to do again; undefined: not before the next commit. */
export interface PartitionOutcome {
  readonly dueMs: number | undefined
}

/**
 * Gives a partition its turn, here or elsewhere; it ends at the first clean point after the deadline. `isAskedFor`: by
 * somebody who wants it done now, however young its flushes are.
 */
export type PartitionWorker = (
  partition: Partition,
  deadlineMs: number,
  isAskedFor: boolean,
) => Promise<PartitionOutcome>

/** Counts since the process started; each has a gauge of Kafka's log cleaner as its model. */
export interface CompactionReport {
  readonly counters: {
    bytesRead: number
    bytesWritten: number
    segmentsWritten: number
    recordsDropped: number
    /** Records without a key in a topic that is compacted by key. */
    invalidRecords: number
    objectsDeleted: number
    itemsDeleted: number
  }
  /** cleaner-recopy-percent is the second of the first: what compaction by key has looked at, and written again. */
  cleanedBytes: number
  recopiedBytes: number
  /** max-clean-time: the longest pass over one partition, in milliseconds. */
  maxCleanTimeMs: number
  /** max-compaction-delay: how much longer than max.compaction.lag.ms a record has waited, in milliseconds. */
  maxCompactionDelayMs: number
  /** uncleanable-partitions: what stopped the work on them. */
  readonly uncleanable: Map<string, string>
}

export const newCompactionReport = (): CompactionReport => ({
  counters: {
    bytesRead: 0,
    bytesWritten: 0,
    segmentsWritten: 0,
    recordsDropped: 0,
    invalidRecords: 0,
    objectsDeleted: 0,
    itemsDeleted: 0,
  },
  cleanedBytes: 0,
  recopiedBytes: 0,
  maxCleanTimeMs: 0,
  maxCompactionDelayMs: 0,
  uncleanable: new Map(),
})

/** What was done in both; reasons of the one that is added stay with it. */
export function addReport(all: CompactionReport, report: CompactionReport): void {
  const { counters } = all
  counters.bytesRead += report.counters.bytesRead
  counters.bytesWritten += report.counters.bytesWritten
  counters.segmentsWritten += report.counters.segmentsWritten
  counters.recordsDropped += report.counters.recordsDropped
  counters.invalidRecords += report.counters.invalidRecords
  counters.objectsDeleted += report.counters.objectsDeleted
  counters.itemsDeleted += report.counters.itemsDeleted
  all.cleanedBytes += report.cleanedBytes
  all.recopiedBytes += report.recopiedBytes
  all.maxCleanTimeMs = Math.max(all.maxCleanTimeMs, report.maxCleanTimeMs)
  all.maxCompactionDelayMs = Math.max(all.maxCompactionDelayMs, report.maxCompactionDelayMs)
}

/** What was done since it was taken last. */
export function takeReport(report: CompactionReport): CompactionReport {
  const taken = { ...report }
  Object.assign(report, newCompactionReport())
  return taken
}
