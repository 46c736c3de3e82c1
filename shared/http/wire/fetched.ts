// Fetched batches as the records that were asked for: the first batch may begin earlier, and what a batch
// is compressed to is bounded. Control batches (transaction markers) are no records; compaction leaves
// batches without any.

import { limits } from '../../base/limits.ts'
import { openRecords } from '../../kafka/recordBatch.ts'
import {
  attributeBit,
  type BatchHeader,
  readHeader,
  type TimestampType,
  timestampTypeOf,
} from '../../kafka/recordBatchLayout.ts'
import type { RecordCursor } from '../../kafka/recordCursor.ts'
import type { GiveWay } from '../../ports/giveWay.ts'

/** The cursor stands on the record and moves on afterwards: its bytes are for this call alone to look at. */
export interface RecordVisit {
  readonly offset: number
  readonly timestamp: number
  readonly timestampType: TimestampType
  readonly cursor: RecordCursor
}

/**
 * Visits the records from `offset` on until `visit` answers false (it has taken that record all the same).
 * Answers the
 * offset to go on from: behind the last batch, or behind the last record where the walk was stopped.
 */
export async function walkRecords(
  giveWay: GiveWay,
  batches: readonly Uint8Array[],
  offset: number,
  visit: (record: RecordVisit) => boolean,
): Promise<number> {
  let next = offset
  for (const batch of batches) {
    const header = readHeader(batch)
    const stoppedAt =
      header.attributes & attributeBit.control
        ? undefined
        : await walkBatch(giveWay, batch, header, next, visit)
    if (stoppedAt !== undefined) return stoppedAt + 1
    next = Math.max(next, header.baseOffset + header.lastOffsetDelta + 1)
  }
  return next
}

/** The offset behind the last batch, which may hold fewer records than offsets. */
export function offsetBehind(batches: readonly Uint8Array[], offset: number): number {
  const last = batches.at(-1)
  if (last === undefined) return offset
  const { baseOffset, lastOffsetDelta } = readHeader(last)
  return Math.max(offset, baseOffset + lastOffsetDelta + 1)
}

async function walkBatch(
  giveWay: GiveWay,
  batch: Uint8Array,
  header: BatchHeader,
  from: number,
  visit: (record: RecordVisit) => boolean,
): Promise<number | undefined> {
  const cursor = openRecords(batch, header, limits.decompressedBytesMax)
  const timestampType = timestampTypeOf(header.attributes)
  while (cursor.next()) {
    const offset = header.baseOffset + cursor.offsetDelta
    const turn = giveWay()
    if (turn !== undefined) await turn
    if (offset < from) continue
    const appended = timestampType === 'LogAppendTime'
    const timestamp = appended ? header.maxTimestamp : cursor.timestamp
    if (!visit({ offset, timestamp, timestampType, cursor })) return offset
  }
  return undefined
}
