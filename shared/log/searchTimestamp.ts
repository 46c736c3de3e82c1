// Offsets by timestamp (Kafka's ListOffsets): the earliest offset whose timestamp is at least the one asked for, even
// where timestamps are out of order. Index items carry the largest timestamp up to and including them, which only
// grows, so the item is found by bisection: the cost follows the logarithm of the log's length.

import { limits } from '../base/limits.ts'
import { decodeRecords } from '../kafka/recordBatch.ts'
import { readHeader } from '../kafka/recordBatchLayout.ts'
import type { PlacedExtent } from '../metadata/extent.ts'
import type { PartitionState } from '../metadata/sequencer.ts'
import type { Blocks } from './blocks.ts'
import { type Extents, inOrder, type LogPosition } from './extents.ts'
import { batchesOf } from './readBatches.ts'

export interface FoundRecord {
  readonly offset: number
  readonly timestamp: number
}

export interface SearchDeps {
  readonly extents: Extents
  readonly blocks: Blocks
}

interface Place {
  readonly topicId: string
  readonly partition: number
}

export async function findByTimestamp(
  deps: SearchDeps,
  place: Place,
  timestamp: number,
  state: PartitionState,
): Promise<FoundRecord | undefined> {
  const start = await bisect(deps, place, timestamp, state)
  for await (const extent of extentsFrom(deps, { ...place, offset: start }, state)) {
    if (extent.maxTimestamp < timestamp) continue
    const found = await searchExtent(deps, extent, timestamp, state.logStartOffset)
    if (found) return found
  }
  return undefined
}

/** The first record with the largest timestamp of the log; undefined where the log is empty. */
export async function findMaxTimestamp(
  deps: SearchDeps,
  place: Place,
  state: PartitionState,
): Promise<FoundRecord | undefined> {
  const inTail = state.tail.map((extent) => extent.maxTimestamp)
  const largest = Math.max(state.spilledMaxTimestamp, ...inTail)
  const found = largest >= 0 ? await findByTimestamp(deps, place, largest, state) : undefined
  if (found || state.logStartOffset >= state.nextOffset) return found
  // The record with the largest timestamp was deleted: look at what is left.
  let best: FoundRecord | undefined
  for await (const extent of extentsFrom(deps, { ...place, offset: state.logStartOffset }, state)) {
    if (best && extent.maxTimestamp <= best.timestamp) continue
    const later = await searchExtent(deps, extent, (best?.timestamp ?? -1) + 1, state.logStartOffset)
    best = later ? await largestOf(deps, extent, state.logStartOffset) : best
  }
  return best
}

/** An offset at or before the record sought, with at most one index item between them and nothing skipped. */
async function bisect(
  deps: SearchDeps,
  place: Place,
  timestamp: number,
  state: PartitionState,
): Promise<number> {
  if (state.spilledMaxTimestamp < timestamp) return Math.max(state.tailStartOffset, state.logStartOffset)
  let low = state.logStartOffset
  let high = state.tailStartOffset
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2)
    const [item] = await deps.extents.items({ ...place, offset: middle }, 1, state)
    if (item && item.runningMaxTimestamp < timestamp) low = item.endOffset
    else if (item && item.baseOffset <= low) break
    else if (item && item.baseOffset < high) high = item.baseOffset
    else if (middle > low) high = middle
    else break
  }
  return low
}

async function* extentsFrom(
  deps: SearchDeps,
  at: LogPosition,
  state: PartitionState,
): AsyncGenerator<PlacedExtent> {
  let { offset } = at
  while (offset < state.tailStartOffset) {
    const items = await deps.extents.items({ ...at, offset }, limits.indexItemsPerQuery, state)
    yield* inOrder(items, { ...at, offset })
    offset = items.at(-1)?.endOffset ?? state.tailStartOffset
  }
  yield* state.tail
}

async function searchExtent(
  deps: SearchDeps,
  extent: PlacedExtent,
  timestamp: number,
  logStartOffset: number,
): Promise<FoundRecord | undefined> {
  const bytes = await deps.blocks.read(extent, 'catchUp')
  for (const record of recordsOf(extent, bytes)) {
    if (record.offset >= logStartOffset && record.timestamp >= timestamp) return record
  }
  return undefined
}

async function largestOf(
  deps: SearchDeps,
  extent: PlacedExtent,
  logStartOffset: number,
): Promise<FoundRecord | undefined> {
  const bytes = await deps.blocks.read(extent, 'catchUp')
  let best: FoundRecord | undefined
  for (const record of recordsOf(extent, bytes)) {
    if (record.offset >= logStartOffset && record.timestamp > (best?.timestamp ?? -1)) best = record
  }
  return best
}

function* recordsOf(extent: PlacedExtent, bytes: Uint8Array): Generator<FoundRecord> {
  for (const { batch, baseOffset } of batchesOf(extent, bytes)) {
    const storedBase = readHeader(batch).baseOffset
    for (const { offset, timestamp } of decodeRecords(batch, limits.decompressedBytesMax)) {
      yield { offset: baseOffset.first + offset - storedBase, timestamp }
    }
  }
}
