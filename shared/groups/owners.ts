// Who has which partition: owned, or yet to be given up. Two members never have the same one.

import { invariant } from '../base/errors.ts'
import type { StoredMember } from '../metadata/groupState.ts'

export interface Owners {
  /** Nobody but this member has it. */
  isFree(memberId: string, topicId: string, partition: number): boolean
  replace(before: StoredMember, after: StoredMember): void
}

export function createOwners(members: Iterable<StoredMember>): Owners {
  const owners = new Map<string, Map<number, string>>()

  const each = (member: StoredMember, visit: (topic: Map<number, string>, partition: number) => void) => {
    for (const assignment of [member.assigned, member.revoking]) {
      for (const [topicId, partitions] of assignment) {
        const topic = owners.get(topicId) ?? new Map<number, string>()
        owners.set(topicId, topic)
        for (const partition of partitions) visit(topic, partition)
      }
    }
  }
  const add = (member: StoredMember) =>
    each(member, (topic, partition) => {
      invariant(!topic.has(partition), 'a partition has one owner')
      topic.set(partition, member.memberId)
    })
  for (const member of members) add(member)

  return {
    isFree: (memberId, topicId, partition) => {
      const owner = owners.get(topicId)?.get(partition)
      return owner === undefined || owner === memberId
    },
    replace: (before, after) => {
      each(before, (topic, partition) => topic.delete(partition))
      add(after)
    },
  }
}
