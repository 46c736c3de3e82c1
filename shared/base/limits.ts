// Bounds of the log that no config changes, each with its reason. Relations between them are asserted as the file
// loads.

import { invariant } from './errors.ts'

export const limits = {
  /** Partitions of a topic that share one sequencer item: one table write orders a request over all of them. */
  partitionsPerSequencer: 16,
  /** A tail this long is spilled by the writer that made it so. Short, because a write is billed by the item's size. */
  tailSpillLength: 16,
  /** Entries moved by one spill; always the first ones, so that any two writers that spill do exactly the same. */
  tailSpillCount: 12,
  /** A tail this long refuses commits until somebody has spilled it. */
  tailLengthMax: 64,
  /** Producer rows of one sequencer before the idlest move to items of their own (20 bytes each). */
  producersPerSequencer: 128,
  /** Rows that an eviction leaves, the latest used ones: fewer, so that the next new producer does not evict again. */
  producersKeptByEviction: 80,
  /** Producers whose rows one commit checks: keeps its condition below DynamoDB's 4 KB of expression. */
  producersPerCommit: 48,
  /**
   * Bytes of one tail entry, as planned before it is encoded. A full tail of them and the producers' rows stay below
   * the 400 KB of a table item, or nothing could be committed any more.
   */
  tailEntryBytesMax: 4096,
  /** Batches of a producer within which a retry is answered with its first offset (Kafka's window). */
  producerBatchesRetained: 5,
  /** Pages of index that are searched for a retried batch that has left the tail. */
  duplicateSearchPagesMax: 8,
  /**
   * A flush that is no larger goes into the table instead of the object store: below 8 KB that is the cheaper write.
   */
  inlineFlushBytesMax: 8 * 1024,
  /** The same for topics that ask for it (millrace.write.path=inline); a table item holds 400 KB. */
  inlineBytesMax: 256 * 1024,
  /** Partitions of one topic: one transaction deletes the topic with all its sequencers. */
  partitionsPerTopicMax: 1536,
  /** Attempts of one commit before the answer is a retriable error; each lost attempt taught it the current state. */
  commitAttemptsMax: 16,
  /** Index items read at once by a catch-up read. */
  indexItemsPerQuery: 16,
  /** How long a process remembers index and segment items; what compaction replaced stays much longer. */
  metadataCacheMs: 60_000,
  /**
   * From when nothing names an object or item to when it is deleted. Longer than whoever may still hold its name: a
   * cache (a minute), the longest function (15 minutes), a process that was frozen and thawed (a writer gives an object
   * up that it could not commit within writerPatienceMs). Ten times the longest of these would be 150 minutes.
   */
  graceMs: 3 * 3600_000,
  /** A flush that has not reached its commit by then is refused: its object may be collected from graceMs on. */
  writerPatienceMs: 120_000,
  /** Bytes that a compressed batch may become. */
  decompressedBytesMax: 64 * 1024 * 1024,
} as const

invariant(limits.tailSpillCount < limits.tailSpillLength, 'a spill leaves the newest entries in the tail')
invariant(
  limits.producersKeptByEviction < limits.producersPerSequencer,
  'an eviction leaves fewer producers than begin one',
)
invariant(limits.tailSpillLength < limits.tailLengthMax, 'a tail is spilled before it refuses commits')
invariant(
  limits.partitionsPerTopicMax / limits.partitionsPerSequencer <= 98,
  'a topic is deleted in one transaction',
)
