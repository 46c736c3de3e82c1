// What an assignor decides on and what it answers. Pure and deterministic: the same members and topics make the same
// assignment in any process. Every partition of a topic that somebody subscribes to gets exactly one owner.

import type { Assignment } from '../../metadata/groupState.ts'

export interface MemberToAssign {
  readonly memberId: string
  readonly instanceId: string | undefined
  /** Ids of the topics that it subscribes to. */
  readonly topics: readonly string[]
  /** What it was to own until now. */
  readonly previous: Assignment
}

export interface ToAssign {
  readonly members: readonly MemberToAssign[]
  /** By topic id; others do not exist. */
  readonly topics: ReadonlyMap<string, { readonly name: string; readonly partitionCount: number }>
}

/** Every member is in the answer. */
export type Assignor = (toAssign: ToAssign) => ReadonlyMap<string, Assignment>

export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
