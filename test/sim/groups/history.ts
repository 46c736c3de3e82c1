// What members of consumer groups asked and were told, what they held when, and how the stored offsets went: what the
// checkers of groups know of a run.

import type { Span } from '../history.ts'

export interface Place {
  readonly topicName: string
  readonly partition: number
}

export const placeName = ({ topicName, partition }: Place): string => `${topicName}-${partition}`

/** From when a member was told that a partition is its own to when it knew that it is not, or was no more. */
export interface Holding extends Place {
  readonly groupId: string
  readonly member: string
  readonly memberId: string
  readonly from: number
  readonly fromMs: number
  /** Infinity: it still thinks so. */
  to: number
  /** When it sent the last heartbeat that was answered. */
  heardMs: number
  /** After this long without a heartbeat its session may be over, on any process's clock. */
  readonly sureMs: number
}

/** Offsets that a member fetched of what it owns, or anybody of anything. */
export interface FetchOffsetsOp extends Span {
  readonly kind: 'fetchOffsets'
  readonly groupId: string
  readonly member: string | undefined
  readonly memberEpoch: number
  readonly places: readonly Place[]
  /** By place; undefined: refused, or no answer. */
  answer: ReadonlyMap<string, number> | undefined
}

export interface CommitOp extends Span {
  readonly kind: 'commit'
  readonly groupId: string
  readonly member: string
  /** undefined: a v2 consumer instance knows its epoch itself. */
  readonly memberEpoch: number | undefined
  readonly offsets: ReadonlyMap<string, number>
  /** Places whose commit was acknowledged. */
  acked: ReadonlySet<string>
  /** Nothing of it happened. */
  isRefused: boolean
  /** Delivered (again) some time after: what it does it may do then. */
  isLate: boolean
}

export interface ResetOp extends Span {
  readonly kind: 'reset'
  readonly groupId: string
  answer: ReadonlyMap<string, number> | undefined
  isRefused: boolean
}

export interface RemoveOp extends Span {
  readonly kind: 'remove'
  readonly groupId: string
  /** undefined: the whole group. */
  readonly places: ReadonlySet<string> | undefined
  isRefused: boolean
}

export type GroupOp = FetchOffsetsOp | CommitOp | ResetOp | RemoveOp

/** A committed offset as it was stored, or taken away. */
export interface OffsetChange {
  readonly groupId: string
  readonly topicId: string
  readonly place: string
  readonly at: number
  readonly atMs: number
  readonly before: number | undefined
  readonly after: number | undefined
  readonly commitTimestamp: number | undefined
  /** Whoever wrote it was no member. */
  readonly byStranger: boolean
  /** The write could only replace the very item that its writer had seen. */
  readonly isExact: boolean
}

export interface GroupHistory {
  readonly ops: GroupOp[]
  readonly holdings: Holding[]
  readonly changes: OffsetChange[]
  /** Member ids of those who were put out because they gave up nothing in time, and when. */
  readonly timedOut: Map<string, readonly number[]>
  /** By group and place: offsets of records that some member had. */
  readonly delivered: Map<string, Set<number>>
}

export const newGroupHistory = (): GroupHistory => ({
  ops: [],
  holdings: [],
  changes: [],
  timedOut: new Map(),
  delivered: new Map(),
})

export const deliveredName = (groupId: string, place: Place): string => `${groupId} ${placeName(place)}`

export function noteDelivered(history: GroupHistory, groupId: string, place: Place, offset: number): void {
  const name = deliveredName(groupId, place)
  const offsets = history.delivered.get(name) ?? new Set()
  history.delivered.set(name, offsets.add(offset))
}
