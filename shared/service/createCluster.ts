// One tenant's cluster on the ports: topics, produce and fetch put together.

import { KafkaError } from '../base/errors.ts'
import type { GroupSettings } from '../groups/decide.ts'
import { createLogEnds } from '../groups/logEnds.ts'
import { createAppender } from '../log/appender.ts'
import { type BlockCache, createBlockCaches } from '../log/blockCache.ts'
import { createCommitSignal } from '../log/commitSignal.ts'
import type { LogDeps } from '../log/deps.ts'
import type { FlushSettings } from '../log/planFlush.ts'
import { createProducerIds } from '../log/producerIds.ts'
import type { TopicItem } from '../metadata/topicItem.ts'
import { type Catalog, createCatalog } from '../topics/catalog.ts'
import { alterConfigs, describeConfigs, parseOverrides } from '../topics/configs.ts'
import type { ChangedTopic, Cluster, Topic, TopicConfigs, Topics } from './cluster.ts'
import { createGroups } from './createGroups.ts'
import { createFetch, type FetchSettings } from './fetch.ts'
import { createInstanceStore } from './instanceStore.ts'
import { createProduce } from './produce.ts'
import { createScram } from './scram.ts'
import { createTopicCache, type TopicCache, unknownTopic } from './topicCache.ts'

export interface ClusterSettings {
  readonly flush: FlushSettings
  readonly fetch: FetchSettings
  readonly groups: GroupSettings
  /** num.partitions: of a topic that is created without saying how many. */
  readonly numPartitions: number
  /** auto.create.topics.enable */
  readonly autoCreateTopics: boolean
  /** How old what produce and fetch know of a topic may be. */
  readonly metadataMaxAgeMs: number
}

export interface RunningCluster extends Cluster {
  readonly numPartitions: number
  /** Resolves when everything that was asked for is stored. */
  idle(): Promise<void>
}

/** `blockCache`: of this cluster, where several of a process share the memory. */
export function createCluster(
  deps: LogDeps,
  clusterId: string,
  settings: ClusterSettings,
  blockCache: BlockCache = createBlockCaches(settings.fetch.cacheBytesMax, deps.clock)(),
): RunningCluster {
  const signal = createCommitSignal()
  const appender = createAppender(deps, settings.flush, signal)
  const catalog = createCatalog(deps)
  const hasOwnKey = async () => (await deps.tenantKeyOf?.(clusterId)) !== undefined
  const topics = createTopicCache(catalog, deps.clock, settings.metadataMaxAgeMs, hasOwnKey)
  const ends = createLogEnds()
  const produce = createProduce({ ...deps, appender, topics })
  const nextProducerId = createProducerIds(deps)
  const admin = createAdmin(catalog, topics, settings)
  const reading = createFetch({ ...deps, topics, signal, blockCache, ends }, settings.fetch)

  const ensureTopic = async (name: string) => {
    if (!settings.autoCreateTopics || (await exists(topics, name))) return
    await admin.createTopic({ name, configs: [], validateOnly: false }).catch(ignoreExisting)
  }

  return {
    clusterId,
    numPartitions: settings.numPartitions,
    acls: undefined,
    scram: createScram(deps),
    clientQuotas: undefined,
    usage: undefined,
    admitProduce: () => Promise.resolve(),
    groups: createGroups(
      { ...deps, catalog, topics, ends, listOffsets: reading.listOffsets },
      settings.groups,
      settings.metadataMaxAgeMs,
    ),
    instances: createInstanceStore(deps),
    ...admin,
    ...reading,
    async produceRecords(topicName, records, producer) {
      await ensureTopic(topicName)
      return produce.produceRecords(topicName, records, producer)
    },
    async produceBatches(topicName, partition, body) {
      await ensureTopic(topicName)
      return produce.produceBatches(topicName, partition, body)
    },
    initProducer: async () => ({ id: await nextProducerId(), epoch: 0 }),
    idle: () => appender.idle(),
  }
}

function createAdmin(catalog: Catalog, topics: TopicCache, settings: ClusterSettings): Topics {
  const describe = async (name: string) => {
    const topic = await catalog.get(name)
    if (!topic) throw unknownTopic(name)
    return topic
  }

  type Change = Parameters<Catalog['update']>[1]
  const update = async (name: string, change: Change, validateOnly: boolean): Promise<ChangedTopic> => {
    let before: TopicItem | undefined
    const noting: Change = (topic) => {
      before = topic
      return change(topic)
    }
    const after = validateOnly
      ? await describe(name).then((topic) => ({ ...topic, ...noting(topic) }))
      : await catalog.update(name, noting)
    if (!validateOnly) topics.forget(name)
    return { ...topicOf(after), overrides: after.overrides, before: before ?? after }
  }

  return {
    async createTopic(wanted) {
      const topic = {
        name: wanted.name,
        partitionCount: wanted.partitionCount ?? settings.numPartitions,
        overrides: parseOverrides(wanted.configs),
      }
      if (!wanted.validateOnly) return topicOf(await catalog.create(topic))
      await catalog.checkNew(topic)
      return topicOf({ ...topic, topicId: '', version: 0 })
    },
    listTopics: async () => (await catalog.list()).map(topicOf),
    describeTopic: async (name) => topicOf(await describe(name)),
    async deleteTopic(name) {
      await catalog.delete(name)
      topics.forget(name)
    },
    createPartitions: (name, partitionCount, validateOnly) =>
      update(name, (topic) => grow(topic, partitionCount), validateOnly),
    describeConfigs: async (name) => configsOf(await describe(name)),
    listConfigs: async () => (await catalog.list()).map(configsOf),
    alterConfigs: (name, operations, validateOnly) =>
      update(name, ({ overrides }) => ({ overrides: alterConfigs(overrides, operations) }), validateOnly),
    defaultConfigs: () => describeConfigs({}),
  }
}

const topicOf = ({ name, topicId, partitionCount }: TopicItem): Topic => ({ name, topicId, partitionCount })

const configsOf = ({ name, overrides }: TopicItem): TopicConfigs => ({
  topicName: name,
  configs: describeConfigs(overrides),
})

function grow(
  { name, partitionCount: before }: TopicItem,
  partitionCount: number,
): { partitionCount: number } {
  if (partitionCount > before) return { partitionCount }
  const message = `Topic '${name}' has ${before} partitions; ${partitionCount} would not be more.`
  throw new KafkaError('INVALID_PARTITIONS', message)
}

async function exists(topics: TopicCache, name: string): Promise<boolean> {
  try {
    await topics.get(name)
    return true
  } catch (error) {
    if (error instanceof KafkaError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION') return false
    throw error
  }
}

/** Another request created the topic first. */
function ignoreExisting(error: unknown): void {
  if (!(error instanceof KafkaError && error.code === 'TOPIC_ALREADY_EXISTS')) throw error
}
