// The end of a flush's object or inline item: which sequencers it was written for. Readers never look at it; the
// collector does, to ask exactly those whether they name the object.
//
//   one for each sequencer:  16 bytes topic id, u16 group
//   u16      number of sequencers
//   4 bytes  'MRF1'

import { ByteReader, ByteWriter } from '../base/bytes.ts'
import { KafkaError } from '../base/errors.ts'

export interface SequencerName {
  readonly topicId: string
  readonly group: number
}

const magic = 'MRF1'
const sequencerBytes = 18
const trailerBytes = 6
/** Enough for the footer of any flush: a flush has at most as many sequencers as requests. */
export const flushFooterBytesMax = trailerBytes + sequencerBytes * 0xffff

export function encodeFlushFooter(sequencers: readonly SequencerName[]): Uint8Array {
  const writer = new ByteWriter(sequencers.length * sequencerBytes + trailerBytes)
  for (const { topicId, group } of sequencers) {
    writer.bytes(Buffer.from(topicId, 'base64url'))
    writer.int16(group)
  }
  writer.int16(sequencers.length)
  writer.bytes(Buffer.from(magic))
  return writer.finish()
}

/** `tail` is the end of the object, as much of it as there is up to flushFooterBytesMax. */
export function decodeFlushFooter(tail: Uint8Array): readonly SequencerName[] {
  const end = Buffer.from(tail.buffer, tail.byteOffset, tail.byteLength)
  const count = end.length >= trailerBytes ? end.readUInt16BE(end.length - trailerBytes) : 0
  const start = end.length - trailerBytes - count * sequencerBytes
  if (count === 0 || start < 0 || end.toString('latin1', end.length - 4) !== magic) {
    throw new KafkaError('KAFKA_STORAGE_ERROR', 'The object does not end with the footer of a flush.')
  }
  const reader = new ByteReader(tail, 'KAFKA_STORAGE_ERROR', start)
  return Array.from({ length: count }, () => ({
    topicId: Buffer.from(reader.bytes(16, 'topic id')).toString('base64url'),
    group: reader.int16('group') & 0xffff,
  }))
}
