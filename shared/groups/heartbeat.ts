// ConsumerGroupHeartbeat as the group engine takes and answers it, and what can be seen to be wrong with one alone.

import { KafkaError } from '../base/errors.ts'
import { topicPattern } from './regex.ts'

export interface TopicPartition {
  readonly topicName: string
  readonly partition: number
}

/** Fields that are absent have not changed since the last heartbeat that was answered. */
export interface HeartbeatRequest {
  /** Chosen by the client (KIP-1082) or, where it is empty and the epoch 0, by the group. */
  readonly memberId: string
  /** 0 joins; -1 leaves; -2 leaves for a while, as a static member does. Else the epoch of the last answer. */
  readonly memberEpoch: number
  readonly instanceId?: string
  readonly rackId?: string
  /** Time to give up partitions that are asked back; wanted when joining. */
  readonly rebalanceTimeoutMs?: number
  /** Of this member, where it is not to be the group's; consumer instances of the v2 dialect have a longer one. */
  readonly sessionTimeoutMs?: number
  readonly subscribedTopicNames?: readonly string[]
  /** RE2 syntax; matches whole names. Empty: no longer. */
  readonly subscribedTopicRegex?: string
  /** 'uniform' or 'range'. */
  readonly serverAssignor?: string
  /** What the member owns now; wanted when it has changed. Who joins owns nothing. */
  readonly topicPartitions?: readonly TopicPartition[]
  /** Of the last answer that the member has taken; absent: a client that knows nothing of it. */
  readonly assignmentToken?: string
  readonly clientId: string
  readonly clientHost: string
}

export interface HeartbeatAnswer {
  readonly memberId: string
  readonly memberEpoch: number
  readonly heartbeatIntervalMs: number
  /** What the member is to own; undefined: as it said. */
  readonly assignment: readonly TopicPartition[] | undefined
  /** To be repeated by the next heartbeat: shows which answer the member speaks after. undefined: it has left. */
  readonly assignmentToken: string | undefined
}

export const joinEpoch = 0
export const leaveEpoch = -1
export const leaveForAWhileEpoch = -2

const assignorNames = ['uniform', 'range'] as const
export type AssignorName = (typeof assignorNames)[number]
export const defaultAssignor: AssignorName = 'uniform'

const isAssignorName = (name: string): name is AssignorName => assignorNames.some((known) => known === name)

const idBytesMax = 255
const topicsPerSubscriptionMax = 1_000
const topicNameLengthMax = 249

export function checkGroupId(groupId: string): void {
  const bytes = Buffer.byteLength(groupId)
  if (bytes > 0 && bytes <= idBytesMax && groupId.isWellFormed()) return
  throw new KafkaError('INVALID_GROUP_ID', `A group id has 1 to ${idBytesMax} bytes of UTF-8.`)
}

/** Errors: INVALID_REQUEST, UNSUPPORTED_ASSIGNOR, INVALID_REGULAR_EXPRESSION. */
export function checkHeartbeat(request: HeartbeatRequest): void {
  const { memberEpoch, memberId } = request
  check(Number.isSafeInteger(memberEpoch) && memberEpoch >= leaveForAWhileEpoch, 'MemberEpoch is invalid')
  check(memberEpoch === joinEpoch || memberId !== '', "MemberId can't be empty")
  checkStrings(request)
  if (memberEpoch === leaveForAWhileEpoch) {
    check(
      request.instanceId !== undefined,
      "InstanceId can't be null: only a static member leaves for a while",
    )
  }
  if (memberEpoch === joinEpoch) checkJoin(request)
  checkSubscription(request)
  for (const timeout of [request.rebalanceTimeoutMs, request.sessionTimeoutMs]) {
    check(
      timeout === undefined || isTimeout(timeout),
      'A timeout is a whole number of milliseconds from 1 to 2^31 - 1',
    )
  }
}

function checkStrings({ memberId, instanceId, rackId, clientId, clientHost }: HeartbeatRequest): void {
  const named = {
    MemberId: memberId,
    InstanceId: instanceId,
    RackId: rackId,
    ClientId: clientId,
    Host: clientHost,
  }
  for (const [name, text] of Object.entries(named)) {
    if (text === undefined) continue
    const isShort = Buffer.byteLength(text) <= idBytesMax && text.isWellFormed()
    check(isShort, `${name} has more than ${idBytesMax} bytes of UTF-8`)
  }
  check(instanceId !== '', "InstanceId can't be empty")
  check(rackId !== '', "RackId can't be empty")
}

function checkJoin(request: HeartbeatRequest): void {
  check(request.rebalanceTimeoutMs !== undefined, 'RebalanceTimeoutMs must be provided when joining')
  check((request.topicPartitions ?? []).length === 0, 'TopicPartitions must be empty when (re-)joining')
  const subscribes = request.subscribedTopicNames !== undefined || (request.subscribedTopicRegex ?? '') !== ''
  check(subscribes, 'Either SubscribedTopicNames or SubscribedTopicRegex must be set when joining')
}

function checkSubscription({
  subscribedTopicNames,
  subscribedTopicRegex,
  serverAssignor,
}: HeartbeatRequest): void {
  const names = subscribedTopicNames ?? []
  const isName = (name: string) => name !== '' && name.length <= topicNameLengthMax && name.isWellFormed()
  check(
    names.length <= topicsPerSubscriptionMax,
    `SubscribedTopicNames has over ${topicsPerSubscriptionMax} names`,
  )
  check(names.every(isName), 'SubscribedTopicNames has what cannot be the name of a topic')
  if (subscribedTopicRegex) topicPattern(subscribedTopicRegex)
  if (serverAssignor === undefined || isAssignorName(serverAssignor)) return
  const known = assignorNames.join(', ')
  throw new KafkaError('UNSUPPORTED_ASSIGNOR', `ServerAssignor '${serverAssignor}' is none of ${known}.`)
}

const isTimeout = (timeoutMs: number): boolean =>
  Number.isSafeInteger(timeoutMs) && timeoutMs > 0 && timeoutMs < 2 ** 31

function check(condition: boolean, problem: string): void {
  if (!condition) throw new KafkaError('INVALID_REQUEST', `${problem}.`)
}
