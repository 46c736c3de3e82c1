// What must hold of consumer groups over time, by what their clients were told and how the stored offsets went.
//
// A member holds a partition from the answer that gave it to the answer that took it away. Nobody else is told to hold
// it meanwhile, unless the member's session or its time to revoke may have ended: then it may still think that it holds
// the partition, but from the moment that the next owner has fetched the offsets, nothing that it commits is taken.

import type { GroupReads } from '../groups/finale.ts'
import {
  type CommitOp,
  deliveredName,
  type FetchOffsetsOp,
  type GroupHistory,
  type GroupOp,
  type Holding,
  type OffsetChange,
  placeName,
  type ResetOp,
} from '../groups/history.ts'
import type { Span } from '../history.ts'
import type { StoredLog, StoredRecord } from './storedLog.ts'

export interface GroupFacts {
  readonly history: GroupHistory
  /** Of topics that lived from the beginning to the end. */
  readonly isSteady: (topicName: string) => boolean
  /** Groups that read everything to its end, and of which topics. */
  readonly reads: GroupReads
}

const retentionMs = 7 * 24 * 3600_000

export function checkGroups(facts: GroupFacts, logs: readonly StoredLog[]): readonly string[] {
  const { history, isSteady } = facts
  const steady = (place: string) => isSteady(place.slice(0, place.lastIndexOf('-')))
  const changes = Map.groupBy(history.changes, ({ groupId, place }) => `${groupId} ${place}`)
  return [
    ...checkHoldings(
      history.holdings.filter((one) => isSteady(one.topicName)),
      history.timedOut,
    ),
    ...checkFences(history.ops, steady),
    ...checkRegister(history.ops, changes, steady),
    ...checkBackward(history, steady),
    ...checkDelivered(facts, changes, logs),
  ]
}

function checkHoldings(
  holdings: readonly Holding[],
  timedOut: ReadonlyMap<string, readonly number[]>,
): readonly string[] {
  const problems: string[] = []
  /** When `next` began. */
  const mayHaveEnded = (one: Holding, next: Holding): boolean =>
    next.fromMs - one.heardMs >= one.sureMs ||
    (timedOut.get(one.memberId) ?? []).some((at) => at > one.from && at < next.from)
  for (const ofPlace of Map.groupBy(holdings, (one) => deliveredName(one.groupId, one)).values()) {
    for (const [i, a] of ofPlace.entries()) {
      for (const b of ofPlace.slice(i + 1)) {
        if (a.member === b.member || a.to < b.from || b.to < a.from) continue
        if (mayHaveEnded(a, b) || mayHaveEnded(b, a)) continue
        const ms = (b.fromMs - a.heardMs).toFixed(0)
        problems.push(
          `${b.groupId}: ${b.member} was given ${placeName(b)} while ${a.member}, heard of ${ms} ms ago, held it`,
        )
      }
    }
  }
  return problems
}

/** A zombie's commit that was taken after the next owner had fetched the offsets. */
function checkFences(ops: readonly GroupOp[], steady: (place: string) => boolean): readonly string[] {
  const problems: string[] = []
  const takeOvers = ops.filter(
    (op): op is FetchOffsetsOp =>
      op.kind === 'fetchOffsets' && op.member !== undefined && op.answer !== undefined,
  )
  for (const commit of ops) {
    if (commit.kind !== 'commit' || commit.memberEpoch === undefined) continue
    for (const place of commit.acked) {
      if (!steady(place)) continue
      const later = takeOvers.find(
        (one) =>
          one.groupId === commit.groupId &&
          one.member !== commit.member &&
          one.memberEpoch > (commit.memberEpoch ?? 0) &&
          one.ended < commit.invoked &&
          one.places.some((taken) => placeName(taken) === place) &&
          !isReborn(ops, commit, one),
      )
      if (!later) continue
      problems.push(
        `${commit.groupId}: ${commit.member} committed ${place} at epoch ${commit.memberEpoch} after ${later.member} ` +
          `had taken it over at ${later.memberEpoch}`,
      )
    }
  }
  return problems
}

/** The group was removed in between: a later one counts its epochs anew. */
const isReborn = (ops: readonly GroupOp[], { groupId, ended }: CommitOp, takeOver: FetchOffsetsOp): boolean =>
  ops.some(
    (op) =>
      op.kind === 'remove' &&
      op.groupId === groupId &&
      op.places === undefined &&
      !op.isRefused &&
      op.invoked < ended &&
      op.ended > takeOver.invoked,
  )

/** A commit that was acknowledged was stored meanwhile, and who reads gets what was stored meanwhile. */
function checkRegister(
  ops: readonly GroupOp[],
  changes: ReadonlyMap<string, readonly OffsetChange[]>,
  steady: (place: string) => boolean,
): readonly string[] {
  return ops.flatMap((op) => {
    const { groupId } = op
    const during = (place: string) => valuesDuring(op, changes.get(`${groupId} ${place}`) ?? [])
    if (op.kind === 'commit' || op.kind === 'reset') {
      return storedBy(op)
        .filter(([place, offset]) => steady(place) && !during(place).has(offset))
        .map(
          ([place, offset]) =>
            `${groupId}: ${op.kind} of ${place} to ${offset} was acknowledged and never stored`,
        )
    }
    if (op.kind === 'remove' || op.answer === undefined) return []
    const { answer } = op
    return op.places
      .map(placeName)
      .filter((place) => steady(place) && !during(place).has(answer.get(place)))
      .map((place) => {
        const possible = [...during(place)].map(offsetText).join(' or ')
        return `${groupId}: ${place} was read as ${offsetText(answer.get(place))}, not ${possible}`
      })
  })
}

const offsetText = (offset: number | undefined): string => String(offset ?? 'nothing')

/** Every value that there was between an operation's beginning and its end. */
function valuesDuring({ invoked, ended }: Span, changes: readonly OffsetChange[]): Set<number | undefined> {
  const values = new Set<number | undefined>()
  let last: number | undefined
  for (const { at, after } of changes) {
    if (at > ended) break
    if (at > invoked) values.add(after)
    else last = after
  }
  return values.add(last)
}

const storedBy = (op: CommitOp | ResetOp): readonly (readonly [string, number])[] =>
  op.kind === 'reset' ? [...(op.answer ?? [])] : [...op.offsets].filter(([place]) => op.acked.has(place))

/** What goes back or away was asked to, and its writer had seen what it replaced. */
function checkBackward(
  { ops, changes }: GroupHistory,
  steady: (place: string) => boolean,
): readonly string[] {
  const problems: string[] = []
  for (const change of changes) {
    const { groupId, place, before, after, at } = change
    if (!steady(place) || before === undefined || (after !== undefined && after >= before)) continue
    const what = `${groupId}: ${place} went from ${before} to ${offsetText(after)}`
    const asked = ops.some((op) => op.groupId === groupId && asksFor(op, change) && isUnderWay(op, at))
    if (!asked && !(after === undefined && isPast(change)))
      problems.push(`${what} and nobody had asked for it`)
    if (after !== undefined && !change.isExact) problems.push(`${what} by a write that had not seen that`)
  }
  return problems
}

function asksFor(op: GroupOp, { place, after }: OffsetChange): boolean {
  if (op.kind === 'commit') return after !== undefined && op.offsets.get(place) === after
  if (op.kind === 'reset') return after !== undefined && (op.answer?.get(place) ?? after) === after
  return op.kind === 'remove' && after === undefined && (op.places?.has(place) ?? true)
}

function isUnderWay(op: GroupOp, at: number): boolean {
  if (at < op.invoked || (op.kind !== 'fetchOffsets' && op.kind !== 'commit' && op.isRefused)) return false
  return at < op.ended || (op.kind === 'commit' && op.isLate)
}

const isPast = ({ atMs, commitTimestamp = 0 }: OffsetChange): boolean =>
  atMs - commitTimestamp > retentionMs - 60_000

/** What is still there some member of the group had, unless somebody made the group go over it. */
function checkDelivered(
  { history, reads, isSteady }: GroupFacts,
  changes: ReadonlyMap<string, readonly OffsetChange[]>,
  logs: readonly StoredLog[],
): readonly string[] {
  return [...reads].flatMap(([groupId, topicNames]) =>
    logs
      .filter(({ topicName }) => topicNames.has(topicName) && isSteady(topicName))
      .flatMap((log) => {
        const name = deliveredName(groupId, log)
        const delivered = history.delivered.get(name) ?? new Set()
        const skips = (changes.get(name) ?? []).filter(({ byStranger }) => byStranger)
        const isSkipped = (offset: number) =>
          skips.some(({ before = 0, after = 0 }) => before <= offset && offset < after)
        return presentIn(log)
          .filter((offset) => !delivered.has(offset) && !isSkipped(offset))
          .map((offset) => `${groupId}: offset ${offset} of ${placeName(log)} was never delivered`)
      }),
  )
}

const presentIn = ({ records, logStartOffset }: StoredLog): readonly number[] =>
  [...records.keys()].filter((offset) => offset >= logStartOffset && isThere(records[offset]))

const isThere = (record: StoredRecord | undefined): boolean =>
  record?.removedAt === undefined || record.removedAt === Number.POSITIVE_INFINITY
