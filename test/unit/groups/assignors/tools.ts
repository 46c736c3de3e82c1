// Assignments as text, and groups to assign: for the tests of both assignors.
import type { Assignor, MemberToAssign, ToAssign } from '../../../../shared/groups/assignors/assignor.ts'
import type { Assignment } from '../../../../shared/metadata/groupState.ts'

/** Topic ids are the names with a letter before them that sorts them the other way: nothing may go by ids. */
export const idOf = (name: string): string =>
  `${[...name].map((letter) => String.fromCharCode(255 - letter.charCodeAt(0))).join('')}/${name}`

export const nameOf = (topicId: string): string => topicId.split('/')[1] ?? ''

export const topicsOf = (partitionCounts: Readonly<Record<string, number>>): ToAssign['topics'] =>
  new Map(
    Object.entries(partitionCounts).map(([name, partitionCount]) => [idOf(name), { name, partitionCount }]),
  )

export function member(
  memberId: string,
  topics: readonly string[],
  previous: Assignment = new Map(),
  instanceId?: string,
): MemberToAssign {
  return { memberId, instanceId, topics: topics.map(idOf), previous }
}

/** 't0p0 t0p1': by name and partition. */
export const textOf = (assignment: Assignment | undefined): string =>
  [...(assignment ?? [])]
    .flatMap(([topicId, partitions]) => partitions.map((partition) => `${nameOf(topicId)}p${partition}`))
    .sort()
    .join(' ')

export const assigned = (
  assign: Assignor,
  toAssign: { members: readonly MemberToAssign[]; topics: ToAssign['topics'] },
): Record<string, string> =>
  Object.fromEntries([...assign(toAssign)].map(([memberId, assignment]) => [memberId, textOf(assignment)]))

export const previously = (text: string): Assignment => {
  const assignment = new Map<string, number[]>()
  for (const [, name = '', partition] of text.matchAll(/(\w+)p(\d+)/g)) {
    assignment.set(idOf(name), [...(assignment.get(idOf(name)) ?? []), Number(partition)])
  }
  return assignment
}
