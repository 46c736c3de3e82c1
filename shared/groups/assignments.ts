// Sets of partitions, by topic id. Every function answers a new assignment or one that it was given, and changes none;
// topics without partitions are left out, partitions ascend.

import type { Assignment } from '../metadata/groupState.ts'

export const noPartitions: Assignment = new Map()

/** What of `assignment` is in `other`, too. */
export function intersect(assignment: Assignment, other: Assignment): Assignment {
  const isInOther = membership(other)
  return pick(assignment, isInOther)
}

/** What of `assignment` is not in `other`. */
export function subtract(assignment: Assignment, other: Assignment): Assignment {
  const isInOther = membership(other)
  return pick(assignment, (topicId, partition) => !isInOther(topicId, partition))
}

/** Of two that have nothing in common. */
export function join(a: Assignment, b: Assignment): Assignment {
  if (b.size === 0) return a
  const joined = new Map(a)
  for (const [topicId, partitions] of b) {
    const others = a.get(topicId)
    joined.set(topicId, others ? [...others, ...partitions].sort((x, y) => x - y) : partitions)
  }
  return joined
}

export function overlap(a: Assignment, b: Assignment): boolean {
  if (a.size === 0 || b.size === 0) return false
  const isInB = membership(b)
  return some(a, isInB)
}

/** Everything in `inner` is in `outer`. */
export function isWithin(inner: Assignment, outer: Assignment): boolean {
  const isInOuter = membership(outer)
  return !some(inner, (topicId, partition) => !isInOuter(topicId, partition))
}

export function sameAssignment(a: Assignment, b: Assignment): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId)
    if (others?.length !== partitions.length) return false
    if (partitions.some((partition, i) => partition !== others[i])) return false
  }
  return true
}

export function pick(
  assignment: Assignment,
  wanted: (topicId: string, partition: number) => boolean,
): Assignment {
  const picked = new Map<string, readonly number[]>()
  for (const [topicId, partitions] of assignment) {
    const some = partitions.filter((partition) => wanted(topicId, partition))
    if (some.length > 0) picked.set(topicId, some)
  }
  return picked
}

function some(assignment: Assignment, wanted: (topicId: string, partition: number) => boolean): boolean {
  for (const [topicId, partitions] of assignment) {
    if (partitions.some((partition) => wanted(topicId, partition))) return true
  }
  return false
}

/** A topic's partitions become a set when they are asked for first. */
function membership(assignment: Assignment): (topicId: string, partition: number) => boolean {
  const sets = new Map<string, ReadonlySet<number>>()
  return (topicId, partition) => {
    const known = sets.get(topicId)
    if (known) return known.has(partition)
    const made = new Set(assignment.get(topicId))
    sets.set(topicId, made)
    return made.has(partition)
  }
}
