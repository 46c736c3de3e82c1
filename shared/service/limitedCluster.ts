// A cluster within its tenant's limits: what would go beyond one is refused with its name. How many topics, groups and
// instances there are is remembered for some seconds and counted on from there, so that a limit may be passed by what
// other processes make meanwhile.

import { KafkaError } from '../base/errors.ts'
import { boundOf, type LimitOverrides, limitOf, requireWithin } from '../tenants/limits.ts'
import type { ConfigOperation } from '../topics/configs.ts'
import type { Cluster } from './cluster.ts'
import { bytesOfRecords } from './recordBytes.ts'
import type { Count, TenantCounts } from './tenantCounts.ts'

export interface LimitedClusterDeps {
  /** As they are now. */
  readonly limits: () => Promise<LimitOverrides>
  readonly counts: TenantCounts
  /** num.partitions */
  readonly numPartitions: number
}

export function createLimitedCluster(cluster: Cluster, deps: LimitedClusterDeps): Cluster {
  return {
    ...cluster,
    ...limitTopics(cluster, deps),
    ...limitRecords(cluster, deps),
    groups: limitGroups(cluster, deps),
    instances: limitInstances(cluster, deps),
  }
}

type Topics = Pick<Cluster, 'createTopic' | 'createPartitions' | 'alterConfigs'>

const limitedConfigs = [
  { name: 'max.message.bytes', limit: 'message_bytes' },
  { name: 'retention.ms', limit: 'retention_ms' },
] as const

function limitTopics(cluster: Cluster, { limits, counts, numPartitions }: LimitedClusterDeps): Topics {
  const checkConfig = (overrides: LimitOverrides, name: string, value: string) => {
    const limited = limitedConfigs.find((one) => one.name === name)
    if (limited === undefined) return
    const isEndless = name === 'retention.ms' && Number(value) < 0
    requireWithin(overrides, limited.limit, isEndless ? Number.MAX_SAFE_INTEGER : Number(value))
  }
  /** The limit, where the default of what a topic does not say would be beyond it. */
  const unsaid = (overrides: LimitOverrides, name: string): string | undefined => {
    const limited = limitedConfigs.find((one) => one.name === name)
    const bound = limited && boundOf(overrides, limited.limit)
    const standard = cluster.defaultConfigs().find((one) => one.name === name)?.value
    return bound !== undefined && Number(standard) > bound ? String(bound) : undefined
  }
  const requireRoom = async (overrides: LimitOverrides, topics: number, partitions: number) => {
    const there = await counts.topics()
    requireWithin(overrides, 'topics', there.topics + topics)
    requireWithin(overrides, 'partitions', there.partitions + partitions)
  }

  return {
    async createTopic(topic) {
      const overrides = await limits()
      for (const { name, value } of topic.configs) if (value !== null) checkConfig(overrides, name, value)
      await requireRoom(overrides, 1, topic.partitionCount ?? numPartitions)
      const more = limitedConfigs.flatMap(({ name }) => {
        const value = topic.configs.some((one) => one.name === name) ? undefined : unsaid(overrides, name)
        return value === undefined ? [] : [{ name, value }]
      })
      const made = await cluster.createTopic({ ...topic, configs: [...topic.configs, ...more] })
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
      const within = operations.map((one): ConfigOperation => {
        if (one.operation === 'SET' && typeof one.value === 'string') {
          checkConfig(overrides, one.name, one.value)
        }
        const value = one.operation === 'DELETE' ? unsaid(overrides, one.name) : undefined
        return value === undefined ? one : { name: one.name, operation: 'SET', value }
      })
      return cluster.alterConfigs(name, within, validateOnly)
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
  const requireRoomFor = (groupId: string) => requireOneMore(limits, 'groups', counts.groups, groupId)
  return {
    ...groups,
    async heartbeat(request) {
      // Whoever stays is in a group that there is.
      if (request.memberEpoch === 0) await requireRoomFor(request.groupId)
      const answer = await groups.heartbeat(request)
      counts.groups.note(request.groupId)
      return answer
    },
    async commitOffsets(groupId, member, offsets) {
      if (member === undefined) await requireRoomFor(groupId)
      const outcomes = await groups.commitOffsets(groupId, member, offsets)
      counts.groups.note(groupId)
      return outcomes
    },
  }
}

const limitInstances = (
  { instances }: Cluster,
  { limits, counts }: LimitedClusterDeps,
): Cluster['instances'] => ({
  ...instances,
  async create(id, instance) {
    await requireOneMore(limits, 'consumer_instances', counts.instances, id)
    const isMade = await instances.create(id, instance)
    counts.instances.note(id)
    return isMade
  },
})

async function requireOneMore<Id>(
  limits: LimitedClusterDeps['limits'],
  name: 'groups' | 'consumer_instances',
  count: Count<Id>,
  id: Id,
): Promise<void> {
  const others = await count.beside(id)
  if (others !== undefined) requireWithin(await limits(), name, others + 1)
}
