// What the table says of one partition, for the compactor: its sequencer, its segments, its flushes below the tail.

import { endOf, inOrder } from '../log/extents.ts'
import type { PlacedExtent } from '../metadata/extent.ts'
import { parseIndexItem } from '../metadata/indexItem.ts'
import { indexSortKey, indexSortKeyEnd, segmentSortKey, segmentSortKeyEnd } from '../metadata/scope.ts'
import { liveSegments, parseSegmentItem, type SegmentItem } from '../metadata/segmentItem.ts'
import { groupOf, type PartitionState, parseSequencer, partitionState } from '../metadata/sequencer.ts'
import { queryEach } from '../ports/queryAll.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { CompactionDeps, Partition } from './deps.ts'

/** undefined: the topic is gone. */
export async function readPartition(
  deps: CompactionDeps,
  { topicId, partition }: Pick<Partition, 'topicId' | 'partition'>,
): Promise<PartitionState | undefined> {
  const key = deps.scope.sequencer(topicId, groupOf(partition))
  const item = await retryRepeatable(deps, () => deps.table.get(key))
  return item && partitionState(parseSequencer(item), partition)
}

export interface Segments {
  /** In order, each offset in at most one of them. */
  readonly live: readonly SegmentItem[]
  /** Covered by a live one: history. */
  readonly covered: readonly SegmentItem[]
}

export async function readSegments(
  deps: CompactionDeps,
  { topicId, partition }: Partition,
): Promise<Segments> {
  const pk = deps.scope.indexPk(topicId, partition)
  const all: SegmentItem[] = []
  for await (const item of queryEach(deps, { pk, from: segmentSortKey(0), to: segmentSortKeyEnd })) {
    all.push(parseSegmentItem(item))
  }
  const live = liveSegments(all)
  return { live, covered: all.filter((segment) => !live.includes(segment)) }
}

/** What lies in flushes, below the tail, in order; enough for one segment of `bytesMax`. */
export async function readFlushes(
  deps: CompactionDeps,
  partition: Partition,
  state: PartitionState,
  bytesMax: number,
): Promise<readonly PlacedExtent[]> {
  const extents: PlacedExtent[] = []
  let bytes = 0
  for await (const some of flushesOf(deps, partition, state)) {
    extents.push(...some)
    bytes += lengthOf(some)
    if (bytes >= bytesMax) break
  }
  return extents
}

/**
 * Of what is in no segment; not counted further than `bytesMax`. A spill that is half done names the same flush in the
 * index and in the tail, and a merge may have taken it meanwhile.
 */
export async function unmergedBytes(
  deps: CompactionDeps,
  partition: Partition,
  state: PartitionState,
  bytesMax: number,
): Promise<number> {
  const { segmentsEndOffset, tailStartOffset } = state
  let bytes = lengthOf(state.tail.filter((extent) => extent.baseOffset >= segmentsEndOffset))
  if (bytes >= bytesMax || tailStartOffset <= segmentsEndOffset) return bytes
  for await (const some of flushesOf(deps, partition, state)) {
    bytes += lengthOf(some.filter((extent) => extent.baseOffset < tailStartOffset))
    if (bytes >= bytesMax) break
  }
  return bytes
}

/** Index item by index item, from the end of the segments to the tail. */
async function* flushesOf(
  deps: CompactionDeps,
  { topicId, partition }: Partition,
  state: PartitionState,
): AsyncGenerator<readonly PlacedExtent[]> {
  const pk = deps.scope.indexPk(topicId, partition)
  let next = state.segmentsEndOffset
  for await (const item of queryEach(deps, { pk, from: indexSortKey(next), to: indexSortKeyEnd })) {
    const extents = inOrder([parseIndexItem(item)], { topicId, partition, offset: next })
    const last = extents.at(-1)
    if (last) next = endOf(last)
    yield extents
    if (next >= state.tailStartOffset) return
  }
}

const lengthOf = (extents: readonly PlacedExtent[]): number =>
  extents.reduce((sum, { length }) => sum + length, 0)
