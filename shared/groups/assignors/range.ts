// Kafka's range assignor: each topic by itself is cut into ranges of consecutive partitions, one for each subscriber in
// their order, the first ones longer by one. Members of equal subscriptions get the same partition numbers of topics
// that have equally many, so that what was keyed alike meets in one member. It keeps nothing but the order: by instance
// id, so that a rolling restart of static members moves nothing, then by member id.

import type { Assignment, Partitions } from '../../metadata/groupState.ts'
import { type Assignor, byText, type MemberToAssign } from './assignor.ts'

export const assignRange: Assignor = ({ members, topics }) => {
  const assignments = new Map<string, Map<string, Partitions>>(
    members.map(({ memberId }) => [memberId, new Map()]),
  )
  for (const [topicId, subscribers] of subscribersByTopic(members)) {
    const partitionCount = topics.get(topicId)?.partitionCount ?? 0
    for (const [index, { memberId }] of subscribers.entries()) {
      const range = rangeOf(partitionCount, subscribers.length, index)
      if (range.length > 0) assignments.get(memberId)?.set(topicId, range)
    }
  }
  return assignments satisfies ReadonlyMap<string, Assignment>
}

function subscribersByTopic(members: readonly MemberToAssign[]): Map<string, MemberToAssign[]> {
  const byTopic = new Map<string, MemberToAssign[]>()
  for (const member of members.toSorted(byInstanceThenMember)) {
    for (const topicId of member.topics) {
      const subscribers = byTopic.get(topicId)
      if (subscribers) subscribers.push(member)
      else byTopic.set(topicId, [member])
    }
  }
  return byTopic
}

/** Static members stand before the others. */
function byInstanceThenMember(a: MemberToAssign, b: MemberToAssign): number {
  if (a.instanceId !== undefined && b.instanceId !== undefined) return byText(a.instanceId, b.instanceId)
  if (a.instanceId !== undefined || b.instanceId !== undefined) return a.instanceId === undefined ? 1 : -1
  return byText(a.memberId, b.memberId)
}

function rangeOf(partitionCount: number, members: number, index: number): Partitions {
  const quota = Math.floor(partitionCount / members)
  const longer = partitionCount % members
  const start = quota * index + Math.min(index, longer)
  return Array.from({ length: quota + (index < longer ? 1 : 0) }, (_, at) => start + at)
}
