// The lines of dump-log: a batch as Kafka's DumpLogSegments prints it, its records indented below it, the
// footer last. What is damaged is a line that says where; what follows it cannot be found any more and is not
// guessed at.

import { viewOf } from '../base/bytes.ts'
import { limits } from '../base/limits.ts'
import { codecOf } from '../kafka/compression.ts'
import { decodeRecords, type KafkaRecord } from '../kafka/recordBatch.ts'
import {
  attributeBit,
  type BatchHeader,
  batchCrcIsValid,
  endOfBatch,
  readHeader,
  timestampTypeOf,
} from '../kafka/recordBatchLayout.ts'
import { deleteHorizonMs } from '../kafka/retainRecords.ts'
import { sequenceAfter } from '../log/producerRule.ts'
import { decodeFlushFooter, encodeFlushFooter } from '../metadata/flushFooter.ts'
import { decodeSegmentFooter, encodeSegmentFooter } from '../metadata/segmentFooter.ts'
import type { StoredLog } from './storedLog.ts'

export interface Line {
  readonly text: string
  readonly isValid: boolean
}

export function* dumpLines({ kind, name, bytes }: StoredLog, printData: boolean): Generator<Line> {
  yield good(`Dumping ${name}`)
  const footer = readFooter(kind, bytes)
  const view = viewOf(bytes)
  for (let position = 0; position < footer.start; ) {
    const end = attempt(() => endOfBatch(view, position))
    if (typeof end !== 'number' || end > footer.start) {
      const why = typeof end === 'number' ? 'it reaches into the footer' : end
      yield bad(`position: ${position} the batch is damaged: ${why}`)
      break
    }
    yield* batchLines(bytes.subarray(position, end), position, printData)
    position = end
  }
  yield* footer.lines
}

function* batchLines(batch: Uint8Array, position: number, printData: boolean): Generator<Line> {
  const header = attempt(() => readHeader(batch))
  if (typeof header === 'string') return yield bad(`position: ${position} the batch is damaged: ${header}`)
  const isValid = batchCrcIsValid(batch)
  yield { text: renderBatch(header, batch, position, isValid), isValid }
  if (!isValid) return
  const records = attempt(() => decodeRecords(batch, limits.decompressedBytesMax))
  if (typeof records === 'string') return yield bad(`| the records are damaged: ${records}`)
  for (const record of records) yield good(renderRecord(record, header, printData))
}

function renderBatch(header: BatchHeader, batch: Uint8Array, position: number, isValid: boolean): string {
  const { baseOffset, lastOffsetDelta, baseSequence, attributes } = header
  const horizonMs = deleteHorizonMs(batch)
  const fields = {
    baseOffset,
    lastOffset: baseOffset + lastOffsetDelta,
    count: header.recordCount,
    baseSequence,
    lastSequence: baseSequence < 0 ? baseSequence : sequenceAfter(baseSequence, lastOffsetDelta),
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    partitionLeaderEpoch: header.partitionLeaderEpoch,
    isTransactional: (attributes & attributeBit.transactional) !== 0,
    isControl: (attributes & attributeBit.control) !== 0,
    deleteHorizonMs: horizonMs === undefined ? 'OptionalLong.empty' : `OptionalLong[${horizonMs}]`,
    position,
    [timestampTypeOf(attributes)]: header.maxTimestamp,
    size: batch.length,
    magic: header.magic,
    compresscodec: codecName(attributes),
    crc: header.crc,
    isvalid: isValid,
  }
  return renderFields(fields)
}

/** The records of a codec that there is not are told as damaged. */
function codecName(attributes: number): string {
  const codec = attempt(() => ({ name: codecOf(attributes) }))
  return typeof codec === 'string' ? 'unknown' : codec.name
}

function renderRecord(record: KafkaRecord, { baseOffset, baseSequence }: BatchHeader, data: boolean): string {
  const { offset, timestamp, timestampType, key, value, headers } = record
  const headerKeys = headers.map((header) => renderText(Buffer.from(header.key))).join(',')
  const fields = {
    offset,
    [timestampType]: timestamp,
    keySize: key?.length ?? -1,
    valueSize: value?.length ?? -1,
    sequence: baseSequence < 0 ? -1 : sequenceAfter(baseSequence, offset - baseOffset),
    headerKeys: `[${headerKeys}]`,
  }
  if (!data) return `| ${renderFields(fields)}`
  const headerValues = headers.map((header) => renderText(header.value)).join(',')
  const shownHeaders = headers.length > 0 ? { headerValues: `[${headerValues}]` } : {}
  return `| ${renderFields({ ...fields, ...shownHeaders, key: renderText(key), payload: renderText(value) })}`
}

const renderFields = (fields: Readonly<Record<string, unknown>>): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}`)
    .join(' ')

/** On one line and harmless to a terminal; what is no UTF-8 in base64. */
function renderText(bytes: Uint8Array | null): string {
  if (bytes === null) return 'null'
  const decoded = attempt(() => ({
    text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
  }))
  if (typeof decoded === 'string') return `base64:${Buffer.from(bytes).toString('base64')}`
  return decoded.text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, escaped)
}

const escaped = (character: string): string =>
  [...character].map((c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`).join('')

interface Footer {
  /** Where the batches end. */
  readonly start: number
  readonly lines: readonly Line[]
}

function readFooter(kind: StoredLog['kind'], bytes: Uint8Array): Footer {
  const footer = attempt(() => (kind === 'segment' ? segmentFooter(bytes) : flushFooter(bytes)))
  return typeof footer === 'string'
    ? { start: bytes.length, lines: [bad(`footer: damaged: ${footer}`)] }
    : footer
}

function segmentFooter(bytes: Uint8Array): Footer {
  const footer = decodeSegmentFooter(bytes)
  const { chunks, ...fields } = footer
  const lines = chunks.map(({ baseOffset, position, length: size, offsetCount, maxTimestamp }) => {
    const lastOffset = baseOffset + offsetCount - 1
    return good(`| chunk ${renderFields({ baseOffset, lastOffset, position, size, maxTimestamp })}`)
  })
  const start = bytes.length - encodeSegmentFooter(footer).length
  return { start, lines: [good(`footer: segment ${renderFields(fields)}`), ...lines] }
}

function flushFooter(bytes: Uint8Array): Footer {
  const sequencers = decodeFlushFooter(bytes)
  const start = bytes.length - encodeFlushFooter(sequencers).length
  const lines = sequencers.map(({ topicId, group }) =>
    good(`| sequencer ${renderFields({ topicId, group })}`),
  )
  return { start, lines: [good(`footer: flush sequencers: ${sequencers.length}`), ...lines] }
}

const good = (text: string): Line => ({ text, isValid: true })
const bad = (text: string): Line => ({ text, isValid: false })

/** Decoders refuse what is damaged with an error that says where: its words. */
function attempt<T extends object | number>(decode: () => T): T | string {
  try {
    return decode()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
