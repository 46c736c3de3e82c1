// A cluster as one caller may use it: every call asks for the rights that Kafka's documentation names for it, before
// anything else. What a caller may not describe it cannot tell from what is not there: lists leave it out, and a call
// that names it is refused before it is looked for.

import { type ErrorName, KafkaError } from '../base/errors.ts'
import { type AskedOperation, clusterResource, type Resource, type ResourceType } from '../security/acl.ts'
import type { Acls, Cluster } from './cluster.ts'
import type { Groups, TopicPartition } from './groups.ts'
import type { InstanceStore } from './instanceStore.ts'

/** What one caller may do in one cluster. */
export interface Rights {
  isAllowed(operation: AskedOperation, resource: Resource): boolean
  /** On any resource of the type. */
  isAllowedSomewhere(operation: AskedOperation, type: ResourceType): boolean
}

export function createAuthorizedCluster(cluster: Cluster, acls: Acls, rights: Rights): Cluster {
  const ask = createAsk(rights)
  return {
    clusterId: cluster.clusterId,
    ...authorizeTopics(cluster, ask),
    ...authorizeRecords(cluster, ask, rights),
    groups: authorizeGroups(cluster.groups, ask),
    acls: authorizeAcls(acls, ask),
    instances: authorizeInstances(cluster.instances, ask),
  }
}

/** The questions; `require…` refuse where the answer is no. */
interface Ask {
  topic(operation: AskedOperation, name: string): boolean
  requireTopic(operation: AskedOperation, name: string): void
  requireGroup(operation: AskedOperation, groupId: string): void
  cluster(operation: AskedOperation): boolean
  requireCluster(operation: AskedOperation): void
  group(operation: AskedOperation, groupId: string): boolean
}

function createAsk({ isAllowed }: Rights): Ask {
  const topic = (operation: AskedOperation, name: string) => isAllowed(operation, { type: 'TOPIC', name })
  const group = (operation: AskedOperation, name: string) => isAllowed(operation, { type: 'GROUP', name })
  return {
    topic,
    group,
    cluster: (operation) => isAllowed(operation, clusterResource),
    requireCluster(operation) {
      if (isAllowed(operation, clusterResource)) return
      throw refused('CLUSTER_AUTHORIZATION_FAILED', 'Not authorized for this cluster.')
    },
    requireTopic(operation, name) {
      if (!topic(operation, name)) throw topicRefused(name)
    },
    requireGroup(operation, groupId) {
      if (!group(operation, groupId))
        throw refused('GROUP_AUTHORIZATION_FAILED', `Not authorized to access group ${groupId}.`)
    },
  }
}

const refused = (code: ErrorName, message: string): KafkaError => new KafkaError(code, message)

const topicRefused = (name: string): KafkaError =>
  refused('TOPIC_AUTHORIZATION_FAILED', `Not authorized to access topic ${name}.`)

type Topics = Pick<
  Cluster,
  | 'createTopic'
  | 'listTopics'
  | 'describeTopic'
  | 'deleteTopic'
  | 'createPartitions'
  | 'describeConfigs'
  | 'listConfigs'
  | 'alterConfigs'
  | 'defaultConfigs'
>

function authorizeTopics(cluster: Cluster, ask: Ask): Topics {
  return {
    async createTopic(topic) {
      if (!ask.cluster('CREATE')) ask.requireTopic('CREATE', topic.name)
      return cluster.createTopic(topic)
    },
    listTopics: async () => (await cluster.listTopics()).filter(({ name }) => ask.topic('DESCRIBE', name)),
    async describeTopic(name) {
      ask.requireTopic('DESCRIBE', name)
      return cluster.describeTopic(name)
    },
    async deleteTopic(name) {
      ask.requireTopic('DELETE', name)
      return cluster.deleteTopic(name)
    },
    async createPartitions(name, partitionCount, validateOnly) {
      ask.requireTopic('ALTER', name)
      return cluster.createPartitions(name, partitionCount, validateOnly)
    },
    async describeConfigs(name) {
      ask.requireTopic('DESCRIBE_CONFIGS', name)
      return cluster.describeConfigs(name)
    },
    listConfigs: async () =>
      (await cluster.listConfigs()).filter(({ topicName }) => ask.topic('DESCRIBE_CONFIGS', topicName)),
    async alterConfigs(name, operations, validateOnly) {
      ask.requireTopic('ALTER_CONFIGS', name)
      return cluster.alterConfigs(name, operations, validateOnly)
    },
    // What any new topic begins with, the same for everybody.
    defaultConfigs: () => cluster.defaultConfigs(),
  }
}

type Records = Pick<
  Cluster,
  'produceRecords' | 'produceBatches' | 'initProducer' | 'fetch' | 'listOffsets' | 'deleteRecords'
>

function authorizeRecords(cluster: Cluster, ask: Ask, rights: Rights): Records {
  return {
    async produceRecords(topicName, records, producer) {
      ask.requireTopic('WRITE', topicName)
      return cluster.produceRecords(topicName, records, producer)
    },
    async produceBatches(topicName, partition, body) {
      ask.requireTopic('WRITE', topicName)
      return cluster.produceBatches(topicName, partition, body)
    },
    async initProducer() {
      // Since KIP-679 who may write to any topic needs no right of its own.
      if (!ask.cluster('IDEMPOTENT_WRITE') && !rights.isAllowedSomewhere('WRITE', 'TOPIC')) {
        throw refused('CLUSTER_AUTHORIZATION_FAILED', 'Not authorized to write to any topic of this cluster.')
      }
      return cluster.initProducer()
    },
    async fetch(request) {
      ask.requireTopic('READ', request.topicName)
      return cluster.fetch(request)
    },
    async listOffsets(topicName, partition, spec) {
      ask.requireTopic('DESCRIBE', topicName)
      return cluster.listOffsets(topicName, partition, spec)
    },
    async deleteRecords(topicName, partition, beforeOffset) {
      ask.requireTopic('DELETE', topicName)
      return cluster.deleteRecords(topicName, partition, beforeOffset)
    },
  }
}

/** Who may read as a group may use its instances; what they read and commit is asked for when they do. */
function authorizeInstances(instances: InstanceStore, { requireGroup }: Ask): InstanceStore {
  return {
    async create(id, instance) {
      requireGroup('READ', id.groupId)
      return instances.create(id, instance)
    },
    async read(id) {
      requireGroup('READ', id.groupId)
      return instances.read(id)
    },
    async update(id, change) {
      requireGroup('READ', id.groupId)
      return instances.update(id, change)
    },
    async delete(id, before) {
      requireGroup('READ', id.groupId)
      return instances.delete(id, before)
    },
  }
}

function authorizeGroups(groups: Groups, ask: Ask): Groups {
  return {
    async heartbeat(request) {
      ask.requireGroup('READ', request.groupId)
      for (const name of request.subscribedTopicNames ?? []) ask.requireTopic('DESCRIBE', name)
      // Its answer names topics that the caller did not.
      if (request.subscribedTopicRegex) ask.requireTopic('DESCRIBE', '*')
      return groups.heartbeat(request)
    },
    async listGroups() {
      const listed = await groups.listGroups()
      return ask.cluster('DESCRIBE') ? listed : listed.filter(({ groupId }) => ask.group('DESCRIBE', groupId))
    },
    async describeGroup(groupId) {
      ask.requireGroup('DESCRIBE', groupId)
      return groups.describeGroup(groupId)
    },
    async deleteGroup(groupId) {
      ask.requireGroup('DELETE', groupId)
      return groups.deleteGroup(groupId)
    },
    async commitOffsets(groupId, member, offsets) {
      ask.requireGroup('READ', groupId)
      return onReadable(ask, offsets, (readable) => groups.commitOffsets(groupId, member, readable))
    },
    async committedOffsets(groupId, member, partitions) {
      ask.requireGroup('DESCRIBE', groupId)
      for (const { topicName } of partitions ?? []) ask.requireTopic('DESCRIBE', topicName)
      const committed = await groups.committedOffsets(groupId, member, partitions)
      return committed.filter(({ topicName }) => ask.topic('DESCRIBE', topicName))
    },
    async deleteOffsets(groupId, partitions) {
      ask.requireGroup('DELETE', groupId)
      return onReadable(ask, partitions, (readable) => groups.deleteOffsets(groupId, readable))
    },
    async resetOffsets(request) {
      ask.requireGroup('READ', request.groupId)
      const topicNames =
        request.topics?.map(({ topicName }) => topicName) ??
        (await groups.committedOffsets(request.groupId, undefined, undefined)).map(
          ({ topicName }) => topicName,
        )
      for (const name of topicNames) ask.requireTopic('READ', name)
      return groups.resetOffsets(request)
    },
    async lags(groupId) {
      ask.requireGroup('DESCRIBE', groupId)
      return (await groups.lags(groupId)).filter(({ topicName }) => ask.topic('DESCRIBE', topicName))
    },
  }
}

function authorizeAcls(acls: Acls, ask: Ask): Acls {
  return {
    async list(filter) {
      ask.requireCluster('DESCRIBE')
      return acls.list(filter)
    },
    async create(bindings) {
      ask.requireCluster('ALTER')
      return acls.create(bindings)
    },
    async delete(filter) {
      ask.requireCluster('ALTER')
      return acls.delete(filter)
    },
  }
}

type Outcome = TopicPartition & { readonly error: KafkaError | undefined }

/** Of partitions that may not be read each is refused alone; outcomes come in the order of what was asked. */
async function onReadable<P extends TopicPartition>(
  ask: Ask,
  partitions: readonly P[],
  work: (readable: readonly P[]) => Promise<readonly Outcome[]>,
): Promise<readonly Outcome[]> {
  const readable = partitions.filter(({ topicName }) => ask.topic('READ', topicName))
  const none = readable.length === 0 && partitions.length > 0
  const outcomes = (none ? [] : await work(readable))[Symbol.iterator]()
  const isReadable = new Set(readable)
  return partitions.flatMap((wanted) => {
    const { topicName, partition } = wanted
    if (!isReadable.has(wanted)) return [{ topicName, partition, error: topicRefused(topicName) }]
    const { value } = outcomes.next()
    return value === undefined ? [] : [value]
  })
}
