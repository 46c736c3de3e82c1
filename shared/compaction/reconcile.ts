// Merging: batches of one partition, scattered over flushes that many partitions share, become one segment of their
// own. Their bytes stay as they are but for base offset and leader epoch.

import { invariant, KafkaError } from '../base/errors.ts'
import { batchCrcIsValid } from '../kafka/recordBatchLayout.ts'
import type { Lease } from '../leases/lease.ts'
import { batchesOf } from '../log/readBatches.ts'
import type { PlacedExtent } from '../metadata/extent.ts'
import { newObjectId } from '../metadata/objectId.ts'
import { groupOf, nextAttribute, type PartitionState, segmentsEndAttribute } from '../metadata/sequencer.ts'
import type { Condition, TransactWrite } from '../ports/table.ts'
import type { CompactionDeps, Partition } from './deps.ts'
import { readFlushes, type Segments } from './partitionItems.ts'
import { keepLease, type StillHeld } from './partitionLease.ts'
import { planReconcile } from './planReconcile.ts'
import {
  addToTally,
  createSegmentBuilder,
  emptyTally,
  type SegmentBuilder,
  type Tally,
} from './segmentBuilder.ts'
import { storeSegment } from './storeSegment.ts'

export type ReconcileOutcome =
  | { readonly kind: 'merged' }
  | { readonly kind: 'wait'; readonly untilMs: number }
  | { readonly kind: 'nothing' }
  /** Another worker has taken over. */
  | { readonly kind: 'lost' }

/**
 * Makes one segment, if there is enough for one. What lies below `cleanEndOffset` takes no more in: compaction by
 * key tells segments it has seen from others, and neighbours that are small it rewrites as one anyway.
 */
export async function reconcileOnce(
  deps: CompactionDeps,
  partition: Partition,
  lease: Lease,
  state: PartitionState,
  { segments, cleanEndOffset }: { readonly segments: Segments; readonly cleanEndOffset: number },
): Promise<ReconcileOutcome> {
  const segmentBytes = Math.min(partition.config.segmentBytes, deps.settings.segmentBytesMax)
  const fresh = await readFlushes(deps, partition, state, segmentBytes)
  const last = segments.live.at(-1)
  // Read one after the other: between the two reads another worker has taken over and merged.
  if (last && last.endOffset !== state.segmentsEndOffset) return { kind: 'lost' }
  const nowMs = deps.clock.now()
  const { reconcileAgeMs: ageMs } = deps.settings
  const grows = last && last.endOffset > cleanEndOffset ? last : undefined
  const plan = planReconcile({ last: grows, fresh, segmentBytes, ageMs, nowMs })
  if (plan.kind !== 'merge') return plan
  const objectId = newObjectId(deps.clock, deps.random)
  const { baseOffset, sources } = plan
  const { topicId, partition: number } = partition
  const builder = createSegmentBuilder(
    { topicId, partition: number, objectId, baseOffset },
    sources.reduce((sum, extent) => sum + extent.length, 0),
  )
  const tally = await copyBatches(deps, sources, builder, keepLease(deps, lease))
  if (!tally) return { kind: 'lost' }
  const endOffset = endOf(sources)
  const built = builder.finish(endOffset)
  invariant(
    sameTally(built.tally, tally),
    'merging keeps the number of batches and records and the sum of the CRCs',
  )
  const runningMaxTimestamp = Math.max(last?.runningMaxTimestamp ?? -1, built.maxTimestamp)
  const stored = await storeSegment(deps, {
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
      createdMs: nowMs,
    },
    when: [],
    with: [segmentsTakeOver(deps, partition, state, endOffset)],
  })
  return stored ? { kind: 'merged' } : { kind: 'lost' }
}

/** The segments are the log up to `endOffset`. A sequencer that was deleted must not come back as this alone. */
const segmentsTakeOver = (
  deps: CompactionDeps,
  { topicId, partition }: Partition,
  { segmentsEndOffset }: PartitionState,
  endOffset: number,
): TransactWrite => ({
  kind: 'update',
  key: deps.scope.sequencer(topicId, groupOf(partition)),
  actions: [{ kind: 'set', attribute: segmentsEndAttribute(partition), value: endOffset }],
  when: [{ kind: 'exists', attribute: nextAttribute(partition) }, unchangedEnd(partition, segmentsEndOffset)],
})

const unchangedEnd = (partition: number, end: number): Condition => {
  const attribute = segmentsEndAttribute(partition)
  return end === 0 ? { kind: 'absent', attribute } : { kind: 'equals', attribute, value: end }
}

const readsAhead = 4

/** Bounded: the segment itself and a few extents ahead. undefined: the lease was lost. */
async function copyBatches(
  deps: CompactionDeps,
  sources: readonly PlacedExtent[],
  builder: SegmentBuilder,
  stillHeld: StillHeld,
): Promise<Tally | undefined> {
  let tally = emptyTally
  for await (const { extent, bytes } of readAhead(deps, sources)) {
    if (!(await stillHeld())) return undefined
    for (const { batch, baseOffset } of soundBatchesOf(extent, bytes)) {
      builder.add(batch, baseOffset.first)
      tally = addToTally(tally, batch)
    }
  }
  return tally
}

/** The batches of an extent; a damaged one is refused, with its place. */
export function* soundBatchesOf(extent: PlacedExtent, bytes: Uint8Array): ReturnType<typeof batchesOf> {
  for (const placed of batchesOf(extent, bytes)) {
    const { batch, baseOffset } = placed
    if (!batchCrcIsValid(batch)) {
      const position = extent.position + batch.byteOffset - bytes.byteOffset
      const place = `object ${extent.objectId}, position ${position}, offset ${baseOffset.first}`
      throw new KafkaError(
        'KAFKA_STORAGE_ERROR',
        `The stored batch at ${place} is damaged: its CRC does not match.`,
      )
    }
    yield placed
  }
}

export async function* readAhead(
  deps: CompactionDeps,
  extents: readonly PlacedExtent[],
): AsyncGenerator<{ readonly extent: PlacedExtent; readonly bytes: Uint8Array }> {
  const reading = new Map<PlacedExtent, Promise<Uint8Array>>()
  for (const [i, extent] of extents.entries()) {
    for (const ahead of extents.slice(i, i + readsAhead)) {
      if (reading.has(ahead)) continue
      const bytes = deps.blocks.read(ahead, 'catchUp')
      // Awaited in its turn; until then its failure must not count as unhandled.
      bytes.catch(() => undefined)
      reading.set(ahead, bytes)
    }
    const bytes = (await reading.get(extent)) ?? new Uint8Array(0)
    reading.delete(extent)
    deps.report.counters.bytesRead += bytes.length
    yield { extent, bytes }
  }
}

const endOf = (sources: readonly PlacedExtent[]): number => {
  const last = sources.at(-1)
  if (!last) throw new KafkaError('INTERNAL', 'a merge has sources')
  return last.baseOffset + last.offsetCount
}

const sameTally = (a: Tally, b: Tally): boolean =>
  a.batchCount === b.batchCount && a.recordCount === b.recordCount && a.crcSum === b.crcSum
