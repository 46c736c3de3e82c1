// Records as Confluent REST v2, Strimzi's bridge and Redpanda's proxy write them, in:
//   {"records": [{"key", "value", "partition", "timestamp": ms, "headers": [{"key", "value": base64}]}]}
// and out, with topic and offset. The media type says what key and value are: binary (base64), json or
// text.
// Refuses more than v2RecordsMax records (413), unknown fields (422, as Confluent does) and schemas (42205); a record
// that cannot be shown in the format that was asked for ends the answer with Redpanda's 40801.

import { isUtf8 } from 'node:buffer'
import { KafkaError } from '../../base/errors.ts'
import type { RecordHeader } from '../../kafka/recordBatch.ts'
import type { RecordCursor } from '../../kafka/recordCursor.ts'
import type { GiveWay } from '../../ports/giveWay.ts'
import type { RecordOutcome, RecordToProduce } from '../../service/cluster.ts'
import { errorBody } from '../errors.ts'
import { decodeBase64, encodeBase64, textOf } from './base64.ts'
import { isJson } from './consumeRecord.ts'
import type { RecordVisit } from './fetched.ts'
import {
  compactJson,
  elementSpans,
  isArray,
  isObject,
  type Json,
  type JsonObject,
  memberSpans,
  parseJson,
  type Span,
} from './json.ts'
import { createLongText } from './longText.ts'
import { refuse, refuseUnknown } from './v2Fields.ts'
import type { V2Format } from './v2Format.ts'

/** Of one body: all are parsed at once. */
export const v2RecordsMax = 100_000
const bodyFields = ['records', 'key_schema', 'key_schema_id', 'value_schema', 'value_schema_id']
const schemaFields = bodyFields.slice(1)
const recordFields = ['key', 'value', 'partition', 'timestamp', 'headers']

/** `partition`: the one that the path names; a record may name one only where the path names none. */
export async function parseV2Records(
  giveWay: GiveWay,
  body: Uint8Array,
  format: V2Format,
  partition?: number,
): Promise<readonly RecordToProduce[]> {
  const { text, value } = parseJson(body, 'in the request body')
  if (!isObject(value)) throw refuse('the request body', 'is not an object')
  refuseUnknown(value, bodyFields, '')
  const schema = schemaFields.find((field) => (value[field] ?? null) !== null)
  if (schema !== undefined) throw new KafkaError('INVALID_SCHEMA', `${schema}: schemas are not supported yet`)
  const { records } = value
  if (!isArray(records) || records.length === 0) throw refuse('records', 'is not an array of records')
  if (records.length > v2RecordsMax) throw tooMany(records.length)
  const allowed =
    partition === undefined ? recordFields : recordFields.filter((field) => field !== 'partition')
  const spans = format === 'json' ? elementSpans(text, memberSpans(text, 0).get('records')?.start ?? 0) : []
  const parsed: RecordToProduce[] = []
  for (const [index, record] of records.entries()) {
    const where = `records[${index}]`
    if (!isObject(record)) throw refuse(where, 'is not an object')
    refuseUnknown(record, allowed, `${where}.`)
    parsed.push(parseRecord({ record, where, format, text, span: spans[index], partition }))
    const turn = giveWay()
    if (turn !== undefined) await turn
  }
  return parsed
}

function tooMany(count: number): KafkaError {
  const hint = 'the records of /v3/clusters/{cluster_id}/topics/{topic_name} take any number'
  const message = `there are ${count} records, at most ${v2RecordsMax} are taken here; ${hint}`
  return new KafkaError('RECORD_LIST_TOO_LARGE', message)
}

interface RecordText {
  readonly record: JsonObject
  readonly where: string
  readonly format: V2Format
  readonly text: string
  readonly span: Span | undefined
  readonly partition: number | undefined
}

function parseRecord(source: RecordText): RecordToProduce {
  const { record, where } = source
  const spans = source.span && memberSpans(source.text, source.span.start)
  const partition = source.partition ?? parseInteger(record.partition, `${where}.partition`, 0x7fff_ffff)
  const timestamp = parseInteger(record.timestamp, `${where}.timestamp`, Number.MAX_SAFE_INTEGER)
  return {
    key: parseData(source, 'key', spans?.get('key')),
    value: parseData(source, 'value', spans?.get('value')),
    headers: parseHeaders(record.headers, `${where}.headers`),
    ...(partition !== undefined && { partition }),
    ...(timestamp !== undefined && { timestamp }),
  }
}

function parseData(source: RecordText, name: 'key' | 'value', span: Span | undefined): Uint8Array | null {
  const data = source.record[name] ?? null
  if (data === null) return null
  if (source.format === 'json') return span === undefined ? null : Buffer.from(compactJson(source.text, span))
  const where = `${source.where}.${name}`
  if (typeof data !== 'string') throw refuse(where, 'is not a string')
  return source.format === 'text' ? parseText(data, where) : parseBase64(data, where)
}

function parseText(text: string, where: string): Uint8Array {
  if (text.isWellFormed()) return Buffer.from(text)
  throw refuse(where, 'holds half of a surrogate pair, which has no UTF-8')
}

function parseBase64(value: Json | undefined, where: string): Uint8Array {
  const bytes = typeof value === 'string' ? decodeBase64(value) : undefined
  if (bytes === undefined) throw refuse(where, 'is not a base64 string')
  return bytes
}

function parseHeaders(headers: Json | undefined, where: string): readonly RecordHeader[] {
  if (headers === undefined || headers === null) return []
  if (!isArray(headers)) throw refuse(where, 'is not an array')
  return headers.map((header, index) => {
    const at = `${where}[${index}]`
    if (!isObject(header) || typeof header.key !== 'string') throw refuse(`${at}.key`, 'is not a string')
    refuseUnknown(header, ['key', 'value'], `${at}.`)
    parseText(header.key, `${at}.key`)
    const value = header.value ?? null
    return { key: header.key, value: value === null ? null : parseBase64(value, `${at}.value`) }
  })
}

function parseInteger(field: Json | undefined, where: string, max: number): number | undefined {
  if (field === undefined || field === null) return undefined
  if (typeof field === 'number' && Number.isInteger(field) && field >= 0 && field <= max) return field
  throw refuse(where, `is not an integer from 0 to ${max}`)
}

export async function renderV2Outcomes(
  giveWay: GiveWay,
  outcomes: readonly RecordOutcome[],
): Promise<string | readonly Uint8Array[]> {
  const text = createLongText()
  text.add('{"offsets":[')
  for (const [index, outcome] of outcomes.entries()) {
    text.add(`${index === 0 ? '' : ','}${renderV2Outcome(outcome)}`)
    const turn = giveWay()
    if (turn !== undefined) await turn
  }
  text.add('],"key_schema_id":null,"value_schema_id":null}')
  return text.take()
}

function renderV2Outcome(outcome: RecordOutcome): string {
  if (outcome.ok) {
    return `{"partition":${outcome.partition},"offset":${outcome.offset},"error_code":null,"error":null}`
  }
  const { error_code, message } = errorBody(outcome.error, 'v2')
  return `{"partition":null,"offset":null,"error_code":${error_code},"error":${JSON.stringify(message)}}`
}

/** `topic` is the topic's name as a JSON string. */
export function renderV2Record(
  record: RecordVisit,
  topic: string,
  partition: number,
  format: V2Format,
): string {
  const { cursor, offset } = record
  const shown = (bytes: Uint8Array | null): string => {
    const json = bytes === null ? 'null' : renderAs(format, bytes)
    if (json !== undefined) return json
    const message = `the record at offset ${offset} of partition ${partition} cannot be shown as ${format}`
    throw new KafkaError('SERIALIZATION', `${message}: ask for application/vnd.kafka.binary.v2+json`)
  }
  return (
    `{"topic":${topic},"key":${shown(cursor.key())},"value":${shown(cursor.value())}` +
    `,"partition":${partition},"offset":${offset},"timestamp":${record.timestamp}` +
    `,"headers":${renderHeaders(cursor)}}`
  )
}

function renderAs(format: V2Format, bytes: Uint8Array): string | undefined {
  if (format === 'binary') return `"${encodeBase64(bytes)}"`
  if (!isUtf8(bytes)) return undefined
  const text = textOf(bytes).toString('utf8')
  if (format === 'text') return JSON.stringify(text)
  return isJson(text) ? text : undefined
}

function renderHeaders(cursor: RecordCursor): string {
  if (cursor.headerCount === 0) return '[]'
  const headers: string[] = []
  cursor.eachHeader((key, value) => {
    headers.push(
      `{"key":${JSON.stringify(key)},"value":${value === null ? 'null' : `"${encodeBase64(value)}"`}}`,
    )
  })
  return `[${headers.join(',')}]`
}
