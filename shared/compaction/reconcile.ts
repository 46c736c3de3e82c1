// Merging: batches of one partition, scattered over flushes that many partitions share, become one segment of their
// own. Their bytes stay as they are but for base offset and leader epoch.

import { invariant, KafkaError } from '../base/errors.ts'
import type { Lease } from '../leases/lease.ts'
import { batchesOf } from '../log/readBatches.ts'
import type { PlacedExtent } from '../metadata/extent.ts'
import { newObjectId } from '../metadata/objectId.ts'
import type { SegmentItem } from '../metadata/segmentItem.ts'
import type { PartitionState } from '../metadata/sequencer.ts'
import { type CompactionDeps, isOver, type Partition } from './deps.ts'
import { readFlushes, type Segments } from './partitionItems.ts'
import { keepLease, type StillHeld } from './partitionLease.ts'
import { mergeAgeMs, planReconcile, type ReconcilePlan } from './planReconcile.ts'
import { readAhead, refuseDamage } from './readExtents.ts'
import {
  addToTally,
  type BuiltSegment,
  createSegmentBuilder,
  emptyTally,
  type SegmentBuilder,
  type Tally,
} from './segmentBuilder.ts'
import { segmentsEndMoves } from './segmentsEnd.ts'
import { createSlabs, type Slabs } from './slabs.ts'
import { storeSegment } from './storeSegment.ts'
import { createStoring } from './storing.ts'

export type ReconcileOutcome =
  | { readonly kind: 'merged' }
  | { readonly kind: 'wait'; readonly untilMs: number }
  | { readonly kind: 'nothing' }
  /** Another worker has taken over. */
  | { readonly kind: 'lost' }

export interface MergeTask {
  readonly partition: Partition
  readonly lease: Lease
  readonly state: PartitionState
  readonly segments: Segments
  /**
   * What lies below takes no more in: compaction by key tells segments it has seen from others, and neighbours that
   * are small it rewrites as one anyway.
   */
  readonly cleanEndOffset: number
  readonly deadlineMs: number
}

/** Makes segments while there is enough for one of full size, each from the end of the one before. */
export async function reconcile(deps: CompactionDeps, task: MergeTask): Promise<ReconcileOutcome> {
  const { partition, state, cleanEndOffset } = task
  const last = task.segments.live.at(-1)
  // Read one after the other: between the two reads another worker has taken over and merged.
  if (last && last.endOffset !== state.segmentsEndOffset) return { kind: 'lost' }
  const segmentBytes = Math.min(partition.config.segmentBytes, deps.settings.segmentBytesMax)
  const merge = { ...task, segmentBytes, slabs: createSlabs(), stillHeld: keepLease(deps, task.lease) }
  const storing = createStoring()
  const end = async () => ((await storing.done()) ? merged : lost)
  let from: Beginning = {
    offset: state.segmentsEndOffset,
    runningMaxTimestamp: last?.runningMaxTimestamp ?? -1,
    grows: last && last.endOffset > cleanEndOffset ? last : undefined,
  }
  try {
    for (let isFirst = true; ; isFirst = false) {
      const plan = await planSegment(deps, merge, from)
      if (plan.kind !== 'merge') return isFirst ? plan : await end()
      const segment = await buildSegment(deps, merge, from, plan)
      if (!segment || !(await storing.begin(() => storeMerged(deps, merge, from, segment)))) return lost
      if (segment.built.bytes < segmentBytes || isOver(deps, task.deadlineMs)) return await end()
      const { endOffset: offset, runningMaxTimestamp } = segment
      from = { offset, runningMaxTimestamp, grows: undefined }
    }
  } finally {
    // The lease is released when nothing goes on under it.
    await storing.done().catch(() => false)
  }
}

const merged = { kind: 'merged' } as const
const lost = { kind: 'lost' } as const

interface Merge extends MergeTask {
  readonly segmentBytes: number
  readonly slabs: Slabs
  readonly stillHeld: StillHeld
}

/** Where the next segment begins. */
interface Beginning {
  readonly offset: number
  readonly runningMaxTimestamp: number
  /** The segment before it, if it may take more in. */
  readonly grows: SegmentItem | undefined
}

async function planSegment(deps: CompactionDeps, merge: Merge, from: Beginning): Promise<ReconcilePlan> {
  const { partition, segmentBytes } = merge
  const state = { ...merge.state, segmentsEndOffset: from.offset }
  const fresh = await readFlushes(deps, partition, state, segmentBytes)
  const ageMs = mergeAgeMs(deps.settings, partition.config)
  return planReconcile({ last: from.grows, fresh, segmentBytes, ageMs, nowMs: deps.clock.now() })
}

interface MergedSegment {
  readonly objectId: string
  readonly built: BuiltSegment
  readonly baseOffset: number
  readonly endOffset: number
  readonly runningMaxTimestamp: number
}

/** undefined: the lease was lost. */
async function buildSegment(
  deps: CompactionDeps,
  { partition: { topicId, partition }, slabs, stillHeld }: Merge,
  { runningMaxTimestamp }: Beginning,
  { baseOffset, sources }: ReconcilePlan & { readonly kind: 'merge' },
): Promise<MergedSegment | undefined> {
  const objectId = newObjectId(deps.clock, deps.random)
  const bytes = sources.reduce((sum, extent) => sum + extent.length, 0)
  const builder = createSegmentBuilder({ topicId, partition, objectId, baseOffset }, bytes, slabs)
  const tally = await copyBatches(deps, sources, builder, stillHeld)
  if (!tally) return undefined
  const endOffset = endOf(sources)
  const built = await finish(deps, builder, sources, endOffset)
  const isConserved = sameTally(built.tally, tally)
  invariant(isConserved, 'merging keeps the number of batches and records and the sum of the CRCs')
  const max = Math.max(runningMaxTimestamp, built.maxTimestamp)
  return { objectId, built, baseOffset, endOffset, runningMaxTimestamp: max }
}

function storeMerged(
  deps: CompactionDeps,
  { partition, lease }: Merge,
  from: Beginning,
  { objectId, built, baseOffset, endOffset, runningMaxTimestamp }: MergedSegment,
): Promise<boolean> {
  return storeSegment(deps, {
    partition,
    lease,
    objectId,
    built,
    endOffset,
    segment: {
      baseOffset,
      runningMaxTimestamp,
      extents: built.extents,
      recordCount: built.tally.recordCount,
      firstTimestamp: built.firstTimestamp,
      createdMs: deps.clock.now(),
    },
    when: [],
    with: [segmentsEndMoves(deps, partition, from.offset, endOffset)],
  })
}

/**
 * Bounded: the segment itself and a few extents ahead. The CRCs are looked at when they are in place, once for all;
 * what looks wrong before is looked at here. undefined: the lease was lost.
 */
async function copyBatches(
  deps: CompactionDeps,
  sources: readonly PlacedExtent[],
  builder: SegmentBuilder,
  stillHeld: StillHeld,
): Promise<Tally | undefined> {
  let tally = emptyTally
  for await (const { extent, bytes } of readAhead(deps, sources)) {
    if (!(await stillHeld())) return undefined
    try {
      for (const { batch, baseOffset } of batchesOf(extent, bytes)) {
        builder.add(batch, baseOffset.first)
        tally = addToTally(tally, batch)
        await deps.giveWay()
      }
    } catch (error) {
      refuseDamage(extent, bytes)
      throw error
    }
  }
  return tally
}

/** What is damaged in the segment was so before: then the place that counts is there. */
async function finish(
  deps: CompactionDeps,
  builder: SegmentBuilder,
  sources: readonly PlacedExtent[],
  endOffset: number,
): Promise<BuiltSegment> {
  try {
    return await builder.finish(endOffset, deps.giveWay)
  } catch (error) {
    for await (const { extent, bytes } of readAhead(deps, sources)) refuseDamage(extent, bytes)
    throw error
  }
}

const endOf = (sources: readonly PlacedExtent[]): number => {
  const last = sources.at(-1)
  if (!last) throw new KafkaError('INTERNAL', 'a merge has sources')
  return last.baseOffset + last.offsetCount
}

const sameTally = (a: Tally, b: Tally): boolean =>
  a.batchCount === b.batchCount && a.recordCount === b.recordCount && a.crcSum === b.crcSum
