// What the HTTP dialects may ask about the consumer groups of one tenant's cluster: Kafka's consumer group protocol
// (KIP-848) and the admin calls around it. Any process answers any call; refusals are KafkaErrors, by Kafka's names.

import type * as commits from '../groups/checkOffsets.ts'
import type * as outcomes from '../groups/commitOffsets.ts'
import type * as committed from '../groups/committedOffsets.ts'
import type * as protocol from '../groups/heartbeat.ts'
import type { OffsetLag } from '../groups/lag.ts'
import type * as members from '../groups/members.ts'
import type { Offsets } from '../groups/offsets.ts'
import type * as targets from '../groups/planReset.ts'
import type * as resets from '../groups/resetOffsets.ts'

export type TopicPartition = protocol.TopicPartition

export interface Heartbeat extends protocol.HeartbeatRequest {
  readonly groupId: string
}

export type HeartbeatAnswer = protocol.HeartbeatAnswer

export type GroupMember = members.GroupMember
export type OffsetToCommit = commits.OffsetToCommit
export type CommittedOffset = committed.CommittedOffset
export type OffsetOutcome = outcomes.OffsetOutcome
export type ResetTarget = targets.ResetTarget
export type ResetRequest = resets.ResetRequest
export type ResetOffset = resets.ResetOffset

/** Kafka's states of a consumer group (KIP-848). */
export type GroupState = 'EMPTY' | 'ASSIGNING' | 'RECONCILING' | 'STABLE' | 'DEAD'

export interface MemberDescription {
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly rackId: string | undefined
  readonly clientId: string
  readonly clientHost: string
  readonly memberEpoch: number
  readonly subscribedTopicNames: readonly string[]
  readonly subscribedTopicRegex: string | undefined
  readonly assignment: readonly TopicPartition[]
  readonly targetAssignment: readonly TopicPartition[]
}

export interface GroupDescription {
  readonly groupId: string
  readonly state: GroupState
  readonly groupEpoch: number
  readonly assignmentEpoch: number
  readonly assignor: string
  /** No member ever: offsets alone. */
  readonly isSimple: boolean
  readonly members: readonly MemberDescription[]
}

export interface PartitionLag extends OffsetLag {
  /** Who owns the partition now. */
  readonly member: MemberDescription | undefined
}

/** Errors of every call: INVALID_GROUP_ID. */
export interface Groups extends Omit<Offsets, 'lags'> {
  /**
   * Errors: UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH, UNRELEASED_INSTANCE_ID, FENCED_INSTANCE_ID, UNSUPPORTED_ASSIGNOR,
   * INVALID_REGULAR_EXPRESSION, GROUP_MAX_SIZE_REACHED, INVALID_REQUEST.
   */
  heartbeat(request: Heartbeat): Promise<HeartbeatAnswer>

  /** By group id. */
  listGroups(): Promise<readonly GroupDescription[]>
  /** Error: GROUP_ID_NOT_FOUND. */
  describeGroup(groupId: string): Promise<GroupDescription>
  /** With its offsets. Errors: GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP. */
  deleteGroup(groupId: string): Promise<void>

  lags(groupId: string): Promise<readonly PartitionLag[]>
}
