// The topics of one tenant. A topic becomes visible by one write, after its sequencers are there, and vanishes together
// with them in one transaction; a topic created again under the same name has a new id, so nothing of the old one shows.

import { isDeepStrictEqual } from 'node:util'
import { KafkaError, StorageError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { retryRepeatable, retryWithoutEffect } from '../base/retry.ts'
import { newTopicId } from '../metadata/objectId.ts'
import type { Scope } from '../metadata/scope.ts'
import { groupOf, newPartition, nextAttribute, tailAttribute, topicAttribute } from '../metadata/sequencer.ts'
import { parseTopicItem, type TopicItem, topicAttributes } from '../metadata/topicItem.ts'
import type {
  Action,
  Attributes,
  Condition,
  Table,
  TransactOutcome,
  TransactWrite,
  Write,
} from '../ports/table.ts'
import type { Clock, Random } from '../ports/world.ts'
import { checkTopicName, collisionKey } from './names.ts'

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

const updateAttemptsMax = 10
const topicsPerPage = 500

export function createCatalog(deps: CatalogDeps): Catalog {
  const { table, scope } = deps

  const read = async (name: string): Promise<TopicItem | undefined> => {
    const item = await retryRepeatable(deps, () => table.get(scope.topic(collisionKey(name))))
    return item && parseTopicItem(item)
  }
  const get = async (name: string) => {
    const topic = await read(name)
    return topic?.name === name ? topic : undefined
  }

  const checkNew: Catalog['checkNew'] = async ({ name, partitionCount }) => {
    checkTopicName(name)
    checkPartitionCount(partitionCount)
    const other = await read(name)
    if (other) throw other.name === name ? exists(name) : collides(name, other.name)
  }

  const writeAll = (writes: readonly Write[]) =>
    Promise.all(writes.map((write) => retryRepeatable(deps, () => table.write(write))))

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
      await writeAll(newSequencers(scope, topic))
      const key = scope.topic(collisionKey(name))
      const attributes = topicAttributes(topic)
      const outcome = await retryRepeatable(deps, () =>
        table.write({ kind: 'put', key, attributes, when: [{ kind: 'itemAbsent' }] }),
      )
      if (outcome.ok) return topic
      // A lost answer repeated finds what it wrote itself.
      const there = outcome.current && parseTopicItem(outcome.current)
      if (there?.topicId === topic.topicId) return topic
      const abandoned = groupsOf(partitionCount).map((group) => scope.sequencer(topic.topicId, group))
      await writeAll(abandoned.map((sequencer): Write => ({ kind: 'delete', key: sequencer })))
      throw there && there.name !== name ? collides(name, there.name) : exists(name)
    },

    async delete(name) {
      const topic = await get(name)
      if (!topic) throw unknown(name)
      const outcome = await retryWithoutEffect(deps, () => table.transact(deletion(scope, topic))).catch(
        async (error: unknown): Promise<TransactOutcome> => {
          if (!(error instanceof StorageError)) throw error
          if ((await get(name))?.topicId !== topic.topicId) return { ok: true }
          throw new KafkaError(
            'REQUEST_TIMED_OUT',
            `The storage did not answer: topic ${name} may be deleted.`,
          )
        },
      )
      if (!outcome.ok)
        throw new KafkaError('KAFKA_STORAGE_ERROR', `Topic ${name} changed meanwhile. Try again.`)
    },

    async update(name, change) {
      for (let attempt = 0; attempt < updateAttemptsMax; attempt++) {
        const topic = await get(name)
        if (!topic) throw unknown(name)
        const changed = { ...topic, ...change(topic), version: topic.version + 1 }
        checkPartitionCount(changed.partitionCount)
        for (const step of growth(scope, topic, changed.partitionCount)) {
          await writeAll(step)
        }
        const outcome = await retryRepeatable(deps, () => table.write(replacement(scope, topic, changed)))
        // A lost answer repeated finds what it wrote itself.
        if (outcome.ok || isDeepStrictEqual(outcome.current?.attributes, topicAttributes(changed)))
          return changed
      }
      throw new KafkaError(
        'KAFKA_STORAGE_ERROR',
        `Topic ${name} is being changed by many at once. Try again.`,
      )
    },
  }
}

const replacement = (scope: Scope, before: TopicItem, after: TopicItem): Write => ({
  kind: 'put',
  key: scope.topic(collisionKey(before.name)),
  attributes: topicAttributes(after),
  when: unchanged(before),
})

const unchanged = (topic: TopicItem) =>
  [
    { kind: 'equals', attribute: 'id', value: topic.topicId },
    { kind: 'equals', attribute: 'version', value: topic.version },
  ] as const

/** Topic and sequencers go at once; what it leaves to the collector is written down in the same transaction. */
function deletion(scope: Scope, topic: TopicItem): readonly TransactWrite[] {
  const gone = groupsOf(topic.partitionCount).map((group): TransactWrite => {
    return { kind: 'delete', key: scope.sequencer(topic.topicId, group) }
  })
  const attributes = { name: topic.name, partitions: topic.partitionCount }
  return [
    { kind: 'delete', key: scope.topic(collisionKey(topic.name)), when: unchanged(topic) },
    { kind: 'put', key: scope.deletedTopic(topic.topicId), attributes },
    ...gone,
  ]
}

function newSequencers(scope: Scope, { name, topicId, partitionCount }: TopicItem): readonly Write[] {
  return groupsOf(partitionCount).map((group): Write => {
    const from = group * limits.partitionsPerSequencer
    const to = Math.min(partitionCount, from + limits.partitionsPerSequencer)
    const partitions = Array.from({ length: to - from }, (_, i) => newPartition(from + i))
    const attributes: Attributes = Object.assign(
      { [topicAttribute]: name, [tailAttribute]: [] },
      ...partitions,
    )
    return { kind: 'put', key: scope.sequencer(topicId, group), attributes, when: [{ kind: 'itemAbsent' }] }
  })
}

/** Partition by partition, because an earlier attempt may have stopped anywhere: what is there stays as it is. */
function growth(
  scope: Scope,
  { name, topicId, partitionCount: from }: TopicItem,
  to: number,
): readonly (readonly Write[])[] {
  if (to <= from) return []
  const groups = groupsOf(to).slice(groupOf(from))
  const sequencers = groups.map((group): Write => {
    const attributes = { [topicAttribute]: name, [tailAttribute]: [] }
    return { kind: 'put', key: scope.sequencer(topicId, group), attributes, when: [{ kind: 'itemAbsent' }] }
  })
  const partitions = Array.from({ length: to - from }, (_, i): Write => {
    const partition = from + i
    const actions = Object.entries(newPartition(partition)).map(([attribute, value]): Action => {
      return { kind: 'set', attribute, value }
    })
    const absent: Condition = { kind: 'absent', attribute: nextAttribute(partition) }
    const key = scope.sequencer(topicId, groupOf(partition))
    return { kind: 'update', key, actions, when: [{ kind: 'itemExists' }, absent] }
  })
  return [sequencers, partitions]
}

const groupsOf = (partitionCount: number): readonly number[] =>
  Array.from({ length: groupOf(partitionCount - 1) + 1 }, (_, group) => group)

function checkPartitionCount(partitionCount: number): void {
  if (partitionCount >= 1 && partitionCount <= limits.partitionsPerTopicMax) return
  const message = `Number of partitions must be from 1 to ${limits.partitionsPerTopicMax}, not ${partitionCount}.`
  throw new KafkaError('INVALID_PARTITIONS', message)
}

const exists = (name: string): KafkaError =>
  new KafkaError('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`)

const collides = (name: string, other: string): KafkaError =>
  new KafkaError('INVALID_TOPIC_EXCEPTION', `Topic '${name}' collides with existing topic: ${other}`)

const unknown = (name: string): KafkaError =>
  new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `This server does not host topic '${name}'.`)
