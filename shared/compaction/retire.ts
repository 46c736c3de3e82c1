// Segments that are the log no more: covered by a later one, or below the log start. The item goes at once, because
// whoever misses it finds the one that replaced it; the object waits for the grace in the list of the retired.

import { limits } from '../base/limits.ts'
import type { Lease } from '../leases/lease.ts'
import { indexSortKey } from '../metadata/scope.ts'
import type { SegmentItem } from '../metadata/segmentItem.ts'
import type { PartitionState } from '../metadata/sequencer.ts'
import { queryEach } from '../ports/queryAll.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { TransactWrite } from '../ports/table.ts'
import { type CleanerState, cleanerAttributes } from './cleanerItem.ts'
import type { CompactionDeps, Partition } from './deps.ts'
import { transactFenced } from './storeSegment.ts'

const segmentsPerTransaction = 40
const itemsPerTransaction = 90

/** false: the lease was lost. */
export async function retireSegments(
  deps: CompactionDeps,
  lease: Lease,
  segments: readonly SegmentItem[],
): Promise<boolean> {
  for (let i = 0; i < segments.length; i += segmentsPerTransaction) {
    const writes = segments.slice(i, i + segmentsPerTransaction).flatMap((segment): TransactWrite[] => {
      const attributes = { since: deps.clock.now(), name: deps.scope.segmentObject(segment.objectId) }
      return [
        { kind: 'delete', key: segment.key },
        { kind: 'put', key: deps.scope.retired(segment.objectId), attributes },
      ]
    })
    const last = segments.at(Math.min(i + segmentsPerTransaction, segments.length) - 1)
    const isGone = async () =>
      last === undefined || (await retryRepeatable(deps, () => deps.table.get(last.key))) === undefined
    if (!(await transactFenced(deps, lease, writes, isGone))) return false
  }
  return true
}

/**
 * Index items of what lies in segments now. A reader may have seen the sequencer as it was before the segments took
 * over, so they wait for the grace, from when this was first seen. Answers the state to remember; undefined: the lease
 * was lost.
 */
export async function trimIndex(
  deps: CompactionDeps,
  partition: Partition,
  lease: Lease,
  state: PartitionState,
  cleaner: CleanerState,
): Promise<CleanerState | undefined> {
  const nowMs = deps.clock.now()
  if (cleaner.trimOffset > 0 && nowMs < cleaner.trimAtMs + limits.graceMs) return cleaner
  const pk = deps.scope.indexPk(partition.topicId, partition.partition)
  if (cleaner.trimOffset > 0) {
    const to = indexSortKey(cleaner.trimOffset - 1)
    const writes: TransactWrite[] = []
    for await (const { key } of queryEach(deps, { pk, from: indexSortKey(0), to }))
      writes.push({ kind: 'delete', key })
    for (let i = 0; i < writes.length; i += itemsPerTransaction) {
      const some = writes.slice(i, i + itemsPerTransaction)
      if (!(await transactFenced(deps, lease, some, async () => false))) return undefined
      deps.report.counters.itemsDeleted += some.length
    }
  }
  const hasMore = await hasIndexBelow(deps, pk, state.segmentsEndOffset)
  const next = hasMore
    ? { ...cleaner, trimOffset: state.segmentsEndOffset, trimAtMs: nowMs }
    : { ...cleaner, trimOffset: 0, trimAtMs: 0 }
  if (next.trimOffset === cleaner.trimOffset && next.trimAtMs === cleaner.trimAtMs) return cleaner
  return (await saveCleaner(deps, partition, lease, next)) ? next : undefined
}

async function hasIndexBelow(deps: CompactionDeps, pk: string, end: number): Promise<boolean> {
  if (end === 0) return false
  const query = { pk, from: indexSortKey(0), to: indexSortKey(end - 1), limit: 1 }
  return (await retryRepeatable(deps, () => deps.table.query(query))).items.length > 0
}

export function saveCleaner(
  deps: CompactionDeps,
  { topicId, partition }: Partition,
  lease: Lease,
  state: CleanerState,
): Promise<boolean> {
  const key = deps.scope.cleaner(topicId, partition)
  const put: TransactWrite = { kind: 'put', key, attributes: cleanerAttributes(state) }
  return transactFenced(deps, lease, [put], async () => false)
}
