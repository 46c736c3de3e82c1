// The default assignor: balanced and sticky. It first decides how many partitions each member holds: all that it held,
// then what is free goes to whoever holds least, then whoever holds two more than somebody who could take one gives
// one. With equal subscriptions that is balanced within one and moves the least that can be moved. Then it decides
// which, in long runs of consecutive partitions: runs are what a stored assignment and a commit are paid by.
//
// Topics that have the same subscribers are interchangeable, so that partitions are counted by `Share`: all partitions
// of such topics, one topic after the other.

import type { Assignment } from '../../metadata/groupState.ts'
import { type Assignor, byText, type MemberToAssign, type ToAssign } from './assignor.ts'
import { placePartitions } from './placePartitions.ts'

interface Member {
  readonly memberId: string
  readonly previous: Assignment
  readonly shares: Share[]
  /** Partitions that it is to hold. */
  load: number
}

interface Share {
  readonly topicIds: readonly string[]
  /** Where the partitions of each topic begin. */
  readonly firsts: ReadonlyMap<string, number>
  readonly members: ReadonlySet<Member>
  /** Who held each partition until now. */
  readonly held: (Member | undefined)[]
  /** How many of them each member is to hold. */
  readonly counts: Map<Member, number>
  /** Who holds least of its members, while that is known. */
  least: Member | undefined
}

export const assignUniform: Assignor = (toAssign) => {
  const members = toAssign.members.toSorted((a, b) => byText(a.memberId, b.memberId)).map(newMember)
  const shares = sharesOf(toAssign, members)
  const shareByTopic = new Map(shares.flatMap((share) => share.topicIds.map((topicId) => [topicId, share])))
  for (const member of members) keep(member, toAssign.topics, shareByTopic)
  for (const share of shares) give(share)
  balance(members)
  const assignments = new Map(members.map(({ memberId }) => [memberId, new Map<string, number[]>()]))
  for (const share of shares) place(toAssign, share, assignments)
  return assignments
}

const newMember = ({ memberId, previous }: MemberToAssign): Member => ({
  memberId,
  previous,
  shares: [],
  load: 0,
})

/** Those with the fewest members first: the others make up for them. */
function sharesOf({ members, topics }: ToAssign, states: readonly Member[]): Share[] {
  const subscriptions = subscriptionsOf(members, states)
  const subscribers = new Map<string, number[]>()
  for (const [index, { topicIds }] of subscriptions.entries()) {
    for (const topicId of new Set(topicIds)) {
      if (!topics.has(topicId)) continue
      const indexes = subscribers.get(topicId)
      if (indexes) indexes.push(index)
      else subscribers.set(topicId, [index])
    }
  }
  const nameOf = (topicId: string): string => topics.get(topicId)?.name ?? ''
  const topicIds = [...subscribers.keys()].sort((a, b) => byText(nameOf(a), nameOf(b)))
  const alike = Map.groupBy(topicIds, (topicId) => String(subscribers.get(topicId)))
  const shares = [...alike.values()].map((ids) => {
    const holders = (subscribers.get(ids[0] ?? '') ?? []).flatMap(
      (index) => subscriptions[index]?.members ?? [],
    )
    return newShare(topics, ids, holders)
  })
  return shares.sort((a, b) => a.members.size - b.members.size)
}

interface Subscription {
  readonly topicIds: readonly string[]
  readonly members: Member[]
}

/** Members of equal subscriptions together: there are few of them, however many members. */
function subscriptionsOf(members: readonly MemberToAssign[], states: readonly Member[]): Subscription[] {
  const topicIdsOf = new Map(members.map(({ memberId, topics }) => [memberId, topics]))
  const subscriptions: Subscription[] = []
  for (const state of states) {
    const topicIds = topicIdsOf.get(state.memberId) ?? []
    const same = subscriptions.find((other) => areEqual(other.topicIds, topicIds))
    if (same) same.members.push(state)
    else subscriptions.push({ topicIds, members: [state] })
  }
  return subscriptions
}

const areEqual = (a: readonly string[], b: readonly string[]): boolean =>
  a === b || (a.length === b.length && a.every((topicId, index) => topicId === b[index]))

function newShare(
  topics: ToAssign['topics'],
  topicIds: readonly string[],
  holders: readonly Member[],
): Share {
  const firsts = new Map<string, number>()
  let partitions = 0
  for (const topicId of topicIds) {
    firsts.set(topicId, partitions)
    partitions += topics.get(topicId)?.partitionCount ?? 0
  }
  const held = new Array<Member | undefined>(partitions).fill(undefined)
  const share: Share = {
    topicIds,
    firsts,
    members: new Set(holders),
    held,
    counts: new Map(),
    least: undefined,
  }
  for (const member of holders) member.shares.push(share)
  return share
}

/** The first to claim a partition holds it. */
function keep(member: Member, topics: ToAssign['topics'], shares: ReadonlyMap<string, Share>): void {
  for (const [topicId, partitions] of member.previous) {
    const share = shares.get(topicId)
    const first = share?.firsts.get(topicId)
    if (!share?.members.has(member) || first === undefined) continue
    const { partitionCount = 0 } = topics.get(topicId) ?? {}
    for (const partition of partitions) {
      if (partition >= partitionCount || share.held[first + partition]) continue
      share.held[first + partition] = member
      take(share, member)
    }
  }
}

/** What nobody held goes to whoever holds least. */
function give(share: Share): void {
  for (const holder of share.held) if (!holder) take(share, leastLoaded(share))
}

/** The first of those who hold least. */
function leastLoaded(share: Share): Member | undefined {
  if (share.least) return share.least
  let [least] = share.members
  for (const member of share.members) if (least && member.load < least.load) least = member
  share.least = least
  return least
}

const take = (share: Share, member: Member | undefined): void => change(share, member, 1)

function change(share: Share, member: Member | undefined, by: 1 | -1): void {
  if (!member) return
  share.counts.set(member, (share.counts.get(member) ?? 0) + by)
  member.load += by
  for (const one of member.shares) if (by < 0 || one.least === member) one.least = undefined
}

/**
 * From the heaviest members down, until nobody can give one to somebody who holds two less. Who has given may take one
 * again from those who hold one more than it did, and from nobody else: hence one level up after each move.
 */
function balance(members: readonly Member[]): void {
  const levels: Set<Member>[] = []
  const enter = (member: Member): void => {
    levels[member.load] ??= new Set()
    levels[member.load]?.add(member)
  }
  for (const member of members) enter(member)
  for (let level = levels.length - 1; level > 1; ) {
    const move = findMove(levels[level] ?? [])
    if (!move) {
      level--
      continue
    }
    const { share, giver, taker } = move
    for (const member of [giver, taker]) levels[member.load]?.delete(member)
    change(share, giver, -1)
    take(share, taker)
    for (const member of [giver, taker]) enter(member)
    level = Math.min(level + 1, levels.length - 1)
  }
}

interface Move {
  readonly share: Share
  readonly giver: Member
  readonly taker: Member
}

function findMove(givers: Iterable<Member>): Move | undefined {
  for (const giver of givers) {
    for (const share of giver.shares) {
      if (!share.counts.get(giver)) continue
      const taker = leastLoaded(share)
      if (taker && taker.load <= giver.load - 2) return { share, giver, taker }
    }
  }
  return undefined
}

function place(
  { topics }: ToAssign,
  { topicIds, held, counts, members }: Share,
  assignments: ReadonlyMap<string, Map<string, number[]>>,
): void {
  const owners = placePartitions(held, [...members], counts)
  let at = 0
  for (const topicId of topicIds) {
    const { partitionCount = 0 } = topics.get(topicId) ?? {}
    for (let partition = 0; partition < partitionCount; partition++) {
      const assignment = assignments.get(owners[at++]?.memberId ?? '')
      const partitions = assignment?.get(topicId)
      if (partitions) partitions.push(partition)
      else assignment?.set(topicId, [partition])
    }
  }
}
