// What lies below the log start before it was ever merged is not merged any more: the segments' end moves past it, and
// merging goes on behind. So DeleteRecords also makes way where a flush is damaged. Readers lose nothing, because
// nobody reads below the log start; the flushes go like those that were merged.

import type { Lease } from '../leases/lease.ts'
import type { PartitionState } from '../metadata/sequencer.ts'
import type { CompactionDeps, Partition } from './deps.ts'
import { readFlushes, type Segments } from './partitionItems.ts'
import { retireSegments } from './retire.ts'
import { segmentsEndMoves } from './segmentsEnd.ts'
import { transactFenced } from './storeSegment.ts'

/** 'lost': another worker has taken over. */
export async function skipDeleted(
  deps: CompactionDeps,
  partition: Partition,
  lease: Lease,
  state: PartitionState,
  { live, covered }: Segments,
): Promise<'skipped' | 'nothing' | 'lost'> {
  const { segmentsEndOffset } = state
  const begin = await mergeBegin(deps, partition, state)
  if (begin === segmentsEndOffset) return 'nothing'
  // All of them lie below the log start. They go first, so that segments never have a gap between them.
  if (!(await retireSegments(deps, lease, [...covered, ...live]))) return 'lost'
  const move = segmentsEndMoves(deps, partition, segmentsEndOffset, begin)
  return (await transactFenced(deps, lease, [move], async () => false)) ? 'skipped' : 'lost'
}

/** The end of the segments, or, where the log starts beyond it, the first offset of what still has to be merged. */
export async function mergeBegin(
  deps: CompactionDeps,
  partition: Partition,
  state: PartitionState,
): Promise<number> {
  const { logStartOffset, segmentsEndOffset, tailStartOffset } = state
  if (logStartOffset <= segmentsEndOffset) return segmentsEndOffset
  if (logStartOffset >= tailStartOffset) return Math.max(tailStartOffset, segmentsEndOffset)
  const [first] = await readFlushes(deps, partition, { ...state, segmentsEndOffset: logStartOffset }, 1)
  return Math.max(first?.baseOffset ?? 0, segmentsEndOffset)
}
