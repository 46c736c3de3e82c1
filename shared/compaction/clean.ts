// Compaction by key (rows LC1 to LC18 of Kafka's behaviour): the last record of each key survives, with its offset and
// in its order. Two passes over the segments: the first notes the latest offset of each key that is not clean yet, the
// second rewrites every segment below the point where the first one stopped.

import { limits } from '../base/limits.ts'
import { discard } from '../base/memory.ts'
import { closeRecords, openRecords } from '../kafka/recordBatch.ts'
import { attributeBit, readHeader } from '../kafka/recordBatchLayout.ts'
import type { RecordCursor } from '../kafka/recordCursor.ts'
import { deleteHorizonMs, emptyBatch, retainRecords } from '../kafka/retainRecords.ts'
import type { Lease } from '../leases/lease.ts'
import { endOf } from '../log/extents.ts'
import { sequenceAfter } from '../log/producerRule.ts'
import type { PlacedExtent } from '../metadata/extent.ts'
import { newObjectId } from '../metadata/objectId.ts'
import { type SegmentItem, segmentAttributes } from '../metadata/segmentItem.ts'
import type { ProducerRow } from '../metadata/sequencer.ts'
import type { TransactWrite } from '../ports/table.ts'
import type { CleanProgress } from './cleanerItem.ts'
import { type CompactionDeps, isOver, type Partition } from './deps.ts'
import { createOffsetMap, type OffsetMap } from './offsetMap.ts'
import { keepLease, type StillHeld } from './partitionLease.ts'
import { groupSegments } from './planClean.ts'
import { readAhead, soundBatchesOf } from './readExtents.ts'
import { type BuiltSegment, createSegmentBuilder } from './segmentBuilder.ts'
import { createSlabs, type Slabs } from './slabs.ts'
import { storeSegment } from './storeSegment.ts'
import { createStoring, type Storing } from './storing.ts'

export interface CleanTask {
  readonly partition: Partition
  readonly lease: Lease
  readonly segments: readonly SegmentItem[]
  readonly firstDirtyOffset: number
  /** Segments that end here or below were compared with all of the range by a pass before this one. */
  readonly rewrittenOffset: number
  /** Exclusive: what follows may not be cleaned yet. */
  readonly endOffset: number
  /** Producer rows by id: the last batch of each stays, so that the log shows its sequence. */
  readonly producers: ReadonlyMap<bigint, ProducerRow>
  readonly deadlineMs: number
}

export interface Cleaned {
  readonly reached: CleanProgress
  /** Of the segments that were looked at. */
  readonly bytes: number
}

/**
 * What there is no time for is left half done, and the next pass goes on there with the same range. Each pass maps at
 * least one extent, in at most half of its time, and rewrites at least one group, so that it ends some day however
 * large the partition is. undefined: another worker has taken over.
 */
export async function cleanPartition(deps: CompactionDeps, task: CleanTask): Promise<Cleaned | undefined> {
  const map = createOffsetMap(Math.min(deps.settings.offsetMapEntriesMax, recordsToMap(task)), deps.random)
  const stillHeld = keepLease(deps, task.lease)
  const mappedEnd = await mapDirtyKeys(deps, task, map, stillHeld)
  if (mappedEnd === undefined) return undefined
  const storing = createStoring()
  try {
    const cleaned = await cleanGroups(deps, { ...task, map, mappedEnd, stillHeld, storing })
    return (await storing.done()) ? cleaned : undefined
  } finally {
    // The lease is released when nothing goes on under it.
    await storing.done().catch(() => false)
  }
}

interface Clean extends CleanTask {
  readonly map: OffsetMap
  readonly mappedEnd: number
  readonly stillHeld: StillHeld
  readonly storing: Storing
}

/** What is reached when what is under way is stored. */
async function cleanGroups(deps: CompactionDeps, clean: Clean): Promise<Cleaned | undefined> {
  const { firstDirtyOffset, mappedEnd, stillHeld, storing } = clean
  const segmentBytes = Math.min(clean.partition.config.segmentBytes, deps.settings.segmentBytesMax)
  const toClean = clean.segments.filter(
    ({ baseOffset, endOffset }) => baseOffset < mappedEnd && endOffset > clean.rewrittenOffset,
  )
  const slabs = createSlabs()
  let { rewrittenOffset } = clean
  let bytes = 0
  for (const [i, group] of groupSegments(toClean, segmentBytes).entries()) {
    if (i === 0 ? deps.stopping?.aborted : isOver(deps, clean.deadlineMs)) {
      return { reached: { firstDirtyOffset, mappedEndOffset: mappedEnd, rewrittenOffset }, bytes }
    }
    if (!(await stillHeld())) return undefined
    const cleaned = await cleanGroup(deps, clean, group, slabs)
    if (cleaned && !(await storing.begin(() => storeCleaned(deps, clean, cleaned)))) return undefined
    rewrittenOffset = group.at(-1)?.endOffset ?? rewrittenOffset
    bytes += group.reduce((sum, segment) => sum + segment.bytes, 0)
  }
  return { reached: { firstDirtyOffset: mappedEnd, mappedEndOffset: 0, rewrittenOffset: 0 }, bytes }
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
  const untilMs = (task.deadlineMs + deps.clock.now()) / 2
  const dirty = task.segments.filter(({ endOffset }) => endOffset > task.firstDirtyOffset)
  const extents = dirty
    .filter(({ baseOffset }) => baseOffset < task.endOffset)
    .flatMap((segment) => segment.extents)
    .filter((extent) => endOf(extent) > task.firstDirtyOffset)
  for await (const { extent, bytes } of readAhead(deps, extents)) {
    if (!(await stillHeld())) return undefined
    const full = await mapExtent(deps, task, map, extent, bytes)
    if (full !== undefined) return full
    if (isOver(deps, untilMs)) return Math.min(task.endOffset, endOf(extent))
  }
  return task.endOffset
}

/** The offset of the record that the map has no room for; undefined: all of them are in it. */
async function mapExtent(
  { giveWay }: CompactionDeps,
  task: CleanTask,
  map: OffsetMap,
  extent: PlacedExtent,
  bytes: Uint8Array,
): Promise<number | undefined> {
  for (const { batch } of soundBatchesOf(extent, bytes)) {
    const header = readHeader(batch)
    // A marker's key is no key of the topic's, and the marker itself stays: two of them are not one key twice.
    if (header.attributes & attributeBit.control) continue
    const cursor = openRecords(batch, header, limits.decompressedBytesMax)
    while (cursor.next()) {
      const offset = header.baseOffset + cursor.offsetDelta
      if (offset >= task.endOffset) return undefined
      if (offset < task.firstDirtyOffset || cursor.keyLength < 0) continue
      const { bytes: records, keyStart, keyLength } = cursor
      if (!map.put(records, keyStart, keyStart + keyLength, offset)) return offset
    }
    closeRecords(batch, cursor.bytes)
    await giveWay()
  }
  return undefined
}

interface CleanedGroup {
  readonly objectId: string
  readonly first: SegmentItem
  readonly last: SegmentItem
  readonly built: BuiltSegment
}

/** undefined: it may stay as it is. */
async function cleanGroup(
  deps: CompactionDeps,
  clean: Clean,
  group: readonly SegmentItem[],
  slabs: Slabs,
): Promise<CleanedGroup | undefined> {
  const [first] = group
  const last = group.at(-1)
  if (!first || !last) return undefined
  const { topicId, partition } = clean.partition
  const objectId = newObjectId(deps.clock, deps.random)
  const place = { topicId, partition, objectId, baseOffset: first.baseOffset }
  const bytesExpected = group.reduce((sum, segment) => sum + segment.bytes, 0)
  const builder = createSegmentBuilder(place, bytesExpected, slabs)
  const cleaner = createBatchCleaner(deps, clean)
  const extents = group.flatMap((segment) => segment.extents)
  for await (const { extent, bytes } of readAhead(deps, extents)) {
    for (const { batch, baseOffset } of soundBatchesOf(extent, bytes)) {
      await deps.giveWay()
      const kept = cleaner.clean(batch)
      if (!kept) continue
      builder.add(kept, baseOffset.first)
      if (kept !== batch) discard(kept)
    }
  }
  if (group.length === 1 && !cleaner.changed()) {
    builder.free()
    return undefined
  }
  return { objectId, first, last, built: await builder.finish(last.endOffset, deps.giveWay) }
}

function storeCleaned(
  deps: CompactionDeps,
  { partition, lease, segments }: Clean,
  { objectId, first, last, built }: CleanedGroup,
): Promise<boolean> {
  const before = segments[segments.indexOf(first) - 1]
  const segment = {
    baseOffset: first.baseOffset,
    runningMaxTimestamp: Math.max(last.runningMaxTimestamp, before?.runningMaxTimestamp ?? -1),
    extents: built.extents,
    recordCount: built.tally.recordCount,
    firstTimestamp: built.firstTimestamp,
    createdMs: deps.clock.now(),
  }
  return storeSegment(deps, {
    partition,
    lease,
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

function createBatchCleaner(deps: CompactionDeps, clean: Clean): BatchCleaner {
  const { map, mappedEnd, producers, partition } = clean
  const { counters } = deps.report
  const nowMs = deps.clock.now()
  const newHorizonMs = nowMs + partition.config.deleteRetentionMs
  let changed = false

  const isSuperseded = (offset: number, { bytes, keyStart, keyLength }: RecordCursor): boolean => {
    if (keyLength >= 0) return map.get(bytes, keyStart, keyStart + keyLength) > offset
    counters.invalidRecords++
    return true
  }

  return {
    changed: () => changed,
    clean(batch) {
      const { attributes, baseOffset } = readHeader(batch)
      if (attributes & attributeBit.control || baseOffset >= mappedEnd) return batch
      const horizonMs = deleteHorizonMs(batch)
      const expired = horizonMs !== undefined && nowMs >= horizonMs
      const keep = (offset: number, record: RecordCursor) =>
        offset >= mappedEnd || !(isSuperseded(offset, record) || (expired && record.valueLength < 0))
      const { bytes, dropped } = retainRecords(batch, {
        keep,
        newHorizonMs,
        maxDecompressedBytes: limits.decompressedBytesMax,
      })
      counters.recordsDropped += dropped
      const kept = bytes ?? (isLastOfProducer(batch, producers) ? emptyBatch(batch) : undefined)
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
