// A stored group as DescribeGroups shows it: topics by name, states as KIP-848 has them. ASSIGNING is never seen: a
// target is made in the write that makes it necessary.

import { noPartitions } from '../groups/assignments.ts'
import { leaveForAWhileEpoch } from '../groups/heartbeat.ts'
import { namePartitions } from '../groups/namedPartitions.ts'
import { isReconciled } from '../groups/reconcile.ts'
import { preferredAssignor } from '../groups/subscriptions.ts'
import type { StoredGroup, StoredMember } from '../metadata/groupState.ts'
import type { GroupDescription, GroupState, MemberDescription } from './groups.ts'

export function describeGroup(groupId: string, group: StoredGroup): GroupDescription {
  return {
    groupId,
    state: stateOf(group),
    groupEpoch: group.groupEpoch,
    assignmentEpoch: group.groupEpoch,
    assignor: preferredAssignor(group.members.values()),
    isSimple: group.version === 0,
    members: [...group.members.values()].map((member) => describeMember(group, member)),
  }
}

export function describeMember(group: StoredGroup, member: StoredMember): MemberDescription {
  const { memberId, instanceId, rackId, clientId, clientHost, memberEpoch } = member
  return {
    ...{ memberId, instanceId, rackId, clientId, clientHost, memberEpoch },
    subscribedTopicNames: member.subscribedTopicNames,
    subscribedTopicRegex: member.subscribedTopicRegex,
    assignment: namePartitions(group.topics, member.assigned),
    targetAssignment: namePartitions(group.topics, group.target.get(memberId) ?? noPartitions),
  }
}

/** A static member that is away holds nothing up. */
function stateOf({ members, target, groupEpoch }: StoredGroup): GroupState {
  if (members.size === 0) return 'EMPTY'
  const isStable = [...members.values()].every(
    (member) =>
      member.memberEpoch === leaveForAWhileEpoch ||
      isReconciled(member, target.get(member.memberId) ?? noPartitions, groupEpoch),
  )
  return isStable ? 'STABLE' : 'RECONCILING'
}
