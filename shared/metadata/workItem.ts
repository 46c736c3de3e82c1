// An item of the work list: a sequencer that the compactor shall look at, from the time in its sort key on. Attributes
// (names are stored):
//
//   marks   how many times it was marked: who has worked on it takes it off the list only if that is still true
//   d<p>    when partition p is due, in milliseconds
//   tail    when the tail's oldest entry has waited long enough
//   all     1: every partition is due
//
// Due at 0 it is a writer's mark: there may be something to merge. Later, with marks alone, it is for all partitions.

import type { Action, Item, ItemKey, Write } from '../ports/table.ts'

export interface WorkItem {
  readonly key: ItemKey
  readonly marks: number
  readonly topicId: string
  readonly group: number
  /** For what is unmerged. */
  readonly isWritersMark: boolean
  readonly isForAll: boolean
  readonly dues: ReadonlyMap<number, number>
}

export function parseWorkItem({ key, attributes }: Item): WorkItem {
  const [due = '', topicId = '', group = ''] = key.sk.split('/')
  const dues = Object.entries(attributes).flatMap(([name, value]): [number, number][] => {
    const partition = /^d(\d+)$/.exec(name)?.[1]
    return partition !== undefined && typeof value === 'number' ? [[Number(partition), value]] : []
  })
  const isWritersMark = Number(due) === 0
  const namesNothing = dues.length === 0 && attributes.tail === undefined
  return {
    key,
    marks: typeof attributes[marksAttribute] === 'number' ? attributes[marksAttribute] : 0,
    topicId,
    group: Number(group),
    isWritersMark,
    isForAll: attributes.all !== undefined || (!isWritersMark && namesNothing),
    dues: new Map(dues),
  }
}

const marksAttribute = 'marks'

export interface WorkDues {
  readonly tailMs?: number | undefined
  readonly partitions?: ReadonlyMap<number, number>
  readonly all?: boolean
}

/** Puts it on the list, or adds to what is there; without dues it is a mark. */
export function workWrite(
  key: ItemKey,
  { tailMs, partitions, all }: WorkDues = {},
): Write & { kind: 'update' } {
  const set = (attribute: string, value: number): Action => ({ kind: 'set', attribute, value })
  const actions: Action[] = [{ kind: 'add', attribute: marksAttribute, value: 1 }]
  if (tailMs !== undefined) actions.push(set('tail', tailMs))
  if (all) actions.push(set('all', 1))
  for (const [partition, dueMs] of partitions ?? []) actions.push(set(`d${partition}`, dueMs))
  return { kind: 'update', key, actions }
}

/** Refused where it was marked again since it was read. */
export const workDone = ({ key, marks }: WorkItem): Write => ({
  kind: 'delete',
  key,
  when: [{ kind: 'equals', attribute: marksAttribute, value: marks }],
})
