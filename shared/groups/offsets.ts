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
  commitOffsets(
    groupId: string,
    member: GroupMember | undefined,
    offsets: readonly OffsetToCommit[],
  ): Promise<readonly OffsetOutcome[]>
  committedOffsets(
    groupId: string,
    member: GroupMember | undefined,
    partitions: readonly TopicPartition[] | undefined,
  ): Promise<readonly CommittedOffset[]>
  deleteOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<readonly OffsetOutcome[]>
  resetOffsets(request: ResetRequest): Promise<readonly ResetOffset[]>
  lags(groupId: string): Promise<readonly OffsetLag[]>
}

export const createOffsets = (deps: OffsetsDeps): Offsets => ({
  commitOffsets: (groupId, member, offsets) => commitOffsets(deps, groupId, member, offsets),
  committedOffsets: (groupId, member, partitions) => committedOffsets(deps, groupId, member, partitions),
  deleteOffsets: (groupId, partitions) => deleteOffsets(deps, groupId, partitions),
  resetOffsets: (request) => resetOffsets(deps, request),
  lags: (groupId) => lags(deps, groupId),
})
