// Who is gone: members whose session ended, and members that did not give up in time what they were asked to.

import type { StoredMember } from '../metadata/groupState.ts'

/** When the last heartbeat was noted for a slot; undefined: never, or only with the member itself. */
export type LastSeen = (slot: number) => number | undefined

/** Of a session. Heartbeats are noted each third of it, so that who is heard of regularly is never late. */
const lateShare = 2 / 3

const lastSeenMs = (member: StoredMember, lastSeen: LastSeen): number =>
  Math.max(member.seenAtMs, lastSeen(member.slot) ?? 0)

/** So late that somebody else may be about to miss it. */
export const comesLate = (member: StoredMember, nowMs: number, lastSeen: LastSeen): boolean =>
  nowMs - lastSeenMs(member, lastSeen) > member.sessionTimeoutMs * lateShare

export const sessionEnded = (member: StoredMember, nowMs: number, lastSeen: LastSeen): boolean =>
  nowMs - lastSeenMs(member, lastSeen) > member.sessionTimeoutMs

export const rebalanceTimedOut = (member: StoredMember, nowMs: number): boolean =>
  member.revokingSinceMs !== undefined && nowMs - member.revokingSinceMs > member.rebalanceTimeoutMs
