// What a producer may append, as Kafka's LogValidator has it: one whole batch with a valid CRC, dense offsets
// from 0, no attributes that are the log's to set, keys where the topic is compacted, timestamps within the
// topic's window, sizes within the topic's limits. Answers the bytes to store: the producer's own, unless the
// topic's timestamp type or codec asks for others. Refusals name the record's index or the byte, never what a
// record holds.

import { KafkaError } from '../base/errors.ts'
import { type BatchChanges, changeBatch } from './changeBatch.ts'
import { type Codec, codecOf, compress } from './compression.ts'
import { type BatchProducer, openRecords } from './recordBatch.ts'
import {
  attributeBit,
  type BatchHeader,
  batchCrcIsValid,
  checkOneBatch,
  readHeader,
  type TimestampType,
  timestampTypeOf,
} from './recordBatchLayout.ts'
import type { RecordCursor } from './recordCursor.ts'

export interface BatchRules {
  readonly maxMessageBytes: number
  readonly segmentBytes: number
  readonly timestampType: TimestampType
  readonly timestampBeforeMaxMs: number
  readonly timestampAfterMaxMs: number
  readonly compressionType: 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  readonly compressionLevels: { readonly gzip: number; readonly zstd: number }
  readonly keysRequired: boolean
  readonly maxDecompressedBytes: number
}

export interface AcceptedBatch {
  readonly bytes: Uint8Array
  readonly recordCount: number
  readonly maxTimestamp: number
  readonly producer: BatchProducer | undefined
}

/** Kafka's "no timestamp". */
const noTimestamp = -1
/** Bit 6 is the cleaner's (delete horizon), the others have no meaning yet. */
const attributesOfTheLog = 0xffc0

export function validateBatch(batch: Uint8Array, rules: BatchRules, nowMs: number): AcceptedBatch {
  const steps = validateInSteps(batch, rules, nowMs)
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** The same; between two steps its caller may do something else. */
export function* validateInSteps(
  batch: Uint8Array,
  rules: BatchRules,
  nowMs: number,
): Generator<undefined, AcceptedBatch> {
  checkSize(batch, rules)
  checkOneBatch(batch)
  if (!batchCrcIsValid(batch))
    throw new KafkaError('CORRUPT_MESSAGE', 'the CRC at byte 17 does not match the batch')
  const header = readHeader(batch)
  checkAttributes(header.attributes)
  checkCounts(header)
  const producer = producerOf(header)
  const cursor = openRecords(batch, header, rules.maxDecompressedBytes)
  const largest = yield* checkRecords(cursor, rules, nowMs)
  const maxTimestamp = rules.timestampType === 'LogAppendTime' ? nowMs : largest
  const bytes = bytesToStore({ batch, header, cursor, rules, maxTimestamp })
  return { bytes, recordCount: header.recordCount, maxTimestamp, producer }
}

function checkSize(batch: Uint8Array, rules: BatchRules): void {
  const { maxMessageBytes, segmentBytes } = rules
  if (batch.length > maxMessageBytes) {
    throw new KafkaError(
      'MESSAGE_TOO_LARGE',
      `the batch has ${batch.length} bytes, at most ${maxMessageBytes} may be`,
    )
  }
  if (batch.length > segmentBytes) {
    throw new KafkaError(
      'RECORD_LIST_TOO_LARGE',
      `the batch has ${batch.length} bytes, a segment of the topic ${segmentBytes}`,
    )
  }
}

function checkAttributes(attributes: number): void {
  if (attributes & attributeBit.control) throw invalid('a producer does not send control batches')
  if (attributes & attributeBit.transactional) throw invalid('transactional batches are not supported')
  if (attributes & attributesOfTheLog)
    throw invalid('attributes at byte 21 sets bits that are not for producers')
  if (timestampTypeOf(attributes) === 'LogAppendTime') {
    throw new KafkaError('INVALID_TIMESTAMP', 'a producer does not set the timestamp type LogAppendTime')
  }
}

function checkCounts(header: BatchHeader): void {
  const { recordCount, lastOffsetDelta } = header
  if (recordCount <= 0) throw invalid(`recordCount at byte 57 is ${recordCount}`)
  if (lastOffsetDelta !== recordCount - 1) {
    throw invalid(`lastOffsetDelta at byte 23 is ${lastOffsetDelta} for ${recordCount} records`)
  }
}

function producerOf(header: BatchHeader): BatchProducer | undefined {
  const { producerId, producerEpoch, baseSequence } = header
  if (producerId < 0n) return undefined
  if (producerEpoch < 0) throw invalid(`producerEpoch at byte 51 is ${producerEpoch} beside a producer id`)
  if (baseSequence < 0) throw invalid(`baseSequence at byte 53 is ${baseSequence} beside a producer id`)
  return { id: producerId, epoch: producerEpoch, baseSequence }
}

/** The timestamps that a producer may send now, both inclusive. */
export interface TimestampWindow {
  readonly earliest: number
  readonly latest: number
}

export const timestampWindow = (rules: BatchRules, nowMs: number): TimestampWindow =>
  rules.timestampType === 'LogAppendTime'
    ? { earliest: Number.MIN_SAFE_INTEGER, latest: Number.MAX_SAFE_INTEGER }
    : {
        earliest: Math.max(0, nowMs - rules.timestampBeforeMaxMs),
        latest: nowMs + rules.timestampAfterMaxMs,
      }

/** The rules of one record. `keyLength` is -1 where it has no key. */
export function checkRecord(
  record: { readonly index: number; readonly keyLength: number; readonly timestamp: number },
  rules: BatchRules,
  window: TimestampWindow,
): void {
  const { timestamp } = record
  if (rules.keysRequired && record.keyLength < 0) throw keyless(record.index)
  if ((timestamp < window.earliest || timestamp > window.latest) && timestamp !== noTimestamp) {
    throw outsideWindow(record, window)
  }
}

const recordsOfStep = 1000

/** Checks each record and answers the largest timestamp. */
function* checkRecords(cursor: RecordCursor, rules: BatchRules, nowMs: number): Generator<undefined, number> {
  const window = timestampWindow(rules, nowMs)
  let largest = noTimestamp
  while (cursor.next()) {
    if (cursor.offsetDelta !== cursor.index) throw outOfOrder(cursor)
    checkRecord(cursor, rules, window)
    if (cursor.timestamp > largest) largest = cursor.timestamp
    if (cursor.index % recordsOfStep === recordsOfStep - 1) yield undefined
  }
  return largest
}

interface Accepted {
  readonly batch: Uint8Array
  readonly header: BatchHeader
  readonly cursor: RecordCursor
  readonly rules: BatchRules
  readonly maxTimestamp: number
}

/** The producer's own bytes where nothing in them changes: the log stores what it was sent, CRC included. */
function bytesToStore({ batch, header, cursor, rules, maxTimestamp }: Accepted): Uint8Array {
  const codec = codecFor(rules.compressionType, codecOf(header.attributes))
  const recodes = codec !== codecOf(header.attributes)
  const keepsHeader = rules.timestampType === 'CreateTime' && header.maxTimestamp === maxTimestamp
  if (!recodes && keepsHeader) return batch
  const changes: BatchChanges = { maxTimestamp, timestampType: rules.timestampType }
  if (!recodes) return changeBatch(batch, changes)
  const bytes = compress(codec, cursor.plainRecords(), levelFor(codec, rules))
  const recoded = changeBatch(batch, { ...changes, records: { codec, bytes, count: header.recordCount } })
  checkSize(recoded, rules)
  return recoded
}

function codecFor(compressionType: BatchRules['compressionType'], sent: Codec): Codec {
  if (compressionType === 'producer') return sent
  return compressionType === 'uncompressed' ? 'none' : compressionType
}

function levelFor(codec: Codec, rules: BatchRules): number | undefined {
  return codec === 'gzip' || codec === 'zstd' ? rules.compressionLevels[codec] : undefined
}

function invalid(trouble: string): KafkaError {
  return new KafkaError('INVALID_RECORD', trouble)
}

function outOfOrder({ index, offsetDelta }: RecordCursor): KafkaError {
  return new KafkaError('INVALID_RECORD', `record ${index}: offsetDelta is ${offsetDelta}`, {
    recordIndex: index,
  })
}

function keyless(index: number): KafkaError {
  const message = `record ${index}: a compacted topic takes no record without a key`
  return new KafkaError('INVALID_RECORD', message, { recordIndex: index })
}

function outsideWindow(
  { index, timestamp }: { readonly index: number; readonly timestamp: number },
  { earliest, latest }: TimestampWindow,
): KafkaError {
  const message = `record ${index}: timestamp ${timestamp} is outside ${earliest} to ${latest}`
  return new KafkaError('INVALID_TIMESTAMP', message, { recordIndex: index })
}
