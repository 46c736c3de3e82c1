// From bytes in memory to a segment that is the log: the object first, then one transaction that is conditional on the
// lease and on what is replaced. Who stops in between leaves an object that nothing names.

import { StorageError } from '../base/errors.ts'
import { fence, type Lease } from '../leases/lease.ts'
import { type NewSegment, segmentAttributes } from '../metadata/segmentItem.ts'
import { retryRepeatable, retryWithoutEffect } from '../ports/retry.ts'
import type { Condition, ItemKey, TransactWrite } from '../ports/table.ts'
import type { CompactionDeps, Partition } from './deps.ts'
import type { BuiltSegment } from './segmentBuilder.ts'

export interface SegmentSwap {
  readonly partition: Partition
  readonly lease: Lease
  readonly objectId: string
  readonly built: BuiltSegment
  readonly segment: NewSegment
  readonly endOffset: number
  /** What must still be true of the segment item with the same key. */
  readonly when: readonly Condition[]
  /** Made together with it. */
  readonly with: readonly TransactWrite[]
}

/** false: the lease was lost, or what was to be replaced has changed; nothing was. */
export async function storeSegment(deps: CompactionDeps, swap: SegmentSwap): Promise<boolean> {
  const { built, lease } = swap
  const { topicId, partition } = swap.partition
  const name = deps.scope.segmentObject(swap.objectId)
  await retryRepeatable(deps, () => deps.objects.putIfAbsent(name, built.parts))
  built.free()
  deps.report.counters.bytesWritten += built.bytes
  const key = deps.scope.segment(topicId, partition, swap.endOffset - 1)
  const attributes = segmentAttributes(swap.segment)
  const put: TransactWrite = { kind: 'put', key, attributes, when: swap.when }
  const swapped = await transactFenced(deps, lease, [put, ...swap.with], () =>
    isThere(deps, key, swap.objectId),
  )
  if (swapped) deps.report.counters.segmentsWritten++
  return swapped
}

/** `happened` decides when the answer was lost. */
export async function transactFenced(
  deps: CompactionDeps,
  lease: Lease,
  writes: readonly TransactWrite[],
  happened: () => Promise<boolean>,
): Promise<boolean> {
  try {
    return (await retryWithoutEffect(deps, () => deps.table.transact([fence(lease), ...writes]))).ok
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    return happened()
  }
}

async function isThere(deps: CompactionDeps, key: ItemKey, objectId: string): Promise<boolean> {
  const item = await retryRepeatable(deps, () => deps.table.get(key))
  const extents = item?.attributes.extents
  return extents instanceof Uint8Array && Buffer.from(extents).includes(Buffer.from(objectId, 'hex'))
}
