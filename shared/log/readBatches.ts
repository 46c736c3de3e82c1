// Reads whole batches from an offset on: as stored but for the base offset, which only the ordering write knew.

import { readInt64, viewOf } from '../base/bytes.ts'
import { invariant, KafkaError } from '../base/errors.ts'
import { patchBatch } from '../kafka/recordBatch.ts'
import { endOfBatch, offsetCountOf } from '../kafka/recordBatchLayout.ts'
import type { PlacedExtent } from '../metadata/extent.ts'
import type { PartitionState } from '../metadata/sequencer.ts'
import type { Blocks } from './blocks.ts'
import { type Extents, endOf, type LogPosition } from './extents.ts'

export interface ReadLimit {
  readonly maxBytes: number
  /** Kafka's KIP-74: the first batch is returned even where it is larger. */
  readonly firstIsWhole: boolean
  /** Asked before so many bytes are read; false: none of them. What was read and not answered counts no more. */
  readonly makeRoom?: (bytes: number) => boolean | Promise<boolean>
}

export interface BatchesRead {
  readonly batches: readonly Uint8Array[]
  /** The log goes on behind them. */
  readonly more: boolean
}

/**
 * Compaction leaves extents of which nothing lies behind the offset asked for: then the next ones are read, because
 * a reader that gets nothing has no way on. Answers KAFKA_STORAGE_ERROR where stored bytes are missing or are not
 * what the metadata says.
 */
export async function readBatches(
  deps: ReadDeps,
  at: LogPosition,
  limit: ReadLimit,
  state: PartitionState,
): Promise<BatchesRead> {
  for (let from = at; ; ) {
    const { read, nextOffset } = await readExtents(deps, from, limit, state)
    if (read.batches.length > 0 || nextOffset === undefined) return read
    from = { ...at, offset: nextOffset }
  }
}

interface ReadDeps {
  readonly extents: Extents
  readonly blocks: Blocks
}

/** `nextOffset`: where the log goes on behind extents of which every batch was looked at. */
async function readExtents(
  deps: ReadDeps,
  at: LogPosition,
  { maxBytes, firstIsWhole, makeRoom }: ReadLimit,
  state: PartitionState,
): Promise<{ readonly read: BatchesRead; readonly nextOffset: number | undefined }> {
  const found = await deps.extents.from(at, maxBytes, state)
  const foundBytes = found.reduce((sum, { length }) => sum + length, 0)
  if (makeRoom && !(await makeRoom(foundBytes))) {
    return { read: { batches: [], more: true }, nextOffset: undefined }
  }
  const lane = at.offset >= state.tailStartOffset ? 'tail' : 'catchUp'
  const bytes = await Promise.all(found.map((extent) => deps.blocks.read(extent, lane)))
  const batches: Uint8Array[] = []
  let total = 0
  let next = at.offset
  for (const [i, extent] of found.entries()) {
    for (const { batch, baseOffset } of batchesOf(extent, bytes[i] ?? new Uint8Array(0))) {
      // Extents of two segments may overlap while one replaces the other.
      if (baseOffset.last < next) continue
      if (baseOffset.first >= state.nextOffset)
        return { read: { batches, more: false }, nextOffset: undefined }
      const isTooMuch = (total > 0 || !firstIsWhole) && total + batch.length > maxBytes
      if (isTooMuch) return { read: { batches, more: true }, nextOffset: undefined }
      // In the block that readers share: a batch has one place in the log, so this says the same to all of them.
      patchBatch(batch, baseOffset.first, 0)
      batches.push(batch)
      total += batch.length
      next = baseOffset.last + 1
    }
  }
  const last = found.at(-1)
  const more = last !== undefined && endOf(last) < state.nextOffset
  return { read: { batches, more }, nextOffset: more ? endOf(last) : undefined }
}

/** The batches of an extent, unpatched views of the stored bytes, with the offsets they have. */
export function* batchesOf(
  extent: PlacedExtent,
  bytes: Uint8Array,
): Generator<{
  readonly batch: Uint8Array
  readonly baseOffset: { readonly first: number; readonly last: number }
}> {
  const view = viewOf(bytes)
  let position = 0
  let first = extent.baseOffset
  while (position < bytes.length) {
    const end = endOfStoredBatch(extent, view, position, first)
    const offsetCount = offsetCountOf(view, position)
    if (extent.storage === 'segment') first = readInt64(view, position)
    yield {
      batch: bytes.subarray(position, end),
      baseOffset: { first, last: first + offsetCount - 1 },
    }
    position = end
    first += offsetCount
  }
  // Compaction leaves gaps in segments; a flush has none.
  const isWhole = extent.storage === 'segment' ? first <= endOf(extent) : first === endOf(extent)
  invariant(isWhole, `the batches of object ${extent.objectId} fill their extent`)
}

/** What a producer's mistake would be on the way in is damage here. */
function endOfStoredBatch(extent: PlacedExtent, view: DataView, position: number, offset: number): number {
  try {
    return endOfBatch(view, position)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    const place = `object ${extent.objectId}, position ${extent.position + position}, offset ${offset}`
    throw new KafkaError('KAFKA_STORAGE_ERROR', `The stored batch at ${place} is damaged: ${error.message}.`)
  }
}
