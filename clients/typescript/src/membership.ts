// A member's side of Kafka's consumer group protocol (KIP-848), without its calls: a heartbeat says what the member
// owns, its answer what it is to own. What is too much is given up first; what is missing is taken when the group
// shows it.

import { codes, isRefusal } from './errors.ts'
import { isRetriable } from './retry.ts'
import { type TopicPartition, without } from './topicPartition.ts'

export interface Membership {
  readonly memberId: string
  /** As the group answered it last; 0: to join. */
  readonly epoch: number
  readonly owned: readonly TopicPartition[]
  /** What the group wants the member to own. */
  readonly target: readonly TopicPartition[]
  /** The group's, of the answer that named this target. */
  readonly token: string | undefined
  /** Grows when the member lost its place with all that it owned. */
  readonly generation: number
}

export const outsider = (memberId: string): Membership => ({
  memberId,
  epoch: 0,
  owned: [],
  target: [],
  token: undefined,
  generation: 0,
})

export interface HeartbeatAnswer {
  readonly epoch: number
  /** undefined: what the heartbeat said is right. */
  readonly assignment: readonly TopicPartition[] | undefined
  readonly token: string | undefined
}

/** `said`: the membership that the heartbeat told of; an answer to an earlier life says nothing any more. */
export function answered(now: Membership, said: Membership, answer: HeartbeatAnswer): Membership {
  if (said.generation !== now.generation) return now
  return { ...now, epoch: answer.epoch, target: answer.assignment ?? said.owned, token: answer.token }
}

/** The place is gone: joining is the only way back. */
export const lost = (now: Membership): Membership => ({
  ...now,
  epoch: 0,
  owned: [],
  target: [],
  token: undefined,
  generation: now.generation + 1,
})

export function owning(now: Membership, generation: number, owned: readonly TopicPartition[]): Membership {
  return generation === now.generation ? { ...now, owned } : now
}

/**
 * Repeated by a member that has taken what it was given. Of one that has not, a heartbeat that comes late would else be
 * taken for the word that it has given that up.
 */
export const tokenToRepeat = (now: Membership): string | undefined =>
  now.token === undefined || stepsOf(now).assign.length === 0 ? now.token : ''

export interface Steps {
  readonly revoke: readonly TopicPartition[]
  readonly assign: readonly TopicPartition[]
}

export const stepsOf = ({ owned, target }: Membership): Steps => ({
  revoke: without(owned, target),
  assign: without(target, owned),
})

/** The group says that this member has no place in it, or not the one that it believes to have. */
export function isOut(error: unknown): boolean {
  return isRefusal(error, codes.unknownMember, codes.fencedMemberEpoch)
}

export type Reaction = 'again' | 'rejoin' | 'fail'

export function reactionTo(error: unknown): Reaction {
  if (isOut(error)) return 'rejoin'
  return isRetriable(error) ? 'again' : 'fail'
}
