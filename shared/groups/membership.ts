// Who is in a group and what each member says of itself: joining, leaving, coming back, and who is refused because a
// later one has its place. Names and errors are those of KIP-848.

import { isDeepStrictEqual } from 'node:util'
import { KafkaError } from '../base/errors.ts'
import type { Assignment, StoredMember } from '../metadata/groupState.ts'
import { isWithin, noPartitions } from './assignments.ts'
import { type HeartbeatRequest, joinEpoch, leaveEpoch, leaveForAWhileEpoch } from './heartbeat.ts'

/** A group's members as a decision changes them. */
export interface Roster {
  readonly members: Map<string, StoredMember>
  readonly target: Map<string, Assignment>
  /** Members or what they subscribe to have changed: the target is to be made anew. */
  changed: boolean
  /** Who was heard of late: a write decides whether it is still in the group, or somebody has missed it. */
  readonly late: Set<string>
}

export interface MembershipRules {
  readonly sessionTimeoutMs: number
  readonly membersMax: number
  readonly nowMs: number
}

/** `owned`: the request's partitions by topic id. */
export function applyHeartbeat(
  roster: Roster,
  request: HeartbeatRequest,
  owned: Assignment | undefined,
  rules: MembershipRules,
): void {
  if (request.memberEpoch < joinEpoch) {
    leave(roster, request)
    return
  }
  checkPatterns(roster, request)
  const isJoin = request.memberEpoch === joinEpoch
  const member = isJoin ? joinGroup(roster, request, rules) : findMember(roster, request)
  if (!isJoin) checkEpoch(member, request.memberEpoch, owned)
  const told = withFieldsOf(member, request)
  if (!sameSubscription(member, told) || member.assignor !== told.assignor) roster.changed = true
  roster.members.set(told.memberId, told)
}

/** Each is matched with every topic whenever a member comes, in a process that serves others too. */
const patternsMax = 10

function checkPatterns({ members }: Roster, { memberId, subscribedTopicRegex }: HeartbeatRequest): void {
  if (!subscribedTopicRegex) return
  const patterns = new Set([subscribedTopicRegex])
  for (const member of members.values()) {
    if (member.memberId !== memberId && member.subscribedTopicRegex) patterns.add(member.subscribedTopicRegex)
  }
  if (patterns.size > patternsMax) throw groupFull(`its members subscribe by ${patternsMax} patterns`)
}

export function removeMember(roster: Roster, memberId: string): void {
  roster.members.delete(memberId)
  roster.target.delete(memberId)
  roster.changed = true
}

function leave(roster: Roster, request: HeartbeatRequest): void {
  const member = findMember(roster, request)
  if (request.memberEpoch === leaveEpoch) {
    removeMember(roster, member.memberId)
    return
  }
  // It has closed: nothing is left that it would have to give up first.
  const gone = { memberEpoch: leaveForAWhileEpoch, revoking: noPartitions, revokingSinceMs: undefined }
  roster.members.set(member.memberId, { ...member, ...gone })
}

function findMember(roster: Roster, { memberId, instanceId }: HeartbeatRequest): StoredMember {
  if (instanceId !== undefined) {
    const holder = instanceOf(roster, instanceId)
    if (holder && holder.memberId !== memberId) {
      const message = `Static member ${memberId} with instance id ${instanceId} was fenced by another member.`
      throw new KafkaError('FENCED_INSTANCE_ID', message)
    }
  }
  const member = roster.members.get(memberId)
  if (!member || (instanceId !== undefined && member.instanceId !== instanceId)) throw unknownMember(memberId)
  return member
}

export const unknownMember = (memberId: string): KafkaError =>
  new KafkaError(
    'UNKNOWN_MEMBER_ID',
    `Member ${memberId} is not a member of the group. It has to join (again).`,
  )

/**
 * KIP-848: who comes with the epoch before and owns nothing beyond its assignment has missed an answer. Everybody else
 * with another epoch has been away while the group went on.
 */
function checkEpoch(member: StoredMember, received: number, owned: Assignment | undefined): void {
  const { memberId, memberEpoch, previousMemberEpoch, assigned } = member
  if (received === memberEpoch) return
  const missedAnswer = received < memberEpoch && received === previousMemberEpoch
  if (missedAnswer && owned !== undefined && isWithin(owned, assigned)) return
  const message = `Member ${memberId} has epoch ${memberEpoch}, not ${received}: it owns nothing and has to join again.`
  throw new KafkaError('FENCED_MEMBER_EPOCH', message)
}

/**
 * A member that joins again may have lost everything, or be at work and know nothing of a join of its own that comes
 * late. So nothing is taken from it: it is told what it has, and what it does not have its next heartbeat says.
 */
function joinGroup(roster: Roster, request: HeartbeatRequest, rules: MembershipRules): StoredMember {
  const { memberId, instanceId } = request
  const known = roster.members.get(memberId)
  const holder = instanceId === undefined ? undefined : instanceOf(roster, instanceId)
  if (known && instanceId !== undefined && known.instanceId !== instanceId) {
    throw new KafkaError(
      'INVALID_REQUEST',
      `Member ${memberId} is in the group without instance id ${instanceId}.`,
    )
  }
  if (known) return known.memberEpoch === leaveForAWhileEpoch ? beginAnew(known) : known
  if (!holder) return newMember(roster, request, rules)
  if (holder.memberEpoch !== leaveForAWhileEpoch) {
    const message = `Static member ${holder.memberId} has instance id ${instanceId} and has not left yet.`
    throw new KafkaError('UNRELEASED_INSTANCE_ID', message)
  }
  return takePlace(roster, holder, memberId)
}

/** Who comes back owns nothing, whatever is noted of it: its earlier self is gone. */
const beginAnew = (member: StoredMember): StoredMember => ({
  ...member,
  memberEpoch: joinEpoch,
  previousMemberEpoch: joinEpoch,
  assigned: noPartitions,
  revoking: noPartitions,
  revokingSinceMs: undefined,
})

/** The same instance under a new member id: its target waits for it, nobody else is asked for anything. */
function takePlace(roster: Roster, holder: StoredMember, memberId: string): StoredMember {
  roster.target.set(memberId, roster.target.get(holder.memberId) ?? noPartitions)
  roster.target.delete(holder.memberId)
  roster.members.delete(holder.memberId)
  return { ...beginAnew(holder), memberId }
}

function newMember(roster: Roster, request: HeartbeatRequest, rules: MembershipRules): StoredMember {
  if (roster.members.size >= rules.membersMax) throw groupFull(`it has ${rules.membersMax} members`)
  roster.changed = true
  return beginAnew({
    memberId: request.memberId,
    slot: freeSlot(roster),
    instanceId: request.instanceId,
    rackId: undefined,
    clientId: request.clientId,
    clientHost: request.clientHost,
    subscribedTopicNames: [],
    subscribedTopicRegex: undefined,
    assignor: undefined,
    rebalanceTimeoutMs: 0,
    sessionTimeoutMs: rules.sessionTimeoutMs,
    seenAtMs: rules.nowMs,
    memberEpoch: joinEpoch,
    previousMemberEpoch: joinEpoch,
    assigned: noPartitions,
    revoking: noPartitions,
    revokingSinceMs: undefined,
  })
}

export const groupFull = (why: string): KafkaError =>
  new KafkaError('GROUP_MAX_SIZE_REACHED', `The group has reached its maximum size: ${why}.`)

function freeSlot({ members }: Roster): number {
  const taken = new Set([...members.values()].map(({ slot }) => slot))
  let slot = 0
  while (taken.has(slot)) slot++
  return slot
}

function instanceOf({ members }: Roster, instanceId: string): StoredMember | undefined {
  for (const member of members.values()) if (member.instanceId === instanceId) return member
  return undefined
}

function withFieldsOf(member: StoredMember, request: HeartbeatRequest): StoredMember {
  const regex = request.subscribedTopicRegex
  const told: StoredMember = {
    ...member,
    rackId: request.rackId ?? member.rackId,
    clientId: request.clientId || member.clientId,
    // As it was when it joined: an address that changes from call to call is no reason to write.
    clientHost: member.clientHost,
    subscribedTopicNames: sortedNames(request.subscribedTopicNames) ?? member.subscribedTopicNames,
    subscribedTopicRegex: regex === undefined ? member.subscribedTopicRegex : regex || undefined,
    assignor: request.serverAssignor ?? member.assignor,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs ?? member.rebalanceTimeoutMs,
    sessionTimeoutMs: request.sessionTimeoutMs ?? member.sessionTimeoutMs,
  }
  return isDeepStrictEqual(told, member) ? member : told
}

const sortedNames = (names: readonly string[] | undefined): readonly string[] | undefined =>
  names && [...new Set(names)].sort()

const sameSubscription = (a: StoredMember, b: StoredMember): boolean =>
  a.subscribedTopicRegex === b.subscribedTopicRegex &&
  isDeepStrictEqual(a.subscribedTopicNames, b.subscribedTopicNames)
