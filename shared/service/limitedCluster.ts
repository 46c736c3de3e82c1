// A cluster within its tenant's limits: what would go beyond one is refused with its name. How many topics and groups
// there are is remembered for some seconds and counted on from there, so that a limit may be passed by what other
// processes make meanwhile.

import { KafkaError } from '../base/errors.ts'
import { type LimitOverrides, limitOf, requireWithin } from '../tenants/limits.ts'
import type { Cluster } from './cluster.ts'
import { bytesOfRecords } from './recordBytes.ts'
import type { TenantCounts } from './tenantCounts.ts'

export interface LimitedClusterDeps {
  /** As they are now. */
  readonly limits: () => Promise<LimitOverrides>
  readonly counts: TenantCounts
}

export function createLimitedCluster(cluster: Cluster, deps: LimitedClusterDeps): Cluster {
  return {
    ...cluster,
    ...limitTopics(cluster, deps),
    ...limitRecords(cluster, deps),
    groups: limitGroups(cluster, deps),
  }
}

type Topics = Pick<Cluster, 'createTopic' | 'createPartitions' | 'alterConfigs'>

function limitTopics(cluster: Cluster, { limits, counts }: LimitedClusterDeps): Topics {
  const defaultOf = (name: string) => cluster.defaultConfigs().find((one) => one.name === name)?.value
  const checkConfig = (overrides: LimitOverrides, name: string, value: string | undefined) => {
    const number = Number(value ?? defaultOf(name))
    if (name === 'max.message.bytes') requireWithin(overrides, 'message_bytes', number)
    if (name === 'retention.ms')
      requireWithin(overrides, 'retention_ms', number < 0 ? Number.MAX_SAFE_INTEGER : number)
  }
  const requireRoom = async (overrides: LimitOverrides, topics: number, partitions: number) => {
    const there = await counts.topics()
    requireWithin(overrides, 'topics', there.topics + topics)
    requireWithin(overrides, 'partitions', there.partitions + partitions)
  }

  return {
    async createTopic(topic) {
      const overrides = await limits()
      for (const name of ['max.message.bytes', 'retention.ms']) {
        checkConfig(overrides, name, topic.configs.find((one) => one.name === name)?.value ?? undefined)
      }
      await requireRoom(overrides, 1, topic.partitionCount ?? 1)
      const made = await cluster.createTopic(topic)
      if (!topic.validateOnly) counts.noteTopics(1, made.partitionCount)
      return made
    },
    async createPartitions(name, partitionCount, validateOnly) {
      const before = (await cluster.describeTopic(name)).partitionCount
      await requireRoom(await limits(), 0, partitionCount - before)
      const topic = await cluster.createPartitions(name, partitionCount, validateOnly)
      if (!validateOnly) counts.noteTopics(0, partitionCount - before)
      return topic
    },
    async alterConfigs(name, operations, validateOnly) {
      const overrides = await limits()
      for (const { name: config, operation, value } of operations) {
        checkConfig(overrides, config, operation === 'SET' ? (value ?? undefined) : undefined)
      }
      return cluster.alterConfigs(name, operations, validateOnly)
    },
  }
}

type Records = Pick<Cluster, 'produceRecords' | 'produceBatches'>

function limitRecords(cluster: Cluster, { limits }: LimitedClusterDeps): Records {
  const requireSize = async (bytes: number) => {
    const bytesMax = limitOf(await limits(), 'request_bytes')
    if (bytes <= bytesMax) return
    const message = `The limit request_bytes of this cluster is ${bytesMax}: the request has ${bytes} bytes of records.`
    throw new KafkaError('RECORD_LIST_TOO_LARGE', message)
  }
  return {
    async produceRecords(topicName, records, producer) {
      await requireSize(bytesOfRecords(records))
      return cluster.produceRecords(topicName, records, producer)
    },
    async produceBatches(topicName, partition, body) {
      await requireSize(body.length)
      return cluster.produceBatches(topicName, partition, body)
    },
  }
}

function limitGroups({ groups }: Cluster, { limits, counts }: LimitedClusterDeps): Cluster['groups'] {
  const requireRoomFor = async (groupId: string) => {
    const others = await counts.groupsBeside(groupId)
    if (others !== undefined) requireWithin(await limits(), 'groups', others + 1)
  }
  return {
    ...groups,
    async heartbeat(request) {
      // Whoever stays is in a group that there is.
      if (request.memberEpoch === 0) await requireRoomFor(request.groupId)
      const answer = await groups.heartbeat(request)
      counts.noteGroup(request.groupId)
      return answer
    },
    async commitOffsets(groupId, member, offsets) {
      if (member === undefined) await requireRoomFor(groupId)
      const outcomes = await groups.commitOffsets(groupId, member, offsets)
      counts.noteGroup(groupId)
      return outcomes
    },
  }
}
