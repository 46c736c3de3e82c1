// The consumer group as a state machine: a group and heartbeats in, a group and answers out. All heartbeats that wait
// are decided together: first who is in the group, then, at most once, a new target for everybody, then each one's way
// to it. A decision that changes nothing gives the same group back; made again on a later group it is as right as the
// first.

import { isDeepStrictEqual } from 'node:util'
import { KafkaError } from '../base/errors.ts'
import type { Assignment, StoredGroup, StoredMember } from '../metadata/groupState.ts'
import { noPartitions, sameAssignment } from './assignments.ts'
import { assignmentTokenOf, speaksAfter } from './assignmentToken.ts'
import { comesLate, type LastSeen, rebalanceTimedOut, sessionEnded } from './expire.ts'
import { type HeartbeatAnswer, type HeartbeatRequest, joinEpoch } from './heartbeat.ts'
import { applyHeartbeat, type Roster, removeMember, unknownMember } from './membership.ts'
import { byTopicId, namePartitions, topicIdsByName } from './namedPartitions.ts'
import { createOwners, type Owners } from './owners.ts'
import { reconcile } from './reconcile.ts'
import type { TopicFacts } from './subscriptions.ts'
import { type Aimed, aim } from './target.ts'

export interface GroupSettings {
  readonly heartbeatIntervalMs: number
  readonly sessionTimeoutMs: number
  /** group.consumer.max.size */
  readonly membersMax: number
}

export interface Facts {
  readonly nowMs: number
  readonly settings: GroupSettings
  /** What members may subscribe to, those that are about to join too; undefined: as the group has it. */
  readonly topics: TopicFacts | undefined
  readonly lastSeen: LastSeen
}

export interface Decision {
  readonly group: StoredGroup
  /** In the order of the requests. */
  readonly answers: readonly (HeartbeatAnswer | KafkaError)[]
}

export const noGroup: StoredGroup = {
  version: 0,
  groupEpoch: 0,
  topics: new Map(),
  target: new Map(),
  members: new Map(),
  emptySinceMs: undefined,
}

export function decide(group: StoredGroup, requests: readonly HeartbeatRequest[], facts: Facts): Decision {
  const { members, target } = group
  const roster: Roster = {
    members: new Map(members),
    target: new Map(target),
    changed: false,
    late: new Set(),
  }
  expire(roster, requests, facts)
  const told = tell(group, roster, requests, facts)
  const aimed = aim(group, roster, facts.topics)
  const advance = createAdvance(aimed, facts.nowMs)
  const answers = told.map((one) => one.refused ?? answer(group, aimed, one, advance, facts))
  return { group: settle(group, aimed, roster.late, facts.nowMs), answers }
}

/** Somebody may be gone, or comes late: what others have heard decides. */
export const isInDoubt = (
  { members }: StoredGroup,
  requests: readonly HeartbeatRequest[],
  nowMs: number,
  lastSeen: LastSeen,
): boolean =>
  [...members.values()].some(
    (member) => sessionEnded(member, nowMs, lastSeen) || rebalanceTimedOut(member, nowMs),
  ) ||
  requests.some(({ memberId }) => {
    const member = members.get(memberId)
    return member !== undefined && comesLate(member, nowMs, lastSeen)
  })

function expire(roster: Roster, requests: readonly HeartbeatRequest[], { nowMs, lastSeen }: Facts): void {
  const here = new Set(requests.map(({ memberId }) => memberId))
  for (const member of [...roster.members.values()]) {
    const { memberId } = member
    // Who comes late, but before anybody missed it, is not gone.
    const isGone = !here.has(memberId) && sessionEnded(member, nowMs, lastSeen)
    if (isGone || rebalanceTimedOut(member, nowMs)) removeMember(roster, memberId)
    else if (here.has(memberId) && comesLate(member, nowMs, lastSeen)) roster.late.add(memberId)
  }
}

interface Told {
  readonly request: HeartbeatRequest
  /** What the member says that it owns. */
  readonly owned: Assignment | undefined
  readonly refused: KafkaError | undefined
}

/** Every member says what it has to say of itself. */
function tell(
  group: StoredGroup,
  roster: Roster,
  requests: readonly HeartbeatRequest[],
  { nowMs, settings, topics }: Facts,
): readonly Told[] {
  const ids = topicIdsByName(group.topics, topics)
  return requests.map((request) => {
    const owned = request.topicPartitions && byTopicId(request.topicPartitions, ids)
    try {
      applyHeartbeat(roster, request, owned, { ...settings, nowMs })
      return { request, owned, refused: undefined }
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      return { request, owned, refused: error }
    }
  })
}

type Advance = (member: StoredMember, owned: Assignment | undefined) => StoredMember

/** Each member as far as it may go now: what the one gives up the next one gets. */
function createAdvance(aimed: Aimed, nowMs: number): Advance {
  const { members, target, groupEpoch } = aimed
  let known: Owners | undefined
  const owners = () => {
    known ??= createOwners(members.values())
    return known
  }
  return (before, owned) => {
    const { memberId } = before
    const after = reconcile(before, {
      target: target.get(memberId) ?? noPartitions,
      ...{ groupEpoch, owned, nowMs },
      isFree: (topicId, partition) => owners().isFree(memberId, topicId, partition),
    })
    if (after !== before) known?.replace(before, after)
    members.set(memberId, after)
    return after
  }
}

function answer(
  group: StoredGroup,
  aimed: Aimed,
  { request, owned }: Told,
  advance: Advance,
  { settings: { heartbeatIntervalMs } }: Facts,
): HeartbeatAnswer | KafkaError {
  const { memberId, memberEpoch, assignmentToken } = request
  if (memberEpoch < joinEpoch) {
    const left = { assignment: undefined, assignmentToken: undefined }
    return { memberId, memberEpoch, heartbeatIntervalMs, ...left }
  }
  const member = aimed.members.get(memberId)
  // It left by another heartbeat that waited beside this one.
  if (!member) return unknownMember(memberId)
  const isHeard = memberEpoch !== joinEpoch && speaksAfter(assignmentToken, member)
  const after = advance(member, isHeard ? owned : undefined)
  const knows = owned ?? group.members.get(memberId)?.assigned ?? noPartitions
  // Whoever may not know what it is to own is told.
  const isSettled = isHeard && memberEpoch === after.memberEpoch && after.revoking.size === 0
  const assignment =
    isSettled && sameAssignment(knows, after.assigned)
      ? undefined
      : namePartitions(aimed.topics, after.assigned)
  const token = assignmentTokenOf(after)
  return { memberId, memberEpoch: after.memberEpoch, heartbeatIntervalMs, assignment, assignmentToken: token }
}

/** What has changed in truth; the rest stays the same object, and nothing is written for it. */
function settle(
  before: StoredGroup,
  { members, ...aimed }: Aimed,
  late: ReadonlySet<string>,
  nowMs: number,
): StoredGroup {
  let changed = aimed.groupEpoch !== before.groupEpoch || members.size !== before.members.size
  for (const [memberId, member] of members) {
    const known = before.members.get(memberId)
    const isLate = late.has(memberId)
    if (known === member && !isLate) continue
    const isSame = known && !isLate && isDeepStrictEqual({ ...member, seenAtMs: known.seenAtMs }, known)
    members.set(memberId, isSame ? known : { ...member, seenAtMs: nowMs })
    changed ||= !isSame
  }
  if (!changed) return before
  const emptySinceMs = members.size > 0 ? undefined : (before.emptySinceMs ?? nowMs)
  return { ...aimed, members, emptySinceMs }
}
