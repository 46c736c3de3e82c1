// A cluster as one caller may use it: every call asks for the rights that Kafka's documentation names for it, before
// anything else. What a caller may not describe it cannot tell from what is not there: lists leave it out, and a call
// that names it is refused before it is looked for.

import { clusterResource } from '../security/acl.ts'
import { isInternalTopic } from '../topics/names.ts'
import { type Ask, createAsk, isGranted, RefusedError, type Rights } from './ask.ts'
import { authorizeGroups, authorizeInstances } from './authorizedGroups.ts'
import type { Acls, ClientQuotas, Cluster, Topics } from './cluster.ts'
import type { Scram } from './scram.ts'

export function createAuthorizedCluster(cluster: Cluster, rights: Rights): Cluster {
  const ask = createAsk(rights)
  return {
    clusterId: cluster.clusterId,
    ...authorizeTopics(cluster, ask),
    ...authorizeRecords(cluster, ask, rights),
    groups: authorizeGroups(cluster.groups, ask),
    acls: cluster.acls && authorizeAcls(cluster.acls, ask),
    clientQuotas: cluster.clientQuotas && authorizeQuotas(cluster.clientQuotas, ask),
    usage: cluster.usage && authorizeUsage(cluster.usage, ask),
    scram: authorizeScram(cluster.scram, ask),
    instances: authorizeInstances(cluster.instances, ask),
  }
}

function authorizeTopics(cluster: Cluster, ask: Ask): Topics {
  return {
    async createTopic(topic) {
      if (isInternalTopic(topic.name) || !ask.cluster('CREATE')) ask.requireTopic('CREATE', topic.name)
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
  | 'admitProduce'
  | 'produceRecords'
  | 'produceBatches'
  | 'initProducer'
  | 'fetch'
  | 'listOffsets'
  | 'deleteRecords'
>

function authorizeRecords(cluster: Cluster, ask: Ask, rights: Rights): Records {
  return {
    async admitProduce(topicName) {
      ask.requireTopic('WRITE', topicName)
      return cluster.admitProduce(topicName)
    },
    async produceRecords(topicName, records, producer) {
      await requireNow(rights, 'WRITE', topicName)
      return cluster.produceRecords(topicName, records, producer)
    },
    async produceBatches(topicName, partition, body) {
      ask.requireTopic('WRITE', topicName)
      return cluster.produceBatches(topicName, partition, body)
    },
    async initProducer() {
      const decision = rights.decide('IDEMPOTENT_WRITE', clusterResource)
      // Since KIP-679 who may write to any topic needs no right of its own.
      if (!isGranted(decision) && !rights.isAllowedSomewhere('WRITE', 'TOPIC')) {
        const message = 'Not authorized to write to any topic of this cluster.'
        const denied = { operation: 'IDEMPOTENT_WRITE', resource: clusterResource, decision } as const
        throw new RefusedError('CLUSTER_AUTHORIZATION_FAILED', message, denied)
      }
      return cluster.initProducer()
    },
    async fetch(request) {
      await requireNow(rights, 'READ', request.topicName)
      const fetched = await cluster.fetch(request)
      // Whoever has waited for it may have lost the right meanwhile.
      await requireNow(rights, 'READ', request.topicName)
      return fetched
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

/** A stream of records or events is one request that goes on for long: a right that is taken away ends it. */
async function requireNow(rights: Rights, operation: 'READ' | 'WRITE', topicName: string): Promise<void> {
  createAsk(await rights.renewed()).requireTopic(operation, topicName)
}

function authorizeScram(scram: Scram, ask: Ask): Scram {
  return {
    async describe() {
      ask.requireCluster('DESCRIBE')
      return scram.describe()
    },
    async alter(upsertions, deletions) {
      ask.requireCluster('ALTER')
      return scram.alter(upsertions, deletions)
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

function authorizeQuotas(quotas: ClientQuotas, ask: Ask): ClientQuotas {
  return {
    async describe(filter) {
      ask.requireCluster('DESCRIBE_CONFIGS')
      return quotas.describe(filter)
    },
    async alter(alterations, validateOnly) {
      ask.requireCluster('ALTER_CONFIGS')
      return quotas.alter(alterations, validateOnly)
    },
  }
}

const authorizeUsage =
  (usage: NonNullable<Cluster['usage']>, ask: Ask): NonNullable<Cluster['usage']> =>
  async (fromMs, toMs) => {
    ask.requireCluster('DESCRIBE')
    return usage(fromMs, toMs)
  }
