// The end of a segment object: what it is, so that it can be checked and found again without the table. The batches
// before it carry their offsets.
//
//   16 bytes topic id, u16 partition
//   i64      base offset, end offset (exclusive): the range it covers
//   u32      records, batches
//   u32      sum of the batches' CRCs, modulo 2^32
//   chunks   extent.ts: the sparse index by offset and time, about one entry a mebibyte
//   u32      length of all of the above
//   4 bytes  'MRS1'

import { ByteReader, ByteWriter } from '../base/bytes.ts'
import { KafkaError } from '../base/errors.ts'
import { decodeExtents, encodeExtents, type PlacedExtent } from './extent.ts'

export interface SegmentFooter {
  readonly topicId: string
  readonly partition: number
  readonly baseOffset: number
  /** Exclusive. */
  readonly endOffset: number
  readonly recordCount: number
  readonly batchCount: number
  readonly crcSum: number
  readonly chunks: readonly PlacedExtent[]
}

const magic = 'MRS1'
const fixedBytes = 16 + 2 + 8 + 8 + 4 + 4 + 4
const trailerBytes = 8
/** Bytes at the end of a segment that hold its footer: 64 chunks of some 50 bytes, with room to spare. */
export const segmentFooterBytesMax = 1024 * 1024

export function encodeSegmentFooter(footer: SegmentFooter): Uint8Array {
  const chunks = encodeExtents(footer.chunks)
  const writer = new ByteWriter(fixedBytes + chunks.length + trailerBytes)
  writer.bytes(Buffer.from(footer.topicId, 'base64url'))
  writer.int16(footer.partition)
  writer.int64(footer.baseOffset)
  writer.int64(footer.endOffset)
  writer.uint32(footer.recordCount)
  writer.uint32(footer.batchCount)
  writer.uint32(footer.crcSum)
  writer.bytes(chunks)
  writer.uint32(fixedBytes + chunks.length)
  writer.bytes(Buffer.from(magic))
  return writer.finish()
}

/** `tail` is the end of the object, as much of it as there is up to segmentFooterBytesMax. */
export function decodeSegmentFooter(tail: Uint8Array): SegmentFooter {
  const end = Buffer.from(tail.buffer, tail.byteOffset, tail.byteLength)
  const length = end.length >= trailerBytes ? end.readUInt32BE(end.length - trailerBytes) : 0
  const start = end.length - trailerBytes - length
  if (length < fixedBytes || start < 0 || end.toString('latin1', end.length - 4) !== magic) {
    throw new KafkaError('KAFKA_STORAGE_ERROR', 'The object does not end with the footer of a segment.')
  }
  const reader = new ByteReader(tail, 'KAFKA_STORAGE_ERROR', start, end.length - trailerBytes)
  const topicId = Buffer.from(reader.bytes(16, 'topic id')).toString('base64url')
  const partition = reader.int16('partition') & 0xffff
  const baseOffset = reader.int64('base offset')
  return {
    topicId,
    partition,
    baseOffset,
    endOffset: reader.int64('end offset'),
    recordCount: reader.uint32('records'),
    batchCount: reader.uint32('batches'),
    crcSum: reader.uint32('CRC sum'),
    chunks: decodeExtents(reader.bytes(reader.remaining, 'chunks'), baseOffset),
  }
}
