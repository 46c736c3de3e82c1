// What every member is to own, made anew for all of them when members, subscriptions or topics have changed.

import type { Assignment, StoredGroup, StoredMember } from '../metadata/groupState.ts'
import { intersect, noPartitions } from './assignments.ts'
import { assignors } from './assignors.ts'
import { leaveForAWhileEpoch } from './heartbeat.ts'
import type { Roster } from './membership.ts'
import {
  factsOf,
  preferredAssignor,
  resolveSubscriptions,
  type SubscribedTopics,
  sameTopics,
  type TopicFacts,
  withLaterCounts,
} from './subscriptions.ts'

/** A group on its way to a decision. */
export interface Aimed extends Omit<StoredGroup, 'members'> {
  readonly members: Map<string, StoredMember>
}

/** `facts` undefined: topics are as the group has them. */
export function aim(group: StoredGroup, roster: Roster, facts: TopicFacts | undefined): Aimed {
  const { members, target, changed } = roster
  const unchanged = { ...group, members, target }
  if (!changed && facts === undefined) return unchanged
  const known = facts ? withLaterCounts(facts, group.topics) : factsOf(group.topics)
  const subscribed = resolveSubscriptions(members.values(), known)
  if (!changed && sameTopics(subscribed.topics, group.topics)) return unchanged
  const assigned = assign(roster, subscribed)
  releaseOfAbsent(members, assigned)
  return { ...group, groupEpoch: group.groupEpoch + 1, topics: subscribed.topics, members, target: assigned }
}

function assign({ members, target }: Roster, subscribed: SubscribedTopics): ReadonlyMap<string, Assignment> {
  const toAssign = [...members.values()].map((member) => ({
    memberId: member.memberId,
    instanceId: member.instanceId,
    topics: subscribed.topicIds(member),
    previous: target.get(member.memberId) ?? noPartitions,
  }))
  return assignors[preferredAssignor(members.values())]({ topics: subscribed.topics, members: toAssign })
}

/** A static member that is away works on nothing; what it is not to own any more need not wait for it. */
function releaseOfAbsent(members: Map<string, StoredMember>, target: ReadonlyMap<string, Assignment>): void {
  for (const member of [...members.values()]) {
    if (member.memberEpoch !== leaveForAWhileEpoch) continue
    const assigned = intersect(member.assigned, target.get(member.memberId) ?? noPartitions)
    members.set(member.memberId, { ...member, assigned })
  }
}
