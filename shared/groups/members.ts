// Who may touch the committed offsets of a group: its members, each with its own epoch and partitions, and others while
// there are no members.

import { KafkaError } from '../base/errors.ts'
import type { GroupLife } from '../metadata/groupLifeItem.ts'
import type { StoredGroup, StoredMember } from '../metadata/groupState.ts'
import { currentLife } from './groupLife.ts'
import { unknownMember } from './membership.ts'
import type { OffsetsDeps } from './offsetsDeps.ts'

/** Who commits or reads offsets as a member; fenced by the epoch. */
export interface GroupMember {
  readonly memberId: string
  readonly memberEpoch: number
}

export interface KnownMember {
  readonly group: StoredGroup
  readonly member: StoredMember
}

/** Nobody is refused from memory. Errors: UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH. */
export async function memberOf(
  { groups }: OffsetsDeps,
  groupId: string,
  { memberId, memberEpoch }: GroupMember,
): Promise<KnownMember> {
  const cached = await groups.cached(groupId)
  const known = cached.members.get(memberId)
  if (known?.memberEpoch === memberEpoch) return { group: cached, member: known }
  const group = await groups.read(groupId)
  const member = group.members.get(memberId)
  if (!member) throw unknownMember(memberId)
  if (member.memberEpoch !== memberEpoch) throw staleEpoch(member, memberEpoch)
  return { group, member }
}

/** Error: UNKNOWN_MEMBER_ID, where the group was removed since the member was seen. */
export async function memberLife(
  deps: OffsetsDeps,
  groupId: string,
  { memberId }: Pick<GroupMember, 'memberId'>,
): Promise<GroupLife> {
  const life = await currentLife(deps, groupId)
  if (!life) throw unknownMember(memberId)
  return life
}

/** The group as it is, without members. Error: UNKNOWN_MEMBER_ID, Kafka's answer to a commit of somebody else. */
export async function emptyGroup({ groups }: OffsetsDeps, groupId: string): Promise<StoredGroup> {
  const group = await groups.read(groupId)
  if (group.members.size === 0) return group
  const message = `Group '${groupId}' has members: only they commit its offsets.`
  throw new KafkaError('UNKNOWN_MEMBER_ID', message)
}

/** A group without members may exist by its offsets alone. Error: GROUP_ID_NOT_FOUND. */
export async function existingGroup(deps: OffsetsDeps, groupId: string): Promise<StoredGroup> {
  const group = await deps.groups.read(groupId)
  if (group.version > 0) return group
  if (await currentLife(deps, groupId)) return group
  throw unknownGroup(groupId)
}

/** What it is to give up is its own until it said that it has. */
export function ownership({
  assigned,
  revoking,
}: StoredMember): (topicId: string, partition: number) => boolean {
  const topics = new Map<string, ReadonlySet<number>>()
  return (topicId, partition) => {
    const owned =
      topics.get(topicId) ?? new Set([...(assigned.get(topicId) ?? []), ...(revoking.get(topicId) ?? [])])
    topics.set(topicId, owned)
    return owned.has(partition)
  }
}

const unknownGroup = (groupId: string): KafkaError =>
  new KafkaError('GROUP_ID_NOT_FOUND', `There is no group '${groupId}'.`)

function staleEpoch(member: StoredMember, memberEpoch: number): KafkaError {
  const message = `Member '${member.memberId}' is at epoch ${member.memberEpoch}, not ${memberEpoch}: heartbeat first.`
  return new KafkaError('STALE_MEMBER_EPOCH', message)
}
