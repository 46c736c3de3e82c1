// Compaction by key (rows LC1 to LC18 of Kafka's behaviour): the last record of each key survives, with its offset and
// in its order. Two passes over the segments: the first notes the latest offset of each key that is not clean yet, the
// second rewrites every segment below the point where the first one stopped.

import { limits } from '../base/limits.ts'
import { openRecords } from '../kafka/recordBatch.ts'
import { attributeBit, readHeader } from '../kafka/recordBatchLayout.ts'
import { deleteHorizonMs, emptyBatch, type RecordInQuestion, retainRecords } from '../kafka/retainRecords.ts'
import type { Lease } from '../leases/lease.ts'
import { endOf } from '../log/extents.ts'
import { sequenceAfter } from '../log/producerRule.ts'
import type { PlacedExtent } from '../metadata/extent.ts'
import { newObjectId } from '../metadata/objectId.ts'
import { type SegmentItem, segmentAttributes } from '../metadata/segmentItem.ts'
import type { ProducerRow } from '../metadata/sequencer.ts'
import type { TransactWrite } from '../ports/table.ts'
import { type CompactionDeps, isOver, type Partition } from './deps.ts'
import { createOffsetMap, type OffsetMap } from './offsetMap.ts'
import { keepLease, type StillHeld } from './partitionLease.ts'
import { groupSegments } from './planClean.ts'
import { readAhead, soundBatchesOf } from './reconcile.ts'
import { createSegmentBuilder } from './segmentBuilder.ts'
import { storeSegment } from './storeSegment.ts'

export interface CleanTask {
  readonly partition: Partition
  readonly lease: Lease
  readonly segments: readonly SegmentItem[]
  readonly firstDirtyOffset: number
  /** Exclusive: what follows may not be cleaned yet. */
  readonly endOffset: number
  /** Producer rows by id: the last batch of each stays, so that the log shows its sequence. */
  readonly producers: ReadonlyMap<bigint, ProducerRow>
  readonly deadlineMs: number
}

/** The offset up to which the partition is clean now; undefined: another worker has taken over. */
export async function cleanPartition(deps: CompactionDeps, task: CleanTask): Promise<number | undefined> {
  const map = createOffsetMap(Math.min(deps.settings.offsetMapEntriesMax, recordsToMap(task)))
  const stillHeld = keepLease(deps, task.lease)
  const mappedEnd = await mapDirtyKeys(deps, task, map, stillHeld)
  if (mappedEnd === undefined) return undefined
  const { config } = task.partition
  const segmentBytes = Math.min(config.segmentBytes, deps.settings.segmentBytesMax)
  const toClean = task.segments.filter((segment) => segment.baseOffset < mappedEnd)
  let cleanEnd = task.firstDirtyOffset
  for (const group of groupSegments(toClean, segmentBytes)) {
    // What is rewritten so far is clean: its keys were compared with all that was mapped.
    if (isOver(deps, task.deadlineMs)) return cleanEnd
    if (!(await stillHeld())) return undefined
    const swapped = await cleanGroup(deps, task, group, map, mappedEnd)
    if (!swapped) return undefined
    cleanEnd = Math.max(cleanEnd, Math.min(mappedEnd, group.at(-1)?.endOffset ?? 0))
  }
  return mappedEnd
}

const recordsToMap = ({ segments, firstDirtyOffset }: CleanTask): number =>
  segments.reduce(
    (sum, { endOffset, recordCount }) => sum + (endOffset > firstDirtyOffset ? recordCount : 0),
    0,
  )

/**
 * Stops at the record with which the map is full, or when time is up: what follows is left to the next pass.
 * undefined: the lease was lost.
 */
async function mapDirtyKeys(
  deps: CompactionDeps,
  task: CleanTask,
  map: OffsetMap,
  stillHeld: StillHeld,
): Promise<number | undefined> {
  const dirty = task.segments.filter(({ endOffset }) => endOffset > task.firstDirtyOffset)
  const extents = dirty.filter(({ baseOffset }) => baseOffset < task.endOffset).flatMap((s) => s.extents)
  for await (const { extent, bytes } of readAhead(deps, extents)) {
    if (!(await stillHeld())) return undefined
    const full = mapExtent(task, map, extent, bytes)
    if (full !== undefined) return full
    if (isOver(deps, task.deadlineMs)) return Math.max(task.firstDirtyOffset, endOf(extent))
  }
  return task.endOffset
}

/** The offset of the record that the map has no room for; undefined: all of them are in it. */
function mapExtent(
  task: CleanTask,
  map: OffsetMap,
  extent: PlacedExtent,
  bytes: Uint8Array,
): number | undefined {
  for (const { batch } of soundBatchesOf(extent, bytes)) {
    const header = readHeader(batch)
    const cursor = openRecords(batch, header, limits.decompressedBytesMax)
    while (cursor.next()) {
      const offset = header.baseOffset + cursor.offsetDelta
      const key = offset < task.firstDirtyOffset ? null : cursor.key()
      if (key !== null && !map.put(key, offset)) return offset
    }
  }
  return undefined
}

async function cleanGroup(
  deps: CompactionDeps,
  task: CleanTask,
  group: readonly SegmentItem[],
  map: OffsetMap,
  mappedEnd: number,
): Promise<boolean> {
  const [first] = group
  const last = group.at(-1)
  if (!first || !last) return true
  const { topicId, partition } = task.partition
  const objectId = newObjectId(deps.clock, deps.random)
  const place = { topicId, partition, objectId, baseOffset: first.baseOffset }
  const builder = createSegmentBuilder(
    place,
    group.reduce((sum, segment) => sum + segment.bytes, 0),
  )
  const cleaner = createBatchCleaner(deps, task, map, mappedEnd)
  for await (const { extent, bytes } of readAhead(
    deps,
    group.flatMap((segment) => segment.extents),
  )) {
    for (const { batch, baseOffset } of soundBatchesOf(extent, bytes)) {
      const kept = cleaner.clean(batch)
      if (kept) builder.add(kept, baseOffset.first)
    }
  }
  if (group.length === 1 && !cleaner.changed()) return true
  const built = builder.finish(last.endOffset)
  const before = task.segments[task.segments.indexOf(first) - 1]
  const segment = {
    baseOffset: first.baseOffset,
    runningMaxTimestamp: Math.max(last.runningMaxTimestamp, before?.runningMaxTimestamp ?? -1),
    extents: built.extents,
    recordCount: built.tally.recordCount,
    firstTimestamp: built.firstTimestamp,
    createdMs: deps.clock.now(),
  }
  return storeSegment(deps, {
    partition: task.partition,
    lease: task.lease,
    objectId,
    built,
    segment,
    endOffset: last.endOffset,
    when: [{ kind: 'equals', attribute: 'extents', value: extentsOf(last) }],
    with: [retirement(deps, last.objectId)],
  })
}

/** The key of the last segment is written over, so that its object is named here from now on. */
const retirement = (deps: CompactionDeps, objectId: string): TransactWrite => ({
  kind: 'put',
  key: deps.scope.retired(objectId),
  attributes: { since: deps.clock.now(), name: deps.scope.segmentObject(objectId) },
})

function extentsOf(segment: SegmentItem): Uint8Array {
  const { extents } = segmentAttributes(segment)
  if (extents instanceof Uint8Array) return extents
  throw new Error('the extents of a segment are stored as bytes')
}

interface BatchCleaner {
  /** undefined: nothing of it stays. */
  clean(batch: Uint8Array): Uint8Array | undefined
  readonly changed: () => boolean
}

function createBatchCleaner(
  deps: CompactionDeps,
  task: CleanTask,
  map: OffsetMap,
  mappedEnd: number,
): BatchCleaner {
  const { counters } = deps.report
  const nowMs = deps.clock.now()
  const newHorizonMs = nowMs + task.partition.config.deleteRetentionMs
  let changed = false

  const isSuperseded = ({ key, offset }: RecordInQuestion): boolean => {
    if (key === null) counters.invalidRecords++
    return key === null || (map.get(key) ?? -1) > offset
  }

  return {
    changed: () => changed,
    clean(batch) {
      const { attributes, baseOffset } = readHeader(batch)
      if (attributes & attributeBit.control || baseOffset >= mappedEnd) return batch
      const horizonMs = deleteHorizonMs(batch)
      const expired = horizonMs !== undefined && nowMs >= horizonMs
      const keep = (record: RecordInQuestion) =>
        record.offset >= mappedEnd || !(isSuperseded(record) || (expired && record.isTombstone))
      const { bytes, dropped } = retainRecords(batch, {
        keep,
        newHorizonMs,
        maxDecompressedBytes: limits.decompressedBytesMax,
      })
      counters.recordsDropped += dropped
      const kept = bytes ?? (isLastOfProducer(batch, task.producers) ? emptyBatch(batch) : undefined)
      changed ||= kept !== batch && !(kept && isEmpty(batch))
      return kept
    },
  }
}

const isEmpty = (batch: Uint8Array): boolean => readHeader(batch).recordCount === 0

function isLastOfProducer(batch: Uint8Array, producers: ReadonlyMap<bigint, ProducerRow>): boolean {
  const { producerId, producerEpoch, baseSequence, lastOffsetDelta } = readHeader(batch)
  const row = producers.get(producerId)
  const next = sequenceAfter(baseSequence, lastOffsetDelta + 1)
  return row !== undefined && row.epoch === producerEpoch && row.nextSequence === next
}
