// Short words for tests of the group engine: facts, requests, and a consumer that heartbeats by the rules of KIP-848
// and owns what it was told.
import { KafkaError } from '../../shared/base/errors.ts'
import { decide, type Facts, type GroupSettings } from '../../shared/groups/decide.ts'
import type { HeartbeatAnswer, HeartbeatRequest, TopicPartition } from '../../shared/groups/heartbeat.ts'
import type { Assignment, StoredGroup } from '../../shared/metadata/groupState.ts'

export const groupSettings: GroupSettings = {
  heartbeatIntervalMs: 5_000,
  sessionTimeoutMs: 45_000,
  membersMax: 1_000,
}

/** `topics`: partition counts by name; a topic's id is its name and `-id`. */
export const factsOf = (
  topics: Readonly<Record<string, number>>,
  nowMs: number,
  seen: ReadonlyMap<number, number> = new Map(),
): Facts => ({
  nowMs,
  settings: groupSettings,
  topics: new Map(
    Object.entries(topics).map(([name, partitionCount]) => [name, { topicId: `${name}-id`, partitionCount }]),
  ),
  lastSeen: (slot) => seen.get(slot),
})

export const heartbeat = (
  memberId: string,
  memberEpoch: number,
  more: Partial<HeartbeatRequest> = {},
): HeartbeatRequest => ({ memberId, memberEpoch, clientId: 'c', clientHost: 'h', ...more })

export const joinRequest = (memberId: string, more: Partial<HeartbeatRequest> = {}): HeartbeatRequest =>
  heartbeat(memberId, 0, {
    rebalanceTimeoutMs: 60_000,
    topicPartitions: [],
    ...(more.subscribedTopicRegex === undefined ? { subscribedTopicNames: ['t'] } : {}),
    ...more,
  })

/** Partitions as `t-0`, sorted. */
export const text = (partitions: readonly TopicPartition[]): string[] =>
  partitions.map(({ topicName, partition }) => `${topicName}-${partition}`).sort()

export const textOf = (assignment: Assignment | undefined): string[] =>
  [...(assignment ?? [])]
    .flatMap(([topicId, list]) => list.map((p) => `${topicId.replace(/-id$/, '')}-${p}`))
    .sort()

/** One request decided on a group; a refusal is thrown. */
export function decideOne(
  group: StoredGroup,
  request: HeartbeatRequest,
  facts: Facts,
): { readonly group: StoredGroup; readonly answer: HeartbeatAnswer } {
  const decision = decide(group, [request], facts)
  const [answer] = decision.answers
  if (answer === undefined || answer instanceof KafkaError) throw answer ?? new Error('no answer')
  return { group: decision.group, answer }
}

/** A consumer as it sees itself. */
export interface Consumer {
  memberId: string
  memberEpoch: number
  owned: readonly TopicPartition[]
  readonly join: HeartbeatRequest
}

export const newConsumer = (join: HeartbeatRequest): Consumer => ({
  memberId: join.memberId,
  memberEpoch: 0,
  owned: [],
  join,
})

export const nextRequest = (consumer: Consumer): HeartbeatRequest =>
  consumer.memberEpoch === 0
    ? { ...consumer.join, memberId: consumer.memberId }
    : heartbeat(consumer.memberId, consumer.memberEpoch, {
        topicPartitions: consumer.owned,
        ...(consumer.join.instanceId === undefined ? {} : { instanceId: consumer.join.instanceId }),
      })

/** Takes what it was told: gives up what is not its own any more, and begins again where it was fenced. */
export function hear(consumer: Consumer, answer: HeartbeatAnswer | KafkaError | undefined): void {
  if (answer instanceof KafkaError) {
    if (answer.code !== 'UNKNOWN_MEMBER_ID' && answer.code !== 'FENCED_MEMBER_EPOCH') throw answer
    consumer.memberEpoch = 0
    consumer.owned = []
  } else if (answer) {
    consumer.memberEpoch = answer.memberEpoch
    consumer.owned = answer.assignment ?? consumer.owned
  }
}
