// The header of Kafka's record batch, version 2: the layout, reading and writing it, and the checks that
// bytes are one. Refuses other message formats, truncated batches and numbers beyond 53 bits.
//
//    0 baseOffset i64             outside the CRC: the log stamps it
//    8 batchLength i32            bytes from 12 to the end
//   12 partitionLeaderEpoch i32   outside the CRC: the log stamps it
//   16 magic i8 = 2
//   17 crc u32                    CRC-32C of bytes 21 to the end
//   21 attributes i16             0-2 codec, 3 LogAppendTime, 4 transactional, 5 control, 6 delete horizon
//   23 lastOffsetDelta i32
//   27 baseTimestamp i64          35 maxTimestamp i64
//   43 producerId i64             51 producerEpoch i16       53 baseSequence i32      all -1: not idempotent
//   57 recordCount i32
//   61 records                    compressed as one where there is a codec; one record: recordCursor.ts

import { readInt64, viewOf, writeInt64 } from '../base/bytes.ts'
import { crc32c } from '../base/crc32c.ts'
import { KafkaError } from '../base/errors.ts'

export const batchHeaderSize = 61
const crcStart = 21
const magicEnd = 17
/** Bytes before those that batchLength counts. */
const lengthOverhead = 12

export const attributeBit = {
  logAppendTime: 1 << 3,
  transactional: 1 << 4,
  control: 1 << 5,
  deleteHorizon: 1 << 6,
} as const

export type TimestampType = 'CreateTime' | 'LogAppendTime'

export interface BatchHeader {
  readonly baseOffset: number
  readonly batchLength: number
  readonly partitionLeaderEpoch: number
  readonly magic: number
  readonly crc: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

/** Also takes the first bytes of a batch only, as long as they hold the header. */
export function readHeader(batch: Uint8Array): BatchHeader {
  const view = viewOf(batch)
  checkMagic(view, 0)
  if (batch.length < batchHeaderSize) throw truncated(0, batchHeaderSize, batch.length)
  return {
    baseOffset: safeInt64(view, 0, 'baseOffset'),
    batchLength: view.getInt32(8),
    partitionLeaderEpoch: view.getInt32(12),
    magic: view.getInt8(16),
    crc: view.getUint32(17),
    attributes: view.getInt16(21),
    lastOffsetDelta: view.getInt32(23),
    baseTimestamp: safeInt64(view, 27, 'baseTimestamp'),
    maxTimestamp: safeInt64(view, 35, 'maxTimestamp'),
    producerId: view.getBigInt64(43),
    producerEpoch: view.getInt16(51),
    baseSequence: view.getInt32(53),
    recordCount: view.getInt32(57),
  }
}

/** Fills in the header of a batch whose records are in place; length, magic and CRC follow from them. */
export function writeHeader(
  batch: Uint8Array,
  header: Omit<BatchHeader, 'batchLength' | 'magic' | 'crc'>,
): void {
  const view = viewOf(batch)
  writeInt64(view, 0, header.baseOffset)
  view.setInt32(8, batch.length - lengthOverhead)
  view.setInt32(12, header.partitionLeaderEpoch)
  view.setInt8(16, 2)
  view.setInt16(21, header.attributes)
  view.setInt32(23, header.lastOffsetDelta)
  writeInt64(view, 27, header.baseTimestamp)
  writeInt64(view, 35, header.maxTimestamp)
  view.setBigInt64(43, header.producerId)
  view.setInt16(51, header.producerEpoch)
  view.setInt32(53, header.baseSequence)
  view.setInt32(57, header.recordCount)
  view.setUint32(17, crc32c(batch, crcStart))
}

/** Where the batch that begins at `start` ends; refuses one that does not end within the view. */
export function endOfBatch(view: DataView, start: number): number {
  checkMagic(view, start)
  const length = view.getInt32(start + 8)
  if (length < batchHeaderSize - lengthOverhead) {
    throw new KafkaError('CORRUPT_MESSAGE', `batchLength at byte ${start + 8} is ${length}`)
  }
  const end = start + lengthOverhead + length
  if (end > view.byteLength) throw truncated(start, lengthOverhead + length, view.byteLength - start)
  return end
}

/** Offsets that the batch at `start` takes: compaction may have left it fewer records. */
export function offsetCountOf(view: DataView, start: number): number {
  return view.getInt32(start + 23) + 1
}

/** Refuses bytes that are not exactly one batch. */
export function checkOneBatch(batch: Uint8Array): void {
  const end = endOfBatch(viewOf(batch), 0)
  if (end < batch.length) {
    throw new KafkaError(
      'CORRUPT_MESSAGE',
      `the batch ends at byte ${end}, ${batch.length - end} bytes follow it`,
    )
  }
}

export function batchCrcIsValid(batch: Uint8Array): boolean {
  return batch.length >= batchHeaderSize && viewOf(batch).getUint32(17) === crc32c(batch, crcStart)
}

export function timestampTypeOf(attributes: number): TimestampType {
  return attributes & attributeBit.logAppendTime ? 'LogAppendTime' : 'CreateTime'
}

function checkMagic(view: DataView, start: number): void {
  if (view.byteLength - start < magicEnd) throw truncated(start, batchHeaderSize, view.byteLength - start)
  const magic = view.getInt8(start + 16)
  if (magic === 2) return
  const trouble = magic === 0 || magic === 1 ? 'message format v0/v1 is not supported' : 'only 2 is known'
  throw new KafkaError('INVALID_RECORD', `magic at byte ${start + 16} is ${magic}: ${trouble}`)
}

function safeInt64(view: DataView, position: number, field: string): number {
  const value = readInt64(view, position)
  if (Number.isSafeInteger(value)) return value
  throw new KafkaError('INVALID_RECORD', `${field} at byte ${position} is beyond 53 bits`)
}

function truncated(start: number, needed: number, present: number): KafkaError {
  return new KafkaError(
    'CORRUPT_MESSAGE',
    `the batch at byte ${start} is truncated: ${present} of at least ${needed} bytes`,
  )
}
