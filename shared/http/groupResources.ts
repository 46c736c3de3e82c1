// Confluent REST v3's resources of consumer groups: groups, their members, what each of them is assigned, how far each
// partition is behind. Pure, as resources.ts is. The one logical broker coordinates every group.

import { z } from '@hono/zod-openapi'
import type { GroupDescription, MemberDescription, PartitionLag, TopicPartition } from '../service/groups.ts'
import { brokerId, metadata, metadataSchema, type Place, relationshipSchema } from './resources.ts'

const groupFields = { metadata: metadataSchema, cluster_id: z.string(), consumer_group_id: z.string() }

export const groupSchema = z
  .object({
    kind: z.literal('KafkaConsumerGroup'),
    ...groupFields,
    is_simple: z.boolean().openapi({ description: 'It never had a member: offsets alone.' }),
    partition_assignor: z.string(),
    state: z.enum(['EMPTY', 'ASSIGNING', 'RECONCILING', 'STABLE', 'DEAD']),
    type: z.literal('CONSUMER'),
    is_mixed_consumer_group: z.literal(false),
    coordinator: relationshipSchema,
    consumers: relationshipSchema,
    lag_summary: relationshipSchema,
  })
  .openapi('ConsumerGroupData')

export const consumerSchema = z
  .object({
    kind: z.literal('KafkaConsumer'),
    ...groupFields,
    consumer_id: z.string(),
    instance_id: z.string().nullable(),
    client_id: z.string(),
    assignments: relationshipSchema,
  })
  .openapi('ConsumerData')

export const assignmentSchema = z
  .object({
    kind: z.literal('KafkaConsumerAssignment'),
    ...groupFields,
    consumer_id: z.string(),
    topic_name: z.string(),
    partition_id: z.int(),
    partition: relationshipSchema,
    lag: relationshipSchema,
  })
  .openapi('ConsumerAssignmentData')

export const lagSchema = z
  .object({
    kind: z.literal('KafkaConsumerLag'),
    ...groupFields,
    topic_name: z.string(),
    partition_id: z.int(),
    consumer_id: z.string().openapi({ description: 'Empty where no member has the partition.' }),
    instance_id: z.string().nullable(),
    client_id: z.string(),
    current_offset: z.int(),
    log_end_offset: z.int(),
    lag: z.int(),
  })
  .openapi('ConsumerLagData')

export const lagSummarySchema = z
  .object({
    kind: z.literal('KafkaConsumerGroupLagSummary'),
    ...groupFields,
    max_lag_consumer_id: z.string(),
    max_lag_instance_id: z.string().nullable(),
    max_lag_client_id: z.string(),
    max_lag_topic_name: z.string(),
    max_lag_partition_id: z.int(),
    max_lag: z.int(),
    total_lag: z.int(),
    max_lag_consumer: relationshipSchema,
    max_lag_partition: relationshipSchema,
  })
  .openapi('ConsumerGroupLagSummaryData')

export function groupPath(groupId: string): string {
  return `/consumer-groups/${encodeURIComponent(groupId)}`
}

export function groupResource(place: Place, group: GroupDescription) {
  const path = groupPath(group.groupId)
  return {
    kind: 'KafkaConsumerGroup' as const,
    ...common(place, group.groupId),
    is_simple: group.isSimple,
    partition_assignor: group.assignor,
    state: group.state,
    type: 'CONSUMER' as const,
    is_mixed_consumer_group: false as const,
    coordinator: { related: `${place.url}/brokers/${brokerId}` },
    consumers: { related: `${place.url}${path}/consumers` },
    lag_summary: { related: `${place.url}${path}/lag-summary` },
  }
}

export function consumerResource(place: Place, groupId: string, member: MemberDescription) {
  const path = consumerPath(member.memberId)
  return {
    kind: 'KafkaConsumer' as const,
    ...common(place, groupId, path, `/consumer=${member.memberId}`),
    consumer_id: member.memberId,
    instance_id: member.instanceId ?? null,
    client_id: member.clientId,
    assignments: { related: `${place.url}${groupPath(groupId)}${path}/assignments` },
  }
}

export function assignmentResource(place: Place, groupId: string, memberId: string, of: TopicPartition) {
  const path = partitionPath(of)
  const crn = `/consumer=${memberId}/assignment=${of.topicName}/partition=${of.partition}`
  return {
    kind: 'KafkaConsumerAssignment' as const,
    ...common(place, groupId, `${consumerPath(memberId)}/assignments${path}`, crn),
    consumer_id: memberId,
    topic_name: of.topicName,
    partition_id: of.partition,
    partition: { related: `${place.url}/topics${path}` },
    lag: { related: `${place.url}${groupPath(groupId)}/lags${path}` },
  }
}

export function lagResource(place: Place, groupId: string, lag: PartitionLag) {
  const crn = `/lag=${lag.topicName}/partition=${lag.partition}`
  return {
    kind: 'KafkaConsumerLag' as const,
    ...common(place, groupId, `/lags${partitionPath(lag)}`, crn),
    topic_name: lag.topicName,
    partition_id: lag.partition,
    ...ownerOf(lag),
    current_offset: lag.currentOffset,
    log_end_offset: lag.logEndOffset,
    lag: lag.lag,
  }
}

/** `max`: the partition that is furthest behind. */
export function lagSummaryResource(
  place: Place,
  groupId: string,
  lags: readonly PartitionLag[],
  max: PartitionLag,
) {
  const owner = ownerOf(max)
  return {
    kind: 'KafkaConsumerGroupLagSummary' as const,
    ...common(place, groupId, '/lag-summary', '/lag-summary'),
    max_lag_consumer_id: owner.consumer_id,
    max_lag_instance_id: owner.instance_id,
    max_lag_client_id: owner.client_id,
    max_lag_topic_name: max.topicName,
    max_lag_partition_id: max.partition,
    max_lag: max.lag,
    total_lag: lags.reduce((sum, { lag }) => sum + lag, 0),
    max_lag_consumer: { related: `${place.url}${groupPath(groupId)}${consumerPath(owner.consumer_id)}` },
    max_lag_partition: { related: `${place.url}/topics${partitionPath(max)}` },
  }
}

function ownerOf({ member }: PartitionLag) {
  return {
    consumer_id: member?.memberId ?? '',
    instance_id: member?.instanceId ?? null,
    client_id: member?.clientId ?? '',
  }
}

function common(place: Place, groupId: string, path = '', crn = '') {
  return {
    metadata: metadata(place, `${groupPath(groupId)}${path}`, `/consumer-group=${groupId}${crn}`),
    cluster_id: place.clusterId,
    consumer_group_id: groupId,
  }
}

function consumerPath(memberId: string): string {
  return memberId === '' ? '/consumers' : `/consumers/${encodeURIComponent(memberId)}`
}

/** Behind `/topics`, `/lags` or `/assignments`. */
function partitionPath({ topicName, partition }: TopicPartition): string {
  return `/${encodeURIComponent(topicName)}/partitions/${partition}`
}
