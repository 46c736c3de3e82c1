// Looks for what was committed before: the extent of a commit whose answer was lost, and the first offset of a batch
// that a producer sends again. Newest first: the tail, then the index from its end, within a bound.

import { limits } from '../base/limits.ts'
import type { PlacedExtent } from '../metadata/extent.ts'
import { parseIndexItem } from '../metadata/indexItem.ts'
import { indexSortKey, indexSortKeyEnd } from '../metadata/scope.ts'
import { groupOf, type PartitionState, parseSequencer, partitionState } from '../metadata/sequencer.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { LogDeps } from './deps.ts'
import { type SequencedBatch, sequenceAfter } from './producerRule.ts'

/** First offset of a batch that is stored already; undefined where it is not found within the bound. */
export async function findStoredBatch(
  deps: LogDeps,
  topicId: string,
  partition: number,
  batch: SequencedBatch,
): Promise<number | undefined> {
  for await (const extent of extentsNewestFirst(deps, topicId, partition)) {
    const offset = offsetWithin(extent, batch)
    if (offset !== undefined) return offset
  }
  return undefined
}

/** Offset of the extent that is these bytes of an object; undefined where it is not found within the bound. */
export async function findCommittedExtent(
  deps: LogDeps,
  topicId: string,
  partition: number,
  place: Pick<PlacedExtent, 'objectId' | 'position' | 'length'>,
): Promise<number | undefined> {
  for await (const extent of extentsNewestFirst(deps, topicId, partition)) {
    const { objectId, position, length } = extent
    if (objectId !== place.objectId || position !== place.position) continue
    if (length === place.length) return extent.baseOffset
  }
  return undefined
}

async function* extentsNewestFirst(
  deps: LogDeps,
  topicId: string,
  partition: number,
): AsyncGenerator<PlacedExtent> {
  const state = await readPartitionState(deps, topicId, partition)
  if (!state) return
  yield* state.tail.toReversed()
  let after: string | undefined
  for (let page = 0; page < limits.duplicateSearchPagesMax; page++) {
    const query = {
      pk: deps.scope.indexPk(topicId, partition),
      from: indexSortKey(0),
      to: indexSortKeyEnd,
      descending: true,
      limit: limits.indexItemsPerQuery * 4 ** page,
      ...(after === undefined ? {} : { after }),
    }
    const { items, next } = await retryRepeatable(deps, () => deps.table.query(query))
    for (const item of items) yield* parseIndexItem(item).extents.toReversed()
    if (next === undefined) return
    after = next
  }
}

async function readPartitionState(
  deps: LogDeps,
  topicId: string,
  partition: number,
): Promise<PartitionState | undefined> {
  const key = deps.scope.sequencer(topicId, groupOf(partition))
  const item = await retryRepeatable(deps, () => deps.table.get(key))
  return item && partitionState(parseSequencer(item), partition)
}

function offsetWithin(extent: PlacedExtent, sought: SequencedBatch): number | undefined {
  for (const batch of extent.producerBatches) {
    if (batch.producerId !== sought.producerId || batch.epoch !== sought.epoch) continue
    const skipped = sequenceDistance(batch.baseSequence, sought.baseSequence)
    if (skipped + sought.recordCount <= batch.recordCount)
      return extent.baseOffset + batch.offsetDelta + skipped
  }
  return undefined
}

/** Records from one sequence to a later one, across the wrap at 2^31. */
const sequenceDistance = (from: number, to: number): number => sequenceAfter(to, 2 ** 31 - from)
