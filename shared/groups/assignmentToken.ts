// Which answer a heartbeat speaks after. HTTP requests overtake each other: a heartbeat that was sent before its member
// came to own a partition must not be taken for the word that it has given it up. So a member repeats the token of the
// last answer, and what it says that it owns counts only where that is how the group still has it.
//
// Nothing is stored for it: as long as a member stays at one epoch it first gets more, then gives up more, so that the
// numbers of partitions tell every state of that way from every other.

import type { Assignment, StoredMember } from '../metadata/groupState.ts'

export const assignmentTokenOf = ({ memberEpoch, assigned, revoking }: StoredMember): string =>
  `${memberEpoch}.${count(assigned)}.${count(revoking)}`

/** KIP-848 knows no token: who sends none is believed. */
export const speaksAfter = (token: string | undefined, member: StoredMember): boolean =>
  token === undefined || token === assignmentTokenOf(member)

const count = (assignment: Assignment): number =>
  [...assignment.values()].reduce((sum, { length }) => sum + length, 0)
