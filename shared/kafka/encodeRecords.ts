// Records one after the other, as a batch holds them: recordCursor.ts draws their layout.

import { ByteWriter, varintSize, varlongSize } from '../base/bytes.ts'
import { KafkaError } from '../base/errors.ts'
import type { NewRecord } from './recordBatch.ts'

export interface RecordsLayout {
  readonly baseTimestamp: number
  /** Bytes left free before the records. */
  readonly room?: number
  /** Of each record; its index where nothing is said. */
  readonly offsetDeltas?: readonly number[]
}

/** The sizes are computed first, then everything is written once. */
export function encodeRecords(records: readonly NewRecord[], layout: RecordsLayout): Uint8Array {
  const { baseTimestamp, room = 0, offsetDeltas } = layout
  const sizes = new Int32Array(records.length)
  let total = room
  for (const [index, record] of records.entries()) {
    const offsetDelta = offsetDeltas?.[index] ?? index
    const size = bodySize(record, offsetDelta, timestampDelta(record, index, baseTimestamp))
    sizes[index] = size
    total += varintSize(size) + size
  }
  if (total > 0x7fff_ffff)
    throw new KafkaError('MESSAGE_TOO_LARGE', 'the records take more than 2147483647 bytes')
  const writer = new ByteWriter(total)
  writer.position = room
  for (const [index, record] of records.entries()) {
    writer.varint(sizes[index] ?? 0)
    writeBody(writer, record, offsetDeltas?.[index] ?? index, record.timestamp - baseTimestamp)
  }
  return writer.finish()
}

function timestampDelta(record: NewRecord, index: number, baseTimestamp: number): number {
  const delta = record.timestamp - baseTimestamp
  if (Number.isSafeInteger(record.timestamp) && Number.isSafeInteger(delta)) return delta
  throw new KafkaError('INVALID_TIMESTAMP', `record ${index}: the timestamp is no integer of 53 bits`, {
    recordIndex: index,
  })
}

function bodySize(record: NewRecord, offsetDelta: number, delta: number): number {
  const { key, value, headers } = record
  let size = 1 + varlongSize(delta) + varintSize(offsetDelta) + nullableSize(key) + nullableSize(value)
  size += varintSize(headers.length)
  for (const header of headers) {
    const keySize = Buffer.byteLength(header.key)
    size += varintSize(keySize) + keySize + nullableSize(header.value)
  }
  return size
}

function nullableSize(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : varintSize(bytes.length) + bytes.length
}

function writeBody(writer: ByteWriter, record: NewRecord, offsetDelta: number, delta: number): void {
  writer.int8(0)
  writer.varlong(delta)
  writer.varint(offsetDelta)
  writeNullable(writer, record.key)
  writeNullable(writer, record.value)
  writer.varint(record.headers.length)
  for (const header of record.headers) {
    const keySize = Buffer.byteLength(header.key)
    writer.varint(keySize)
    writer.utf8(header.key, keySize)
    writeNullable(writer, header.value)
  }
}

function writeNullable(writer: ByteWriter, bytes: Uint8Array | null): void {
  writer.varint(bytes === null ? -1 : bytes.length)
  if (bytes !== null) writer.bytes(bytes)
}
