// The topics of one tenant. A topic becomes visible by one write, after its sequencers are there, and vanishes together
// with them in one transaction; a topic created again under the same name has a new id, so nothing of the old one shows.

import { isDeepStrictEqual } from 'node:util'
import { KafkaError, StorageError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { newTopicId } from '../metadata/objectId.ts'
import type { Scope } from '../metadata/scope.ts'
import { parseTopicItem, type TopicItem, topicAttributes } from '../metadata/topicItem.ts'
import { retryRepeatable, retryWithoutEffect } from '../ports/retry.ts'
import type { Table, Write } from '../ports/table.ts'
import type { Clock, Random } from '../ports/world.ts'
import { deletion, groupsOf, growth, newSequencers, replacement } from './catalogWrites.ts'
import { checkTopicName, collisionKey } from './names.ts'

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

const updateAttemptsMax = 10
const topicsPerPage = 500

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
  const topic = await readTopic(deps, name)
  return topic?.name === name ? topic : undefined
}

async function listTopics(deps: CatalogDeps): Promise<readonly TopicItem[]> {
  const topics: TopicItem[] = []
  for (let after: string | undefined; ; ) {
    const page = { pk: deps.scope.topicsPk, limit: topicsPerPage, ...(after === undefined ? {} : { after }) }
    const { items, next } = await retryRepeatable(deps, () => deps.table.query(page))
    topics.push(...items.map(parseTopicItem))
    if (next === undefined) return topics.sort((a, b) => (a.name < b.name ? -1 : 1))
    after = next
  }
}

async function checkNew(deps: CatalogDeps, { name, partitionCount }: NewTopicSize): Promise<void> {
  checkTopicName(name)
  checkPartitionCount(partitionCount)
  const other = await readTopic(deps, name)
  if (other) throw taken(name, other)
}

async function createTopic(deps: CatalogDeps, wanted: NewTopic): Promise<TopicItem> {
  await checkNew(deps, wanted)
  const { scope, table } = deps
  const topic = { ...wanted, topicId: newTopicId(deps.random), version: 1 }
  await writeAll(deps, newSequencers(scope, topic))
  const key = scope.topic(collisionKey(topic.name))
  const attributes = topicAttributes(topic)
  const put: Write = { kind: 'put', key, attributes, when: [{ kind: 'itemAbsent' }] }
  const outcome = await retryRepeatable(deps, () => table.write(put))
  const there = outcome.ok ? topic : outcome.current && parseTopicItem(outcome.current)
  // A lost answer repeated finds what it wrote itself.
  if (there?.topicId === topic.topicId) return topic
  const abandoned = groupsOf(topic.partitionCount).map((group) => scope.sequencer(topic.topicId, group))
  await writeAll(
    deps,
    abandoned.map((sequencer): Write => ({ kind: 'delete', key: sequencer })),
  )
  throw there ? taken(topic.name, there) : changedMeanwhile(topic.name)
}

async function deleteTopic(deps: CatalogDeps, name: string): Promise<void> {
  const topic = await getTopic(deps, name)
  if (!topic) throw unknown(name)
  try {
    const outcome = await retryWithoutEffect(deps, () => deps.table.transact(deletion(deps.scope, topic)))
    if (!outcome.ok) throw changedMeanwhile(name)
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    if ((await getTopic(deps, name))?.topicId !== topic.topicId) return
    throw new KafkaError('REQUEST_TIMED_OUT', `The storage did not answer: topic ${name} may be deleted.`)
  }
}

async function updateTopic(deps: CatalogDeps, name: string, change: TopicChange): Promise<TopicItem> {
  const { scope, table } = deps
  for (let attempt = 0; attempt < updateAttemptsMax; attempt++) {
    const topic = await getTopic(deps, name)
    if (!topic) throw unknown(name)
    const changed = { ...topic, ...change(topic), version: topic.version + 1 }
    checkPartitionCount(changed.partitionCount)
    for (const step of growth(scope, topic, changed.partitionCount)) await writeAll(deps, step)
    const outcome = await retryRepeatable(deps, () => table.write(replacement(scope, topic, changed)))
    if (outcome.ok) return changed
    // A lost answer repeated finds what it wrote itself.
    if (isDeepStrictEqual(outcome.current?.attributes, topicAttributes(changed))) return changed
  }
  throw changedMeanwhile(name)
}

const writeAll = (deps: CatalogDeps, writes: readonly Write[]) =>
  Promise.all(writes.map((write) => retryRepeatable(deps, () => deps.table.write(write))))

function checkPartitionCount(partitionCount: number): void {
  if (partitionCount >= 1 && partitionCount <= limits.partitionsPerTopicMax) return
  const message = `Number of partitions must be from 1 to ${limits.partitionsPerTopicMax}, not ${partitionCount}.`
  throw new KafkaError('INVALID_PARTITIONS', message)
}

const taken = (name: string, other: TopicItem): KafkaError =>
  other.name === name
    ? new KafkaError('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`)
    : new KafkaError('INVALID_TOPIC_EXCEPTION', `Topic '${name}' collides with existing topic: ${other.name}`)

const changedMeanwhile = (name: string): KafkaError =>
  new KafkaError('KAFKA_STORAGE_ERROR', `Topic ${name} was changed by others meanwhile. Try again.`)

const unknown = (name: string): KafkaError =>
  new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `This server does not host topic '${name}'.`)
