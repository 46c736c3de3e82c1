// A record as Confluent REST v3 writes it, in:
//   {"partition_id", "headers": [{"name", "value": base64 | null}], "timestamp": ISO-8601,
//    "key": {"type": "BINARY" | "JSON" | "STRING", "data"}, "value": {…}}
// and its delivery report, out. Absent or null key and value, and data that is null, are null.
// Refuses schemas (42205): nobody here could check a record against one, so nobody stores it as if it had
// been.

import { KafkaError } from '../../base/errors.ts'
import { formatIsoInstant, parseIsoInstant } from '../../base/isoTime.ts'
import type { RecordHeader } from '../../kafka/recordBatch.ts'
import type { RecordOutcome, RecordToProduce } from '../../service/cluster.ts'
import { errorBody } from '../errors.ts'
import { decodeBase64 } from './base64.ts'
import { compactJson, isArray, isObject, type Json, type JsonObject, memberSpans, type Span } from './json.ts'

/** What a report says of a key or value that the request named. */
interface DataReport {
  readonly type: string
  readonly size: number
}

export interface V3Record {
  readonly record: RecordToProduce
  readonly key: DataReport | undefined
  readonly value: DataReport | undefined
}

/** `span` is where the record stands in `text`, `fields` what it parsed to. */
export function parseV3Record(fields: JsonObject, text: string, span: Span): V3Record {
  const spans = lazy(() => memberSpans(text, span.start))
  const key = parseData('key', fields.key, text, spans)
  const value = parseData('value', fields.value, text, spans)
  const partition = parsePartition(fields.partition_id)
  const timestamp = parseTimestamp(fields.timestamp)
  return {
    record: {
      key: key.bytes,
      value: value.bytes,
      headers: parseHeaders(fields.headers),
      ...(partition !== undefined && { partition }),
      ...(timestamp !== undefined && { timestamp }),
    },
    key: key.report,
    value: value.report,
  }
}

/** The part of a report that all records of a request share. */
export function reportPrefix(clusterId: string, topicName: string): string {
  return `"cluster_id":${JSON.stringify(clusterId)},"topic_name":${JSON.stringify(topicName)}`
}

export function renderReport(outcome: RecordOutcome, record: V3Record, prefix: string): string {
  if (!outcome.ok) return renderRefusal(outcome.error)
  return `{"error_code":200,${prefix},${renderStored(outcome, record)}}`
}

export function renderRefusal(error: KafkaError): string {
  return JSON.stringify(errorBody(error))
}

export function renderStored(
  stored: { readonly partition: number; readonly offset: number; readonly timestamp: number },
  record: V3Record,
): string {
  const place = `"partition_id":${stored.partition},"offset":${stored.offset}`
  const time = `"timestamp":"${formatIsoInstant(stored.timestamp)}"`
  return `${place},${time}${renderData('key', record.key)}${renderData('value', record.value)}`
}

function renderData(name: string, data: DataReport | undefined): string {
  return data === undefined ? '' : `,"${name}":{"type":"${data.type}","size":${data.size}}`
}

interface Data {
  readonly bytes: Uint8Array | null
  readonly report: DataReport | undefined
}

const noData: Data = { bytes: null, report: undefined }
const schemaFields = ['schema', 'schema_id', 'schema_version', 'subject', 'subject_name_strategy'] as const
const schemaTypes: readonly Json[] = ['AVRO', 'JSONSCHEMA', 'PROTOBUF']

function parseData(
  name: 'key' | 'value',
  field: Json | undefined,
  text: string,
  spans: () => ReadonlyMap<string, Span>,
): Data {
  if (field === undefined || field === null) return noData
  if (!isObject(field)) throw refuse(name, 'is not an object with type and data')
  const { type, data = null } = field
  if (schemaFields.some((schema) => (field[schema] ?? null) !== null) || schemaTypes.includes(type ?? null)) {
    throw new KafkaError(
      'INVALID_SCHEMA',
      `${name}: schemas are not supported yet; use BINARY, JSON or STRING`,
    )
  }
  const format = dataFormat(name, type, data)
  if (data === null) return { bytes: null, report: { type: format, size: 0 } }
  const bytes = format === 'JSON' ? jsonBytes(name, text, spans()) : textBytes(name, format, data)
  return { bytes, report: { type: format, size: bytes.length } }
}

function dataFormat(name: string, type: Json | undefined, data: Json): 'BINARY' | 'JSON' | 'STRING' {
  if (type === 'BINARY' || type === 'JSON' || type === 'STRING') return type
  if ((type === undefined || type === null) && data === null) return 'BINARY'
  throw refuse(`${name}.type`, 'is not BINARY, JSON or STRING')
}

function textBytes(name: string, format: 'BINARY' | 'STRING', data: Json): Uint8Array {
  if (typeof data !== 'string') throw refuse(`${name}.data`, `is not a string, as ${format} wants it`)
  if (format === 'STRING') return utf8Bytes(data, `${name}.data`)
  const bytes = decodeBase64(data)
  if (bytes === undefined) throw refuse(`${name}.data`, 'is not a base64 string')
  return bytes
}

function jsonBytes(name: string, text: string, spans: ReadonlyMap<string, Span>): Uint8Array {
  const outer = spans.get(name)
  const data = outer && memberSpans(text, outer.start).get('data')
  return Buffer.from(data === undefined ? 'null' : compactJson(text, data))
}

/** Text whose UTF-16 is broken has no UTF-8: storing something like it would change the record. */
function utf8Bytes(text: string, name: string): Uint8Array {
  if (text.isWellFormed()) return Buffer.from(text)
  throw refuse(name, 'holds half of a surrogate pair, which has no UTF-8')
}

function parseHeaders(field: Json | undefined): readonly RecordHeader[] {
  if (field === undefined || field === null) return []
  if (!isArray(field)) throw refuse('headers', 'is not an array')
  return field.map((header, index) => {
    const where = `headers[${index}]`
    if (!isObject(header) || typeof header.name !== 'string') throw refuse(`${where}.name`, 'is not a string')
    utf8Bytes(header.name, `${where}.name`)
    return { key: header.name, value: parseHeaderValue(header.value ?? null, `${where}.value`) }
  })
}

function parseHeaderValue(value: Json, where: string): Uint8Array | null {
  if (value === null) return null
  const bytes = typeof value === 'string' ? decodeBase64(value) : undefined
  if (bytes === undefined) throw refuse(where, 'is not a base64 string')
  return bytes
}

const partitionMax = 0x7fff_ffff

function parsePartition(field: Json | undefined): number | undefined {
  if (field === undefined || field === null) return undefined
  if (typeof field !== 'number' || !Number.isInteger(field) || field > partitionMax) {
    throw refuse('partition_id', 'is not the number of a partition')
  }
  if (field >= 0) return field
  throw new KafkaError('PARTITION_NOT_FOUND', 'partition_id is negative')
}

function parseTimestamp(field: Json | undefined): number | undefined {
  if (field === undefined || field === null) return undefined
  const timestamp = typeof field === 'string' ? parseIsoInstant(field) : undefined
  if (timestamp === undefined)
    throw refuse('timestamp', 'is not an ISO-8601 instant such as 2021-02-05T19:14:42Z')
  if (timestamp < 0) throw new KafkaError('INVALID_TIMESTAMP', 'timestamp is before 1970')
  return timestamp
}

function refuse(where: string, trouble: string): KafkaError {
  return new KafkaError('BAD_REQUEST', `Bad Request: ${where} ${trouble}.`)
}

function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
