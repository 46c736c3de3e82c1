// The committed offsets of a tenant's groups: what the service may ask.

import type { OffsetToCommit, TopicPartition } from './checkOffsets.ts'
import { commitOffsets, type OffsetOutcome } from './commitOffsets.ts'
import { type CommittedOffset, committedOffsets } from './committedOffsets.ts'
import { deleteOffsets } from './deleteOffsets.ts'
import { lags, type OffsetLag } from './lag.ts'
import type { GroupMember } from './members.ts'
import type { OffsetsDeps } from './offsetsDeps.ts'
import { type ResetOffset, type ResetRequest, resetOffsets } from './resetOffsets.ts'

export interface Offsets {
  /**
   * Without a member only while the group is empty (UNKNOWN_MEMBER_ID). Errors of the whole: UNKNOWN_MEMBER_ID,
   * STALE_MEMBER_EPOCH, GROUP_ID_NOT_FOUND; of a partition: OFFSET_METADATA_TOO_LARGE, UNKNOWN_TOPIC_OR_PARTITION,
   * OFFSET_OUT_OF_RANGE.
   */
  commitOffsets(
    groupId: string,
    member: GroupMember | undefined,
    offsets: readonly OffsetToCommit[],
  ): Promise<readonly OffsetOutcome[]>
  /**
   * Of these partitions, or of all; those without a commit are left out. A member that reads takes the partitions it
   * owns over: from then on a commit of an owner before it is refused.
   */
  committedOffsets(
    groupId: string,
    member: GroupMember | undefined,
    partitions: readonly TopicPartition[] | undefined,
  ): Promise<readonly CommittedOffset[]>
  /** Errors: GROUP_ID_NOT_FOUND; of a partition: GROUP_SUBSCRIBED_TO_TOPIC. */
  deleteOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<readonly OffsetOutcome[]>
  /**
   * Errors: GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, UNKNOWN_TOPIC_OR_PARTITION; REQUEST_TIMED_OUT where some offsets were
   * reset and others were not.
   */
  resetOffsets(request: ResetRequest): Promise<readonly ResetOffset[]>
  /** By topic and partition. Error: GROUP_ID_NOT_FOUND. */
  lags(groupId: string): Promise<readonly OffsetLag[]>
}

export const createOffsets = (deps: OffsetsDeps): Offsets => ({
  commitOffsets: (groupId, member, offsets) => commitOffsets(deps, groupId, member, offsets),
  committedOffsets: (groupId, member, partitions) => committedOffsets(deps, groupId, member, partitions),
  deleteOffsets: (groupId, partitions) => deleteOffsets(deps, groupId, partitions),
  resetOffsets: (request) => resetOffsets(deps, request),
  lags: (groupId) => lags(deps, groupId),
})
