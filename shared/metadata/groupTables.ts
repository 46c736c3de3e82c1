// What the members of a stored group share (groupItem.ts draws the layout): texts, topics and subscriptions, each once,
// named by its number.

import { type ByteReader, ByteWriter } from '../base/bytes.ts'
import { KafkaError } from '../base/errors.ts'
import type { StoredGroup, StoredMember } from './groupState.ts'

type Subscription = Pick<StoredMember, 'subscribedTopicNames' | 'subscribedTopicRegex'>

/** Numbers values in the order in which they come up. */
interface Numbering {
  readonly values: readonly string[]
  readonly of: (value: string) => number
}

export interface GroupTables {
  readonly texts: Numbering
  /** Those of the group's topics first. */
  readonly topicIds: Numbering
  readonly subscriptions: readonly Subscription[]
  readonly subscription: (subscription: Subscription) => number
}

export interface StoredTables {
  readonly texts: readonly string[]
  readonly topicIds: readonly string[]
  readonly topics: StoredGroup['topics']
  readonly subscriptions: readonly Subscription[]
}

const topicIdBytes = 16
const varintBytesMax = 5

export function newTables(): GroupTables {
  const subscriptions: Subscription[] = []
  const keys = createNumbering()
  const subscription = (one: Subscription) => {
    const number = keys.of(JSON.stringify([one.subscribedTopicRegex ?? null, one.subscribedTopicNames]))
    subscriptions[number] ??= one
    return number
  }
  return { texts: createNumbering(), topicIds: createNumbering(), subscriptions, subscription }
}

function createNumbering(): Numbering {
  const numbers = new Map<string, number>()
  const values: string[] = []
  const of = (value: string) => {
    const known = numbers.get(value)
    if (known !== undefined) return known
    numbers.set(value, values.length)
    return values.push(value) - 1
  }
  return { values, of }
}

export function writeTables(tables: GroupTables, topics: StoredGroup['topics']): Uint8Array {
  // What names a text comes first, so that all texts are known when they are written.
  const numbers = [topics.size, ...topicNumbers(tables, topics), ...subscriptionNumbers(tables)]
  const texts = tables.texts.values.map((text) => Buffer.from(text))
  const textBytes = texts.reduce((sum, { length }) => sum + varintBytesMax + length, varintBytesMax)
  const topicBytes = varintBytesMax + tables.topicIds.values.length * topicIdBytes
  const writer = new ByteWriter(textBytes + topicBytes + numbers.length * varintBytesMax)
  writer.unsignedVarint(texts.length)
  for (const text of texts) {
    writer.unsignedVarint(text.length)
    writer.bytes(text)
  }
  writer.unsignedVarint(tables.topicIds.values.length)
  for (const topicId of tables.topicIds.values) writer.bytes(Buffer.from(topicId, 'base64url'))
  for (const number of numbers) writer.unsignedVarint(number)
  return writer.written()
}

const topicNumbers = ({ texts }: GroupTables, topics: StoredGroup['topics']): readonly number[] =>
  [...topics.values()].flatMap(({ name, partitionCount }) => [texts.of(name), partitionCount])

function subscriptionNumbers({ texts, subscriptions }: GroupTables): readonly number[] {
  const each = subscriptions.flatMap(({ subscribedTopicRegex, subscribedTopicNames }) => [
    subscribedTopicRegex === undefined ? 0 : texts.of(subscribedTopicRegex) + 1,
    subscribedTopicNames.length,
    ...subscribedTopicNames.map(texts.of),
  ])
  return [subscriptions.length, ...each]
}

export function readTables(reader: ByteReader): StoredTables {
  const texts = readMany(reader, () => reader.utf8(reader.unsignedVarint('length'), 'text'))
  const topicIds = readMany(reader, () =>
    Buffer.from(reader.bytes(topicIdBytes, 'topic id')).toString('base64url'),
  )
  const text = () => entryOf(texts, reader.unsignedVarint('name'), 'name')
  const topics = readMany(reader, () => ({
    name: text(),
    partitionCount: reader.unsignedVarint('partition count'),
  }))
  const subscriptions = readMany(reader, () => {
    const pattern = reader.unsignedVarint('pattern')
    const subscribedTopicRegex = pattern === 0 ? undefined : entryOf(texts, pattern - 1, 'pattern')
    return { subscribedTopicRegex, subscribedTopicNames: readMany(reader, text) }
  })
  return {
    texts,
    topicIds,
    topics: new Map(topics.map((topic, i) => [entryOf(topicIds, i, 'topic'), topic])),
    subscriptions,
  }
}

export const readMany = <T>(reader: ByteReader, readOne: () => T): readonly T[] => {
  const many: T[] = []
  for (let left = reader.unsignedVarint('count'); left > 0; left--) many.push(readOne())
  return many
}

export function entryOf<T>(table: readonly T[], number: number, field: string): T {
  const entry = table[number]
  if (entry !== undefined) return entry
  throw new KafkaError('KAFKA_STORAGE_ERROR', `A stored group has no ${field} of number ${number}.`)
}
