// The topics of one tenant. A topic comes, grows and vanishes together with its sequencers, each in one transaction, so
// that a write that lands late changes nothing; a topic created again under the same name has a new id, so nothing of
// the old one shows.

import { isDeepStrictEqual } from 'node:util'
import { KafkaError, StorageError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { newTopicId } from '../metadata/objectId.ts'
import type { Scope } from '../metadata/scope.ts'
import { parseTopicItem, type TopicItem, topicAttributes } from '../metadata/topicItem.ts'
import { queryAll } from '../ports/queryAll.ts'
import { mayHaveHappened, retryRepeatable, retryRepeatableWrite, retryWithoutEffect } from '../ports/retry.ts'
import type { Table } from '../ports/table.ts'
import type { Clock, Random } from '../ports/world.ts'
import { creation, deletion, replacement } from './catalogWrites.ts'
import { checkTopicName, collisionKey, isTopicName } from './names.ts'

export interface CatalogDeps {
  readonly table: Table
  readonly clock: Clock
  readonly random: Random
  readonly scope: Scope
}

export type NewTopicSize = Pick<TopicItem, 'name' | 'partitionCount'>
export type NewTopic = NewTopicSize & Pick<TopicItem, 'overrides'>
export type TopicChange = (topic: TopicItem) => Partial<Pick<TopicItem, 'overrides' | 'partitionCount'>>

export interface Catalog {
  get(name: string): Promise<TopicItem | undefined>
  list(): Promise<readonly TopicItem[]>
  create(topic: NewTopic): Promise<TopicItem>
  /** Refuses what could not be created, and creates nothing. */
  checkNew(topic: NewTopicSize): Promise<void>
  delete(name: string): Promise<void>
  /** Reads, lets `change` decide, and writes if nobody has changed the topic meanwhile; else again. */
  update(name: string, change: TopicChange): Promise<TopicItem>
}

const changeAttemptsMax = 10

export function createCatalog(deps: CatalogDeps): Catalog {
  return {
    get: (name) => getTopic(deps, name),
    list: () => listTopics(deps),
    create: (topic) => createTopic(deps, topic),
    checkNew: (topic) => checkNew(deps, topic),
    delete: (name) => deleteTopic(deps, name),
    update: (name, change) => updateTopic(deps, name, change),
  }
}

/** The topic that has this name or collides with it. */
async function readTopic(deps: CatalogDeps, name: string): Promise<TopicItem | undefined> {
  const item = await retryRepeatable(deps, () => deps.table.get(deps.scope.topic(collisionKey(name))))
  return item && parseTopicItem(item)
}

async function getTopic(deps: CatalogDeps, name: string): Promise<TopicItem | undefined> {
  // What no topic may be called may be too long for a key, too.
  const topic = isTopicName(name) ? await readTopic(deps, name) : undefined
  return topic?.name === name ? topic : undefined
}

async function listTopics(deps: CatalogDeps): Promise<readonly TopicItem[]> {
  const items = await queryAll(deps, { pk: deps.scope.topicsPk })
  return items.map(parseTopicItem).sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function checkNew(deps: CatalogDeps, { name, partitionCount }: NewTopicSize): Promise<void> {
  checkTopicName(name)
  checkPartitionCount(partitionCount)
  const other = await readTopic(deps, name)
  if (other) throw taken(name, other)
}

async function createTopic(deps: CatalogDeps, wanted: NewTopic): Promise<TopicItem> {
  await checkNew(deps, wanted)
  const topic = { ...wanted, topicId: newTopicId(deps.random), version: 1 }
  const outcome = await retryRepeatableWrite(deps, () => deps.table.transact(creation(deps.scope, topic)))
  if (outcome.ok) return topic
  // A lost answer repeated finds what it wrote itself, or that this was deleted since.
  const other = outcome.failed.find(({ index }) => index === 0)?.current
  const there = other && parseTopicItem(other)
  const wasDeleted = outcome.failed.some(({ index }) => index === 1)
  if (wasDeleted || there?.topicId === topic.topicId) return topic
  throw there ? taken(topic.name, there) : contested(topic.name)
}

async function deleteTopic(deps: CatalogDeps, name: string): Promise<void> {
  for (let attempt = 0; attempt < changeAttemptsMax; attempt++) {
    const topic = await getTopic(deps, name)
    if (!topic) throw unknown(name)
    try {
      const writes = deletion(deps.scope, topic)
      const outcome = await retryWithoutEffect(deps, () => deps.table.transact(writes))
      if (outcome.ok) return
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      if (await isGone(deps, topic)) return
      throw mayHaveHappened()
    }
  }
  throw contested(name)
}

/** False where that cannot be known. */
async function isGone(deps: CatalogDeps, { name, topicId }: TopicItem): Promise<boolean> {
  try {
    return (await getTopic(deps, name))?.topicId !== topicId
  } catch (error) {
    if (error instanceof KafkaError) return false
    throw error
  }
}

async function updateTopic(deps: CatalogDeps, name: string, change: TopicChange): Promise<TopicItem> {
  for (let attempt = 0; attempt < changeAttemptsMax; attempt++) {
    const topic = await getTopic(deps, name)
    if (!topic) throw unknown(name)
    const changed = { ...topic, ...change(topic), version: topic.version + 1 }
    checkPartitionCount(changed.partitionCount)
    const writes = replacement(deps.scope, topic, changed)
    const outcome = await retryRepeatableWrite(deps, () => deps.table.transact(writes))
    if (outcome.ok) return changed
    // A lost answer repeated finds what it wrote itself.
    const now = outcome.failed.find(({ index }) => index === 0)?.current
    if (isDeepStrictEqual(now?.attributes, topicAttributes(changed))) return changed
  }
  throw contested(name)
}

function checkPartitionCount(partitionCount: number): void {
  const isCount = Number.isSafeInteger(partitionCount) && partitionCount >= 1
  if (isCount && partitionCount <= limits.partitionsPerTopicMax) return
  const message = `Number of partitions must be from 1 to ${limits.partitionsPerTopicMax}, not ${partitionCount}.`
  throw new KafkaError('INVALID_PARTITIONS', message)
}

const taken = (name: string, other: TopicItem): KafkaError =>
  other.name === name
    ? new KafkaError('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`)
    : new KafkaError('INVALID_TOPIC_EXCEPTION', `Topic '${name}' collides with existing topic: ${other.name}`)

const contested = (name: string): KafkaError =>
  new KafkaError('KAFKA_STORAGE_ERROR', `Topic '${name}' is being changed by many at once. Try again.`)

const unknown = (name: string): KafkaError =>
  new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `This server does not host topic '${name}'.`)
