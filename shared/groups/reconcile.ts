// One member's way from what it owns to its target (KIP-848): first it gives up what it is to lose and says so, then it
// advances to the group's epoch and gets what is free, the rest as soon as others have given it up.

import type { Assignment, StoredMember } from '../metadata/groupState.ts'
import { intersect, join, noPartitions, overlap, pick, sameAssignment, subtract } from './assignments.ts'

export interface Reconciliation {
  readonly target: Assignment
  readonly groupEpoch: number
  /** What the member says it owns; undefined: nothing has changed about that. */
  readonly owned: Assignment | undefined
  /** No other member owns the partition, or has yet to give it up. */
  readonly isFree: (topicId: string, partition: number) => boolean
  readonly nowMs: number
}

export function reconcile(member: StoredMember, reconciliation: Reconciliation): StoredMember {
  const { target, groupEpoch, owned, isFree, nowMs } = reconciliation
  if (isReconciled(member, target, groupEpoch)) return member
  const owns = (partitions: Assignment) =>
    partitions.size > 0 && (owned === undefined || overlap(owned, partitions))
  if (owns(member.revoking)) return member
  const kept = intersect(member.assigned, target)
  const lost = subtract(member.assigned, target)
  if (owns(lost)) return { ...member, assigned: kept, revoking: lost, revokingSinceMs: nowMs }
  const wanted = subtract(target, kept)
  return {
    ...member,
    memberEpoch: groupEpoch,
    previousMemberEpoch: member.memberEpoch === groupEpoch ? member.previousMemberEpoch : member.memberEpoch,
    assigned: join(kept, pick(wanted, isFree)),
    revoking: noPartitions,
    revokingSinceMs: undefined,
  }
}

export const isReconciled = (member: StoredMember, target: Assignment, groupEpoch: number): boolean =>
  member.memberEpoch === groupEpoch && member.revoking.size === 0 && sameAssignment(member.assigned, target)
