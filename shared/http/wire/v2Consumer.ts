// The bodies of the v2 dialect's consumer instances, as Confluent's proxy, Strimzi's bridge and Redpanda's proxy write
// them. A body that uses a field or format of Strimzi's makes the instance one of Strimzi's dialect.
// Refuses unknown fields (422), settings that are none (42204) or out of their range (40001).

import { type ErrorName, KafkaError } from '../../base/errors.ts'
import { parseIsoInstant } from '../../base/isoTime.ts'
import type { Subscription } from '../../groups/instance.ts'
import {
  type InstanceDialect,
  type InstanceSettings,
  instanceFormats,
  offsetResets,
} from '../../metadata/instanceItem.ts'
import type { Seek } from '../../service/consumerInstances.ts'
import type { OffsetToCommit, TopicPartition } from '../../service/groups.ts'
import { isArray, isObject, type Json, type JsonObject, parseJson } from './json.ts'
import { refuse, refuseUnknown } from './v2Fields.ts'

/** Entries of one body: more are megabytes of nothing that a client would send. */
const entriesMax = 10_000
const int32Max = 0x7fff_ffff

export interface NewConsumer {
  readonly name: string | undefined
  readonly settings: InstanceSettings
}

const strimziFields = ['enable.auto.commit', 'isolation.level']
const consumerFields = [
  'name',
  'format',
  'auto.offset.reset',
  'auto.commit.enable',
  'fetch.min.bytes',
  'consumer.request.timeout.ms',
  ...strimziFields,
]

/** Without a word from its creator: Confluent's consumer.request.timeout.ms, and Strimzi's. */
const requestTimeoutMs = { confluent: 1000, strimzi: 30_000 } as const

export function parseNewConsumer(body: Uint8Array): NewConsumer {
  const given = parseObject(body)
  refuseUnknown(given, consumerFields, '')
  const dialect = isStrimzis(given) ? 'strimzi' : 'confluent'
  const fields: Fields = { given, dialect }
  checkIsolation(fields)
  const name = given.name ?? null
  if (name !== null && typeof name !== 'string')
    throw refused(fields, 'INVALID_CONSUMER_CONFIG', 'name: not a string')
  return {
    name: name === null || name === '' ? undefined : name,
    settings: {
      dialect,
      format: oneOf(fields, 'format', instanceFormats, 'binary'),
      autoOffsetReset: oneOf(fields, 'auto.offset.reset', offsetResets, 'latest'),
      autoCommit: flag(fields, 'enable.auto.commit') ?? flag(fields, 'auto.commit.enable') ?? true,
      fetchMinBytes: count(fields, 'fetch.min.bytes', 10_000_000, 1),
      requestTimeoutMs: count(fields, 'consumer.request.timeout.ms', int32Max, requestTimeoutMs[dialect]),
    },
  }
}

/** Undefined: of nothing, which is how Kafka's consumer is told to unsubscribe. */
export function parseSubscription(body: Uint8Array): Subscription | undefined {
  const given = parseObject(body)
  refuseUnknown(given, ['topics', 'topic_pattern'], '')
  const { topics = null, topic_pattern: pattern = null } = given
  if (topics !== null && pattern !== null) {
    const message = 'Subscriptions to topics and to a pattern are mutually exclusive.'
    throw new KafkaError('CONSUMER_ILLEGAL_STATE', message)
  }
  if (typeof pattern === 'string' && pattern !== '') return { reads: 'pattern', pattern }
  if (pattern !== null) throw refuse('topic_pattern', 'is not a regular expression')
  if (topics === null) throw refuse('the request body', 'has neither topics nor topic_pattern')
  const names = listOf(topics, 'topics').map((topic, index) => parseName(topic, `topics[${index}]`))
  return names.length === 0 ? undefined : { reads: 'topics', topics: names }
}

/** Confluent's and Strimzi's `partitions`. */
export function parsePartitions(body: Uint8Array): readonly TopicPartition[] {
  const given = parseObject(body)
  refuseUnknown(given, ['partitions'], '')
  return listOf(given.partitions, 'partitions').map((one, index) => {
    const where = `partitions[${index}]`
    return parsePartition(objectAt(one, ['topic', 'partition'], where), where)
  })
}

export interface OffsetsToCommit {
  readonly offsets: readonly OffsetToCommit[]
  /** In Redpanda's field: what they say is what is committed, whatever the dialect. */
  readonly exact: boolean
}

/** Undefined: whatever was polled. */
export function parseCommit(body: Uint8Array): OffsetsToCommit | undefined {
  if (body.length === 0) return undefined
  const given = parseObject(body)
  refuseUnknown(given, ['offsets', 'partitions'], '')
  const exact = given.partitions !== undefined
  const name = exact ? 'partitions' : 'offsets'
  if (given[name] === undefined) return undefined
  const offsets = listOf(given[name], name).map((one, index) => {
    const where = `${name}[${index}]`
    const entry = objectAt(one, ['topic', 'partition', 'offset', 'metadata'], where)
    const { metadata = null } = entry
    if (metadata !== null && typeof metadata !== 'string')
      throw refuse(`${where}.metadata`, 'is not a string')
    const place = parsePartition(entry, where)
    // Confluent's callers say the offset of the last record that they processed: -1 before the first one.
    const offset = parseInteger(entry.offset, -1, `${where}.offset`)
    return { ...place, offset, leaderEpoch: -1, metadata: metadata ?? '' }
  })
  return { offsets, exact }
}

export function parsePositions(body: Uint8Array): readonly Seek[] {
  const given = parseObject(body)
  refuseUnknown(given, ['offsets', 'timestamps'], '')
  const { offsets = null, timestamps = null } = given
  if (offsets === null && timestamps === null)
    throw refuse('the request body', 'has neither offsets nor timestamps')
  const byOffset = listOf(offsets ?? [], 'offsets').map((one, index): Seek => {
    const where = `offsets[${index}]`
    const entry = objectAt(one, ['topic', 'partition', 'offset', 'metadata'], where)
    return { ...parsePartition(entry, where), to: parseInteger(entry.offset, 0, `${where}.offset`) }
  })
  const byTime = listOf(timestamps ?? [], 'timestamps').map((one, index): Seek => {
    const where = `timestamps[${index}]`
    const entry = objectAt(one, ['topic', 'partition', 'timestamp', 'metadata'], where)
    const timestamp = parseTime(entry.timestamp, `${where}.timestamp`)
    return { ...parsePartition(entry, where), to: { kind: 'timestamp', timestamp } }
  })
  return [...byOffset, ...byTime]
}

interface Fields {
  readonly given: JsonObject
  readonly dialect: InstanceDialect
}

function isStrimzis(given: JsonObject): boolean {
  return given.format === 'text' || strimziFields.some((field) => given[field] !== undefined)
}

/** There are no transactions: both levels read the same. */
function checkIsolation(fields: Fields): void {
  oneOf(fields, 'isolation.level', ['read_uncommitted', 'read_committed'], 'read_uncommitted')
}

function oneOf<T extends string>(fields: Fields, name: string, known: readonly T[], otherwise: T): T {
  const value = fields.given[name] ?? null
  if (value === null) return otherwise
  const lower = typeof value === 'string' ? value.toLowerCase() : value
  const found = known.find((one) => one === lower)
  if (found !== undefined) return found
  throw refused(fields, 'INVALID_CONSUMER_CONFIG', `${name}: expected one of ${known.join(', ')}`)
}

/** Confluent writes its booleans as strings. */
function flag(fields: Fields, name: string): boolean | undefined {
  const value = fields.given[name] ?? null
  if (value === null) return undefined
  if (value === true || value === 'true') return true
  if (value === false || value === 'false') return false
  throw refused(fields, 'INVALID_CONSUMER_CONFIG', `${name}: expected true or false`)
}

/** A number, also as a string as Confluent's examples have it; -1 means the default. */
function count(fields: Fields, name: string, max: number, otherwise: number): number {
  const value = fields.given[name] ?? -1
  const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isInteger(number)) {
    throw refused(fields, 'INVALID_CONSUMER_CONFIG', `${name}: expected an integer`)
  }
  if (number === -1) return otherwise
  if (number >= 0 && number <= max) return number
  throw refused(fields, 'CONSUMER_CONFIG_CONSTRAINT', `${name}: expected 0 to ${max}, or -1 for the default`)
}

function refused({ dialect }: Fields, code: ErrorName, message: string): KafkaError {
  return new KafkaError(code, `Invalid consumer configuration. ${message}`, { dialect })
}

function parseObject(body: Uint8Array): JsonObject {
  if (body.length === 0) return {}
  const { value } = parseJson(body, 'in the request body')
  if (!isObject(value)) throw refuse('the request body', 'is not an object')
  return value
}

function objectAt(value: Json, known: readonly string[], where: string): JsonObject {
  if (!isObject(value)) throw refuse(where, 'is not an object')
  refuseUnknown(value, known, `${where}.`)
  return value
}

function listOf(value: Json | undefined, where: string): readonly Json[] {
  if (!isArray(value)) throw refuse(where, 'is not an array')
  if (value.length > entriesMax) throw refuse(where, `has more than ${entriesMax} entries`)
  return value
}

function parsePartition(entry: JsonObject, where: string): TopicPartition {
  const topicName = parseName(entry.topic, `${where}.topic`)
  const partition = parseInteger(entry.partition, 0, `${where}.partition`)
  if (partition > int32Max) throw refuse(`${where}.partition`, `is larger than ${int32Max}`)
  return { topicName, partition }
}

function parseName(value: Json | undefined, where: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw refuse(where, 'is not a name')
}

function parseInteger(value: Json | undefined, min: number, where: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min) return value
  throw refuse(where, `is not an integer of at least ${min}`)
}

/** Confluent's ISO-8601 instant, or milliseconds. */
function parseTime(value: Json | undefined, where: string): number {
  const timestamp = typeof value === 'string' ? parseIsoInstant(value) : value
  if (typeof timestamp === 'number' && Number.isSafeInteger(timestamp) && timestamp >= 0) return timestamp
  throw refuse(where, 'is no time since 1970')
}
