// The topics of one tenant. A topic comes, grows and vanishes together with its sequencers, each in one transaction, so
// that a write that lands late changes nothing; a topic created again under the same name has a new id, so nothing of
// the old one shows.

import { isDeepStrictEqual } from 'node:util'
import { KafkaError, StorageError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { mayHaveHappened, retryRepeatable, retryRepeatableWrite, retryWithoutEffect } from '../base/retry.ts'
import { newTopicId } from '../metadata/objectId.ts'
import type { Scope } from '../metadata/scope.ts'
import { groupOf, newPartition, tailAttribute } from '../metadata/sequencer.ts'
import { parseTopicItem, type TopicItem, topicAttributes } from '../metadata/topicItem.ts'
import type { Action, Attributes, Table, TransactOutcome, TransactWrite } from '../ports/table.ts'
import type { Clock, Random } from '../ports/world.ts'
import { checkTopicName, collisionKey, isTopicName } from './names.ts'

export interface CatalogDeps {
  readonly table: Table
  readonly clock: Clock
  readonly random: Random
  readonly scope: Scope
}

export interface Catalog {
  get(name: string): Promise<TopicItem | undefined>
  list(): Promise<readonly TopicItem[]>
  create(topic: Pick<TopicItem, 'name' | 'partitionCount' | 'overrides'>): Promise<TopicItem>
  /** Refuses what could not be created, and creates nothing. */
  checkNew(topic: Pick<TopicItem, 'name' | 'partitionCount'>): Promise<void>
  delete(name: string): Promise<void>
  /** Reads, lets `change` decide, and writes if nobody has changed the topic meanwhile; else again. */
  update(
    name: string,
    change: (topic: TopicItem) => Partial<Pick<TopicItem, 'overrides' | 'partitionCount'>>,
  ): Promise<TopicItem>
}

const changeAttemptsMax = 10
const topicsPerPage = 500

export function createCatalog(deps: CatalogDeps): Catalog {
  const { table, scope } = deps

  const read = async (name: string): Promise<TopicItem | undefined> => {
    const item = await retryRepeatable(deps, () => table.get(scope.topic(collisionKey(name))))
    return item && parseTopicItem(item)
  }
  const get = async (name: string) => {
    // What no topic may be called may be too long for a key, too.
    if (!isTopicName(name)) return undefined
    const topic = await read(name)
    return topic?.name === name ? topic : undefined
  }

  const checkNew: Catalog['checkNew'] = async ({ name, partitionCount }) => {
    checkTopicName(name)
    checkPartitionCount(partitionCount)
    const other = await read(name)
    if (other) throw other.name === name ? exists(name) : collides(name, other.name)
  }

  /** False where that cannot be known. */
  const isGone = async ({ name, topicId }: TopicItem) => {
    const now = await get(name).catch((error: unknown) => {
      if (error instanceof KafkaError) return 'unknown' as const
      throw error
    })
    return now !== 'unknown' && now?.topicId !== topicId
  }

  return {
    get,
    checkNew,

    async list() {
      const topics: TopicItem[] = []
      for (let after: string | undefined; ; ) {
        const page = { pk: scope.topicsPk, limit: topicsPerPage, ...(after === undefined ? {} : { after }) }
        const { items, next } = await retryRepeatable(deps, () => table.query(page))
        topics.push(...items.map(parseTopicItem))
        if (next === undefined) return topics.sort((a, b) => (a.name < b.name ? -1 : 1))
        after = next
      }
    },

    async create({ name, partitionCount, overrides }) {
      await checkNew({ name, partitionCount })
      const topic = { name, topicId: newTopicId(deps.random), partitionCount, overrides, version: 1 }
      const outcome = await retryRepeatableWrite(deps, () => table.transact(creation(scope, topic)))
      if (outcome.ok) return topic
      // A lost answer repeated finds what it wrote itself, or that this was deleted since.
      const other = outcome.failed.find(({ index }) => index === 0)?.current
      const there = other && parseTopicItem(other)
      const wasDeleted = outcome.failed.some(({ index }) => index === 1)
      if (wasDeleted || there?.topicId === topic.topicId) return topic
      throw there && there.name !== name ? collides(name, there.name) : exists(name)
    },

    async delete(name) {
      for (let attempt = 0; attempt < changeAttemptsMax; attempt++) {
        const topic = await get(name)
        if (!topic) throw unknown(name)
        const outcome = await retryWithoutEffect(deps, () => table.transact(deletion(scope, topic))).catch(
          async (error: unknown): Promise<TransactOutcome> => {
            if (!(error instanceof StorageError)) throw error
            if (await isGone(topic)) return { ok: true }
            throw mayHaveHappened()
          },
        )
        if (outcome.ok) return
      }
      throw contested(name)
    },

    async update(name, change) {
      for (let attempt = 0; attempt < changeAttemptsMax; attempt++) {
        const topic = await get(name)
        if (!topic) throw unknown(name)
        const changed = { ...topic, ...change(topic), version: topic.version + 1 }
        checkPartitionCount(changed.partitionCount)
        const outcome = await retryRepeatableWrite(deps, () =>
          table.transact(replacement(scope, topic, changed)),
        )
        if (outcome.ok) return changed
        // A lost answer repeated finds what it wrote itself.
        const now = outcome.failed.find(({ index }) => index === 0)?.current
        if (isDeepStrictEqual(now?.attributes, topicAttributes(changed))) return changed
      }
      throw contested(name)
    },
  }
}

const replacement = (scope: Scope, before: TopicItem, after: TopicItem): readonly TransactWrite[] => [
  {
    kind: 'put',
    key: scope.topic(collisionKey(before.name)),
    attributes: topicAttributes(after),
    when: unchanged(before),
  },
  ...newPartitions(scope, after.topicId, before.partitionCount, after.partitionCount),
]

const unchanged = (topic: TopicItem) =>
  [
    { kind: 'equals', attribute: 'id', value: topic.topicId },
    { kind: 'equals', attribute: 'version', value: topic.version },
  ] as const

/**
 * Topic and sequencers come at once. That it was never deleted is a condition because the transaction may be repeated, and
 * may land late: after the deletion it would bring back a topic that nobody asked for.
 */
const creation = (scope: Scope, topic: TopicItem): readonly TransactWrite[] => [
  {
    kind: 'put',
    key: scope.topic(collisionKey(topic.name)),
    attributes: topicAttributes(topic),
    when: [{ kind: 'itemAbsent' }],
  },
  { kind: 'check', key: scope.deletedTopic(topic.topicId), when: [{ kind: 'itemAbsent' }] },
  ...newPartitions(scope, topic.topicId, 0, topic.partitionCount),
]

const deletedMark = (scope: Scope, topic: TopicItem): TransactWrite => ({
  kind: 'put',
  key: scope.deletedTopic(topic.topicId),
  attributes: { name: topic.name, partitions: topic.partitionCount },
})

/** Topic and sequencers go at once; what it leaves to the collector is written down in the same transaction. */
function deletion(scope: Scope, topic: TopicItem): readonly TransactWrite[] {
  const gone = groupsOf(topic.partitionCount).map((group): TransactWrite => {
    return { kind: 'delete', key: scope.sequencer(topic.topicId, group) }
  })
  return [
    { kind: 'delete', key: scope.topic(collisionKey(topic.name)), when: unchanged(topic) },
    deletedMark(scope, topic),
    ...gone,
  ]
}

/** Partitions [from, to): sequencers of their own, and the rest of the one that has room. */
function newPartitions(scope: Scope, topicId: string, from: number, to: number): readonly TransactWrite[] {
  const partitions = Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)
  return [...Map.groupBy(partitions, groupOf)].map(([group, some]): TransactWrite => {
    const key = scope.sequencer(topicId, group)
    const attributes: Attributes = Object.assign({}, ...some.map(newPartition))
    const isNew = some[0] === group * limits.partitionsPerSequencer
    if (isNew) return { kind: 'put', key, attributes: { [tailAttribute]: [], ...attributes } }
    const actions = Object.entries(attributes).map(([attribute, value]): Action => {
      return { kind: 'set', attribute, value }
    })
    return { kind: 'update', key, actions, when: [{ kind: 'itemExists' }] }
  })
}

const groupsOf = (partitionCount: number): readonly number[] =>
  Array.from({ length: groupOf(partitionCount - 1) + 1 }, (_, group) => group)

function checkPartitionCount(partitionCount: number): void {
  const isCount = Number.isSafeInteger(partitionCount) && partitionCount >= 1
  if (isCount && partitionCount <= limits.partitionsPerTopicMax) return
  const message = `Number of partitions must be from 1 to ${limits.partitionsPerTopicMax}, not ${partitionCount}.`
  throw new KafkaError('INVALID_PARTITIONS', message)
}

const exists = (name: string): KafkaError =>
  new KafkaError('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`)

const collides = (name: string, other: string): KafkaError =>
  new KafkaError('INVALID_TOPIC_EXCEPTION', `Topic '${name}' collides with existing topic: ${other}`)

const contested = (name: string): KafkaError =>
  new KafkaError('KAFKA_STORAGE_ERROR', `Topic ${name} is being changed by many at once. Try again.`)

const unknown = (name: string): KafkaError =>
  new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `This server does not host topic '${name}'.`)
