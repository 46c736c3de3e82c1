// Record batches as a whole: splitting a run of them, stamping offset and epoch in place, encoding and
// decoding records. The header's layout: recordBatchLayout.ts; a record's: recordCursor.ts; what a producer
// may send: validateBatch.ts.

import { viewOf, writeInt64 } from '../base/bytes.ts'
import { invariant } from '../base/errors.ts'
import { discard } from '../base/memory.ts'
import { type Codec, codecBits, codecOf, compress, decompress } from './compression.ts'
import { encodeRecords } from './encodeRecords.ts'
import {
  attributeBit,
  type BatchHeader,
  batchHeaderSize,
  checkOneBatch,
  endOfBatch,
  readHeader,
  type TimestampType,
  timestampTypeOf,
  writeHeader,
} from './recordBatchLayout.ts'
import { RecordCursor } from './recordCursor.ts'

export interface RecordHeader {
  readonly key: string
  readonly value: Uint8Array | null
}

export interface NewRecord {
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly RecordHeader[]
}

export interface KafkaRecord extends NewRecord {
  readonly offset: number
  readonly timestampType: TimestampType
}

export interface BatchProducer {
  readonly id: bigint
  readonly epoch: number
  readonly baseSequence: number
}

export interface BatchInput {
  readonly records: readonly NewRecord[]
  readonly codec: Codec
  readonly level?: number
  readonly timestampType?: TimestampType
  readonly producer?: BatchProducer
  readonly baseOffset?: number
}

const noHeaders: readonly RecordHeader[] = []

/** One view on the same memory for each batch; the bytes must end with the last one. */
export const splitBatches = (bytes: Uint8Array): readonly Uint8Array[] => [...eachBatch(bytes)]

/** The same, each when it is asked for: of large runs there are hundreds of thousands. */
export function* eachBatch(bytes: Uint8Array): Generator<Uint8Array, undefined> {
  const view = viewOf(bytes)
  let start = 0
  while (start < bytes.length) {
    const end = endOfBatch(view, start)
    yield bytes.subarray(start, end)
    start = end
  }
}

/** Stamps, in place, the two fields that the CRC leaves out. */
export function patchBatch(batch: Uint8Array, baseOffset: number, leaderEpoch: number): void {
  const view = viewOf(batch)
  writeInt64(view, 0, baseOffset)
  view.setInt32(12, leaderEpoch)
}

export function encodeBatch(input: BatchInput): Uint8Array {
  const { records, codec } = input
  const first = records[0]
  invariant(first !== undefined, 'a batch that is encoded has records')
  const baseTimestamp = first.timestamp
  const batch =
    codec === 'none'
      ? encodeRecords(records, { baseTimestamp, room: batchHeaderSize })
      : withHeaderRoom(compress(codec, encodeRecords(records, { baseTimestamp }), input.level))
  let maxTimestamp = first.timestamp
  for (const record of records) maxTimestamp = Math.max(maxTimestamp, record.timestamp)
  writeHeader(batch, {
    baseOffset: input.baseOffset ?? 0,
    partitionLeaderEpoch: -1,
    attributes: codecBits(codec) | (input.timestampType === 'LogAppendTime' ? attributeBit.logAppendTime : 0),
    lastOffsetDelta: records.length - 1,
    baseTimestamp,
    maxTimestamp,
    producerId: input.producer?.id ?? -1n,
    producerEpoch: input.producer?.epoch ?? -1,
    baseSequence: input.producer?.baseSequence ?? -1,
    recordCount: records.length,
  })
  return batch
}

/** Keys and values are views on the batch, or on what it decompresses to. The CRC is not looked at. */
export function decodeRecords(batch: Uint8Array, maxDecompressedBytes: number): readonly KafkaRecord[] {
  checkOneBatch(batch)
  const header = readHeader(batch)
  return restOf(openRecords(batch, header, maxDecompressedBytes), header)
}

/** The records that the cursor has not come to yet. */
export function restOf(cursor: RecordCursor, header: BatchHeader): readonly KafkaRecord[] {
  const timestampType = timestampTypeOf(header.attributes)
  const records: KafkaRecord[] = []
  while (cursor.next()) {
    records.push({
      offset: header.baseOffset + cursor.offsetDelta,
      timestamp: timestampType === 'LogAppendTime' ? header.maxTimestamp : cursor.timestamp,
      timestampType,
      key: cursor.key(),
      value: cursor.value(),
      headers: headersOf(cursor),
    })
  }
  return records
}

/** A walk over the batch's records, decompressed where they are compressed. */
export function openRecords(
  batch: Uint8Array,
  header: BatchHeader,
  maxDecompressedBytes: number,
): RecordCursor {
  const codec = codecOf(header.attributes)
  if (codec === 'none') return new RecordCursor(batch, batchHeaderSize, header)
  return new RecordCursor(decompress(codec, batch.subarray(batchHeaderSize), maxDecompressedBytes), 0, header)
}

/** The walk over `bytes` is over, and nobody looks at them any more: what was decompressed for it is given back. */
export function closeRecords(batch: Uint8Array, bytes: Uint8Array): void {
  if (bytes !== batch) discard(bytes)
}

/** A copy of the bytes that leaves room for a header before them. */
export function withHeaderRoom(records: Uint8Array): Uint8Array {
  const batch = new Uint8Array(batchHeaderSize + records.length)
  batch.set(records, batchHeaderSize)
  return batch
}

function headersOf(cursor: RecordCursor): readonly RecordHeader[] {
  if (cursor.headerCount === 0) return noHeaders
  const headers: RecordHeader[] = []
  cursor.eachHeader((key, value) => headers.push({ key, value }))
  return headers
}
