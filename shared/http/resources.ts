// Confluent REST v3's resources: `kind`, `metadata` with the address and the CRN, then fields and links to
// related resources. Pure: a resource is made from what the service answered and from where the cluster
// stands. The storage replicates, not brokers: one logical broker leads every partition and holds its one
// replica.

import { z } from '@hono/zod-openapi'
import type { Topic } from '../service/cluster.ts'
import type { ConfigEntry } from '../topics/configs.ts'
import { isInternalTopic } from '../topics/names.ts'

export const brokerId = 1
const replicationFactor = 1

/** A cluster and its URL. */
export interface Place {
  readonly clusterId: string
  readonly url: string
}

export const metadataSchema = z
  .object({ self: z.string(), resource_name: z.string().nullable() })
  .openapi('ResourceMetadata')
const listMetadataSchema = z
  .object({ self: z.string(), next: z.string().nullable() })
  .openapi('ResourceCollectionMetadata')
export const relationshipSchema = z.object({ related: z.string() }).openapi('Relationship')

export const clusterSchema = z
  .object({
    kind: z.literal('KafkaCluster'),
    metadata: metadataSchema,
    cluster_id: z.string(),
    controller: relationshipSchema,
    acls: relationshipSchema,
    brokers: relationshipSchema,
    broker_configs: relationshipSchema,
    consumer_groups: relationshipSchema,
    topics: relationshipSchema,
    partition_reassignments: relationshipSchema,
  })
  .openapi('ClusterData')

export const brokerSchema = z
  .object({
    kind: z.literal('KafkaBroker'),
    metadata: metadataSchema,
    cluster_id: z.string(),
    broker_id: z.int(),
    host: z.string().nullable().openapi({ description: 'null: nobody connects to the logical broker.' }),
    port: z.int().nullable(),
    rack: z.string().nullable(),
    configs: relationshipSchema,
    partition_replicas: relationshipSchema,
  })
  .openapi('BrokerData')

export const topicSchema = z
  .object({
    kind: z.literal('KafkaTopic'),
    metadata: metadataSchema,
    cluster_id: z.string(),
    topic_name: z.string(),
    is_internal: z.boolean(),
    replication_factor: z.int().openapi({ description: 'Always 1: the storage below replicates.' }),
    partitions_count: z.int(),
    partitions: relationshipSchema,
    configs: relationshipSchema,
    partition_reassignments: relationshipSchema,
    authorized_operations: z.array(z.string()).optional(),
  })
  .openapi('TopicData')

export const topicConfigSchema = z
  .object({
    kind: z.literal('KafkaTopicConfig'),
    metadata: metadataSchema,
    cluster_id: z.string(),
    topic_name: z.string(),
    name: z.string(),
    value: z.string().nullable(),
    is_default: z.boolean(),
    is_read_only: z.boolean(),
    is_sensitive: z.boolean(),
    source: z.string(),
    synonyms: z.array(z.object({ name: z.string(), value: z.string().nullable(), source: z.string() })),
  })
  .openapi('TopicConfigData')

const partitionFields = {
  kind: z.literal('KafkaPartition'),
  metadata: metadataSchema,
  cluster_id: z.string(),
  topic_name: z.string(),
  partition_id: z.int(),
  leader: relationshipSchema,
  replicas: relationshipSchema,
  reassignment: relationshipSchema,
}

export const partitionSchema = z.object(partitionFields).openapi('PartitionData')

export const partitionOffsetSchema = z
  .object({
    ...partitionFields,
    earliest_offset: z.int().optional(),
    latest_offset: z.int().optional(),
    offset: z.int().optional().openapi({ description: '-1 where there is no such record.' }),
    timestamp: z.int().optional().openapi({ description: 'Of that record; -1 where it is not asked for.' }),
  })
  .openapi('PartitionOffsetData')

export const replicaSchema = z
  .object({
    kind: z.literal('KafkaReplica'),
    metadata: metadataSchema,
    cluster_id: z.string(),
    topic_name: z.string(),
    partition_id: z.int(),
    broker_id: z.int(),
    is_leader: z.boolean(),
    is_in_sync: z.boolean(),
    broker: relationshipSchema,
  })
  .openapi('ReplicaData')

/** The schema of a list; `kind` names its OpenAPI component too, as in KafkaTopicList -> TopicDataList. */
export function listSchema<K extends string, S extends z.ZodType>(kind: K, name: string, item: S) {
  return z.object({ kind: z.literal(kind), metadata: listMetadataSchema, data: z.array(item) }).openapi(name)
}

/** A list is always whole: there is no next page. */
export function listResource<K extends string, T>(kind: K, self: string, data: T[]) {
  return { kind, metadata: { self, next: null }, data }
}

export function clusterResource(place: Place) {
  const related = (path: string) => ({ related: `${place.url}/${path}` })
  return {
    kind: 'KafkaCluster' as const,
    metadata: metadata(place, ''),
    cluster_id: place.clusterId,
    controller: related(`brokers/${brokerId}`),
    acls: related('acls'),
    brokers: related('brokers'),
    broker_configs: related('broker-configs'),
    consumer_groups: related('consumer-groups'),
    topics: related('topics'),
    partition_reassignments: related('topics/-/partitions/-/reassignment'),
  }
}

export function brokerResource(place: Place) {
  const path = `/brokers/${brokerId}`
  return {
    kind: 'KafkaBroker' as const,
    metadata: metadata(place, path, `/broker=${brokerId}`),
    cluster_id: place.clusterId,
    broker_id: brokerId,
    host: null,
    port: null,
    rack: null,
    configs: { related: `${place.url}${path}/configs` },
    partition_replicas: { related: `${place.url}${path}/partition-replicas` },
  }
}

export function topicResource(place: Place, topic: Topic) {
  const path = topicPath(topic.name)
  return {
    kind: 'KafkaTopic' as const,
    metadata: metadata(place, path, `/topic=${topic.name}`),
    cluster_id: place.clusterId,
    topic_name: topic.name,
    is_internal: isInternalTopic(topic.name),
    replication_factor: replicationFactor,
    partitions_count: topic.partitionCount,
    partitions: { related: `${place.url}${path}/partitions` },
    configs: { related: `${place.url}${path}/configs` },
    partition_reassignments: { related: `${place.url}${path}/partitions/-/reassignment` },
  }
}

export function topicConfigResource(place: Place, topicName: string, entry: ConfigEntry) {
  const { name, value, isDefault, isReadOnly, isSensitive, source, synonyms } = entry
  const path = `${topicPath(topicName)}/configs/${name}`
  return {
    kind: 'KafkaTopicConfig' as const,
    metadata: metadata(place, path, `/topic=${topicName}/config=${name}`),
    cluster_id: place.clusterId,
    topic_name: topicName,
    name,
    value,
    is_default: isDefault,
    is_read_only: isReadOnly,
    is_sensitive: isSensitive,
    source,
    synonyms: [...synonyms],
  }
}

export function partitionResource(place: Place, topicName: string, partition: number) {
  const path = `${topicPath(topicName)}/partitions/${partition}`
  return {
    kind: 'KafkaPartition' as const,
    metadata: metadata(place, path, `/topic=${topicName}/partition=${partition}`),
    cluster_id: place.clusterId,
    topic_name: topicName,
    partition_id: partition,
    leader: { related: `${place.url}${path}/replicas/${brokerId}` },
    replicas: { related: `${place.url}${path}/replicas` },
    reassignment: { related: `${place.url}${path}/reassignment` },
  }
}

export function replicaResource(place: Place, topicName: string, partition: number) {
  const path = `${topicPath(topicName)}/partitions/${partition}/replicas/${brokerId}`
  return {
    kind: 'KafkaReplica' as const,
    metadata: metadata(place, path, `/topic=${topicName}/partition=${partition}/replica=${brokerId}`),
    cluster_id: place.clusterId,
    topic_name: topicName,
    partition_id: partition,
    broker_id: brokerId,
    is_leader: true,
    is_in_sync: true,
    broker: { related: `${place.url}/brokers/${brokerId}` },
  }
}

export function topicPath(topicName: string): string {
  return `/topics/${encodeURIComponent(topicName)}`
}

export function metadata(place: Place, path: string, crn = '') {
  return { self: `${place.url}${path}`, resource_name: `crn:///kafka=${place.clusterId}${crn}` }
}
