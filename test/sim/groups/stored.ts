// What must hold of a stored group, whoever wrote it: partitions have one owner, a later owner has a later epoch than
// every owner before it, numbers grow, and a group that is settled leaves no partition without an owner.

import type { StoredGroup, StoredMember } from '../../../shared/metadata/groupState.ts'

interface Owner {
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly memberEpoch: number
}

/** By topic id and partition: who owned it last. */
export type Succession = Map<string, Owner>

export const newSuccession = (): Succession => new Map()

const away = -2

export function checkStored(
  before: StoredGroup | undefined,
  group: StoredGroup,
  succession: Succession,
): readonly string[] {
  return [
    ...checkNumbers(before, group),
    ...checkOwners(group),
    ...checkSuccession(group, succession),
    ...checkSettled(group),
  ]
}

function checkNumbers(before: StoredGroup | undefined, group: StoredGroup): readonly string[] {
  if (!before) return []
  const problems: string[] = []
  if (group.version <= before.version) problems.push(`version ${group.version} follows ${before.version}`)
  if (group.groupEpoch < before.groupEpoch)
    problems.push(`epoch ${group.groupEpoch} follows ${before.groupEpoch}`)
  for (const { memberId, memberEpoch } of group.members.values()) {
    if (memberEpoch > group.groupEpoch)
      problems.push(`${memberId} has epoch ${memberEpoch}, the group ${group.groupEpoch}`)
    const was = before.members.get(memberId)?.memberEpoch ?? 0
    if (memberEpoch !== away && memberEpoch < was)
      problems.push(`${memberId} went from epoch ${was} to ${memberEpoch}`)
  }
  return problems
}

const placesOf = ({ assigned, revoking }: StoredMember): readonly string[] =>
  [...assigned, ...revoking].flatMap(([topicId, partitions]) => partitions.map((one) => `${topicId}-${one}`))

function checkOwners({ members }: StoredGroup): readonly string[] {
  const owners = new Map<string, string>()
  const problems: string[] = []
  for (const member of members.values()) {
    for (const place of placesOf(member)) {
      const other = owners.get(place)
      if (other !== undefined) problems.push(`${place} is ${other}'s and ${member.memberId}'s`)
      owners.set(place, member.memberId)
    }
  }
  return problems
}

function checkSuccession({ members }: StoredGroup, succession: Succession): readonly string[] {
  const problems: string[] = []
  for (const member of members.values()) {
    const { memberId, instanceId, memberEpoch } = member
    for (const place of placesOf(member)) {
      const last = succession.get(place)
      // The same instance in another life goes on with what it had.
      const isSame =
        last?.memberId === memberId || (instanceId !== undefined && last?.instanceId === instanceId)
      if (last && !isSame && memberEpoch <= last.memberEpoch)
        problems.push(
          `${place} went to ${memberId} at epoch ${memberEpoch}, from ${last.memberId} at ${last.memberEpoch}`,
        )
      const highest = isSame ? Math.max(memberEpoch, last?.memberEpoch ?? 0) : memberEpoch
      succession.set(place, { memberId, instanceId, memberEpoch: highest })
    }
  }
  return problems
}

function checkSettled({ members, target, topics, groupEpoch }: StoredGroup): readonly string[] {
  const isSettled = [...members.values()].every(({ memberId, memberEpoch, assigned, revoking }) => {
    if (memberEpoch === away) return true
    return memberEpoch === groupEpoch && revoking.size === 0 && size(assigned) === size(target.get(memberId))
  })
  if (members.size === 0 || !isSettled) return []
  const isAnyAway = [...members.values()].some(({ memberEpoch }) => memberEpoch === away)
  const owned = new Set([...members.values()].flatMap(placesOf))
  const all = [...topics].flatMap(([topicId, { partitionCount }]) =>
    Array.from({ length: partitionCount }, (_, partition) => `${topicId}-${partition}`),
  )
  // What is meant for somebody who is away waits for him.
  const orphans = isAnyAway ? [] : all.filter((place) => !owned.has(place))
  return orphans.map((place) => `it is settled and ${place} is nobody's`)
}

const size = (assignment: ReadonlyMap<string, readonly number[]> | undefined): number =>
  [...(assignment?.values() ?? [])].reduce((sum, { length }) => sum + length, 0)
