// Heartbeats, commits and committed offsets as the service writes them. A heartbeat says all that there is to say:
// what the service missed is said again by the next one.

import { type HeartbeatAnswer, type Membership, tokenToRepeat } from './membership.ts'
import { byTopic, type TopicPartition } from './topicPartition.ts'

export interface Subscription {
  readonly topics?: readonly string[] | undefined
  /** RE2; matches whole names. */
  readonly pattern?: string | undefined
  readonly instanceId?: string | undefined
  readonly clientId: string
  readonly rebalanceTimeoutMs: number
}

export interface HeartbeatWire {
  readonly member_epoch: number
  readonly heartbeat_interval_ms: number
  readonly assignment: {
    readonly topic_partitions: readonly {
      readonly topic_name: string
      readonly partitions: readonly number[]
    }[]
  } | null
  readonly assignment_token?: string | null
}

export function heartbeatBody(membership: Membership, subscription: Subscription): string {
  const { memberId, epoch, owned } = membership
  const { topics, pattern, instanceId, clientId, rebalanceTimeoutMs } = subscription
  return JSON.stringify({
    member_id: memberId,
    member_epoch: epoch,
    instance_id: instanceId,
    client_id: clientId,
    rebalance_timeout_ms: rebalanceTimeoutMs,
    subscribed_topic_names: topics,
    subscribed_topic_regex: pattern,
    assignment_token: tokenToRepeat(membership),
    topic_partitions: Array.from(byTopic(owned), ([topic, some]) => ({
      topic_name: topic,
      partitions: some.map(({ partition }) => partition),
    })),
  })
}

/** A static member comes back soon: its partitions wait for it. */
export function leaveBody({ memberId }: Membership, { instanceId }: Subscription): string {
  const epoch = instanceId === undefined ? -1 : -2
  return JSON.stringify({ member_id: memberId, member_epoch: epoch, instance_id: instanceId })
}

export function parseHeartbeat({
  member_epoch,
  assignment,
  assignment_token,
}: HeartbeatWire): HeartbeatAnswer {
  return {
    epoch: member_epoch,
    assignment: assignment?.topic_partitions.flatMap(({ topic_name: topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    ),
    token: assignment_token ?? undefined,
  }
}

export interface PlaceWire {
  readonly topic_name: string
  readonly partition_id: number
}

export const placeWire = ({ topic, partition }: TopicPartition): PlaceWire => ({
  topic_name: topic,
  partition_id: partition,
})

export const placeOf = ({ topic_name, partition_id }: PlaceWire): TopicPartition => ({
  topic: topic_name,
  partition: partition_id,
})
