// A cluster of which every call passes through one function: for what is counted of all of them. `topicName` is told
// where records are the matter. To find a consumer instance is a call; what is then done for it are calls of their own.

import type { Acls, ClientQuotas, Cluster } from './cluster.ts'
import type { Groups } from './groups.ts'
import type { InstanceStore } from './instanceStore.ts'
import type { Scram } from './scram.ts'

export type Around = <T>(call: () => Promise<T>, topicName?: string) => Promise<T>

export function aroundCalls(cluster: Cluster, around: Around): Cluster {
  const { acls, clientQuotas, usage } = cluster
  return {
    ...cluster,
    groups: aroundGroups(cluster.groups, around),
    acls: acls && aroundAcls(acls, around),
    usage: usage && ((fromMs, toMs) => around(() => usage(fromMs, toMs))),
    clientQuotas: clientQuotas && aroundQuotas(clientQuotas, around),
    scram: aroundScram(cluster.scram, around),
    instances: aroundInstances(cluster.instances, around),
    createTopic: (topic) => around(() => cluster.createTopic(topic)),
    listTopics: () => around(() => cluster.listTopics()),
    describeTopic: (name) => around(() => cluster.describeTopic(name)),
    deleteTopic: (name) => around(() => cluster.deleteTopic(name)),
    createPartitions: (name, count, validateOnly) =>
      around(() => cluster.createPartitions(name, count, validateOnly)),
    describeConfigs: (name) => around(() => cluster.describeConfigs(name)),
    listConfigs: () => around(() => cluster.listConfigs()),
    alterConfigs: (name, operations, validateOnly) =>
      around(() => cluster.alterConfigs(name, operations, validateOnly)),
    produceRecords: (topicName, records, producer) =>
      around(() => cluster.produceRecords(topicName, records, producer), topicName),
    produceBatches: (topicName, partition, body) =>
      around(() => cluster.produceBatches(topicName, partition, body), topicName),
    initProducer: () => around(() => cluster.initProducer()),
    fetch: (request) => around(() => cluster.fetch(request), request.topicName),
    listOffsets: (topicName, partition, spec) =>
      around(() => cluster.listOffsets(topicName, partition, spec)),
    deleteRecords: (topicName, partition, beforeOffset) =>
      around(() => cluster.deleteRecords(topicName, partition, beforeOffset)),
  }
}

const aroundGroups = (groups: Groups, around: Around): Groups => ({
  heartbeat: (request) => around(() => groups.heartbeat(request)),
  listGroups: () => around(() => groups.listGroups()),
  describeGroup: (groupId) => around(() => groups.describeGroup(groupId)),
  deleteGroup: (groupId) => around(() => groups.deleteGroup(groupId)),
  commitOffsets: (groupId, member, offsets) => around(() => groups.commitOffsets(groupId, member, offsets)),
  committedOffsets: (groupId, member, partitions) =>
    around(() => groups.committedOffsets(groupId, member, partitions)),
  deleteOffsets: (groupId, partitions) => around(() => groups.deleteOffsets(groupId, partitions)),
  resetOffsets: (request) => around(() => groups.resetOffsets(request)),
  lags: (groupId) => around(() => groups.lags(groupId)),
})

const aroundAcls = (acls: Acls, around: Around): Acls => ({
  list: (filter) => around(() => acls.list(filter)),
  create: (bindings) => around(() => acls.create(bindings)),
  delete: (filter) => around(() => acls.delete(filter)),
})

const aroundQuotas = (quotas: ClientQuotas, around: Around): ClientQuotas => ({
  describe: (filter) => around(() => quotas.describe(filter)),
  alter: (alterations, validateOnly) => around(() => quotas.alter(alterations, validateOnly)),
})

const aroundScram = (scram: Scram, around: Around): Scram => ({
  describe: () => around(() => scram.describe()),
  alter: (upsertions, deletions) => around(() => scram.alter(upsertions, deletions)),
})

const aroundInstances = (instances: InstanceStore, around: Around): InstanceStore => ({
  create: (id, instance) => around(() => instances.create(id, instance)),
  read: (id) => around(() => instances.read(id)),
  update: (id, change) =>
    aroundBeginning(around, (begin) =>
      instances.update(id, (instance) => {
        begin()
        return change(instance)
      }),
    ),
  delete: (id, before) =>
    aroundBeginning(around, (begin) =>
      instances.delete(id, (instance) => {
        begin()
        return before(instance)
      }),
    ),
})

/** Until it says so, or ends before it has. */
async function aroundBeginning<T>(around: Around, call: (begin: () => void) => Promise<T>): Promise<T> {
  const { running } = await around(async () => {
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const running = call(begin)
    await Promise.race([begun, running])
    // Not the promise itself, which would be waited for.
    return { running }
  })
  return running
}
