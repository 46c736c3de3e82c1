// A cluster of which every call passes through one function: for what is counted of all of them. `topicName` is told
// where records are the matter. What a consumer instance does are calls of its own.

import type { Cluster } from './cluster.ts'
import type { Groups } from './groups.ts'

export type Around = <T>(call: () => Promise<T>, topicName?: string) => Promise<T>

export function aroundCalls(cluster: Cluster, around: Around): Cluster {
  return {
    ...cluster,
    groups: aroundGroups(cluster.groups, around),
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
