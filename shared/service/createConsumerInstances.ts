// Consumer instances on a cluster as its caller may use it: every call reads the instance, does what is asked of the
// group and the log, and stores what the instance is then.

import { KafkaError } from '../base/errors.ts'
import { checkGroupId } from '../groups/heartbeat.ts'
import {
  assign,
  checkAssigned,
  isInstanceName,
  moveTo,
  newInstance,
  noteCommitted,
  type Positioned,
  partitionsOf,
  subscribe,
  uncommitted,
  unsubscribe,
} from '../groups/instance.ts'
import type { StoredInstance } from '../metadata/instanceItem.ts'
import type { Random } from '../ports/world.ts'
import type { Cluster } from './cluster.ts'
import type { ConsumerInstances, InstanceId, PollRequest, Seek } from './consumerInstances.ts'
import type { Groups, OffsetToCommit, TopicPartition } from './groups.ts'
import { commitIfDue, heartbeat, leave, memberOf } from './instanceMember.ts'
import { type PollDeps, pollInstance } from './instancePoll.ts'

export function createConsumerInstances(deps: PollDeps): ConsumerInstances {
  return {
    ...createLife(deps),
    ...createPartitions(deps.cluster),
    ...createReading(deps),
    ...createOffsets(deps.cluster),
  }
}

function createLife({
  cluster: { groups, instances },
  clock,
  random,
}: PollDeps): Pick<ConsumerInstances, 'create' | 'delete' | 'describe'> {
  return {
    async create(groupId, given, settings) {
      checkGroupId(groupId)
      const name = given ?? `rest-consumer-${randomHex(random)}`
      checkName(name)
      const instance = newInstance(settings, randomHex(random), clock.now())
      if (await instances.create({ groupId, name }, instance)) return name
      const message = 'Consumer instance with the specified name already exists.'
      throw new KafkaError('CONSUMER_ALREADY_EXISTS', message, { dialect: settings.dialect })
    },
    delete: (id) => instances.delete(id, (instance) => leave(groups, id, instance)),
    describe: (id) => instances.read(id),
  }
}

function createPartitions(cluster: Cluster): Pick<ConsumerInstances, 'subscribe' | 'unsubscribe' | 'assign'> {
  const { groups, instances } = cluster
  return {
    subscribe: (id, subscription) =>
      instances.update(id, async (instance) => {
        const subscribed = subscribe(instance, subscription)
        return { instance: await heartbeat(groups, id, subscribed), result: undefined }
      }),
    unsubscribe: (id) =>
      instances.update(id, async (instance) => {
        await leave(groups, id, instance)
        return { instance: unsubscribe(instance), result: undefined }
      }),
    assign: (id, partitions) =>
      instances.update(id, async (instance) => {
        const assigned = assign(instance, partitions)
        await checkPartitions(cluster, partitions)
        return { instance: assigned, result: undefined }
      }),
  }
}

function createReading(deps: PollDeps): Pick<ConsumerInstances, 'poll' | 'seek'> {
  const { cluster, clock } = deps
  const { groups } = cluster
  return {
    async poll(id, request, render) {
      let deadline: number | undefined
      return cluster.instances.update(id, async (before) => {
        checkPoll(before, request)
        // Once: a poll that another one overtook has waited already.
        deadline ??= clock.now() + Math.min(request.maxWaitMs, before.requestTimeoutMs)
        const ready = await commitIfDue(groups, id, await heartbeat(groups, id, before), clock.now())
        try {
          const { instance, fetched } = await pollInstance(deps, id, ready, request, deadline)
          const { answer, positions } = await render(fetched, instance)
          return { instance: moveTo(instance, positions), result: answer }
        } catch (error) {
          // What it gave up for the group is given up, though there is nothing that it can be shown.
          return { instance: ready, error }
        }
      })
    },
    seek: (id, places) =>
      cluster.instances.update(id, async (before) => {
        const instance = await heartbeat(groups, id, before)
        for (const place of places) checkAssigned(instance, place)
        const positions = await Promise.all(places.map((place) => findPosition(cluster, place)))
        return { instance: moveTo(instance, positions), result: undefined }
      }),
  }
}

function createOffsets({ groups, instances }: Cluster): Pick<ConsumerInstances, 'commit' | 'committed'> {
  return {
    commit: (id, offsets) =>
      instances.update(id, async (before) => {
        const instance = await heartbeat(groups, id, before)
        const wanted = offsets?.(instance) ?? uncommitted(instance).map(asOffset)
        const committed = await commitAll(groups, id, instance, wanted)
        const after = noteCommitted(instance, committed)
        return { instance: after, result: { instance: after, offsets: wanted } }
      }),
    async committed(id, partitions) {
      const instance = await instances.read(id)
      return groups.committedOffsets(id.groupId, undefined, partitions ?? partitionsOf(instance))
    },
  }
}

function checkName(name: string): void {
  if (isInstanceName(name)) return
  throw new KafkaError('INVALID_CONSUMER_CONFIG', 'name: expected 1 to 255 bytes of UTF-8, and not . or ..')
}

function checkPoll(instance: StoredInstance, { formats }: PollRequest): void {
  if (formats !== undefined && !formats.includes(instance.format)) {
    const message = `Consumer format ${instance.format} does not match the format that the Accept header asks for.`
    throw new KafkaError('CONSUMER_FORMAT_MISMATCH', message)
  }
  if (instance.reads !== 'none') return
  const message = 'Consumer is not subscribed to any topics or assigned any partitions.'
  throw new KafkaError('CONSUMER_ILLEGAL_STATE', message)
}

async function checkPartitions(cluster: Cluster, partitions: readonly TopicPartition[]): Promise<void> {
  const topics = Map.groupBy(partitions, ({ topicName }) => topicName)
  await Promise.all(
    Array.from(topics, async ([topicName, wanted]) => {
      const { partitionCount } = await cluster.describeTopic(topicName)
      const missing = wanted.find(({ partition }) => partition >= partitionCount)
      if (missing === undefined) return
      const message = `Topic '${topicName}' has no partition ${missing.partition}: it has ${partitionCount}.`
      throw new KafkaError('PARTITION_NOT_FOUND', message)
    }),
  )
}

async function commitAll(
  groups: Groups,
  { groupId }: InstanceId,
  instance: StoredInstance,
  offsets: readonly OffsetToCommit[],
): Promise<readonly Positioned[]> {
  if (offsets.length === 0) return []
  const outcomes = await groups.commitOffsets(groupId, memberOf(instance), offsets)
  const refused = outcomes.find(({ error }) => error !== undefined)
  if (refused?.error !== undefined) throw refused.error
  return offsets.map(({ topicName, partition, offset }) => ({ topicName, partition, position: offset }))
}

const asOffset = ({ topicName, partition, position }: Positioned): OffsetToCommit => {
  return { topicName, partition, offset: position, leaderEpoch: -1, metadata: '' }
}

/** A time after the last record means the end, where the next one will be. */
async function findPosition(cluster: Cluster, { topicName, partition, to }: Seek): Promise<Positioned> {
  if (typeof to === 'number') return { topicName, partition, position: to }
  const { offset } = await cluster.listOffsets(topicName, partition, to)
  if (offset >= 0) return { topicName, partition, position: offset }
  const end = await cluster.listOffsets(topicName, partition, { kind: 'latest' })
  return { topicName, partition, position: end.offset }
}

const randomHex = (random: Random): string => Buffer.from(random.bytes(16)).toString('hex')
