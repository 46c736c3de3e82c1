// The item by which a consumer group is listed: its life. A group that was removed and made again lives once more, and
// what was meant for a life before changes nothing in a later one. Attributes (names are stored):
//
//   n     which life of a group of this name, from 1
//   e     floor of its epochs: above every epoch of the lives before (absent: 0, there was none)
//   m     grows with every item that is made for the group: who removes them has seen them all
//   gone  when the group was removed, in ms (absent: it is alive)

import { invariant } from '../base/errors.ts'
import type { Action, Condition, Item, ItemKey, TransactWrite, Write } from '../ports/table.ts'

export interface GroupLife {
  readonly number: number
  /** The first epoch is one more. */
  readonly epochFloor: number
  readonly made: number
  /** undefined: it is alive. */
  readonly goneMs: number | undefined
}

const numberAttribute = 'n'
const floorAttribute = 'e'
const madeAttribute = 'm'
const goneAttribute = 'gone'

const firstLife: GroupLife = { number: 1, epochFloor: 0, made: 0, goneMs: undefined }

export function parseLife({ attributes }: Item): GroupLife {
  const { [numberAttribute]: number, [floorAttribute]: floor = 0, [madeAttribute]: made = 0 } = attributes
  const { [goneAttribute]: goneMs } = attributes
  const isWhole = typeof number === 'number' && typeof floor === 'number' && typeof made === 'number'
  invariant(isWhole, 'a listed group has its life')
  return { number, epochFloor: floor, made, goneMs: typeof goneMs === 'number' ? goneMs : undefined }
}

/** `before` undefined: the first. */
export function lifeAfter(before: GroupLife | undefined): GroupLife {
  return before ? { ...before, number: before.number + 1, goneMs: undefined } : firstLife
}

/** Puts `lifeAfter(before)` there. */
export function beginning(key: ItemKey, before: GroupLife | undefined): Write {
  if (!before) {
    return { kind: 'put', key, attributes: { [numberAttribute]: 1 }, when: [{ kind: 'itemAbsent' }] }
  }
  const actions: Action[] = [
    { kind: 'set', attribute: numberAttribute, value: before.number + 1 },
    { kind: 'remove', attribute: goneAttribute },
  ]
  return { kind: 'update', key, actions, when: [isNumber(before)] }
}

/** Goes with every write that makes an item. */
export const making = (key: ItemKey, life: GroupLife): TransactWrite => ({
  kind: 'update',
  key,
  actions: [{ kind: 'add', attribute: madeAttribute, value: 1 }],
  when: stillAlive(life),
})

export const stillAlive = (life: GroupLife): readonly Condition[] => [
  isNumber(life),
  { kind: 'absent', attribute: goneAttribute },
]

/** Unless something was made since `life` was read. `epoch`: the last one. */
export function ending(key: ItemKey, life: GroupLife, epoch: number, nowMs: number): TransactWrite {
  const nothingMade: Condition =
    life.made === 0
      ? { kind: 'absent', attribute: madeAttribute }
      : { kind: 'equals', attribute: madeAttribute, value: life.made }
  // One more than the last: no fence of this life is one of the next, not even that of who is no member.
  const floor = Math.max(epoch, life.epochFloor) + 1
  const actions: Action[] = [
    { kind: 'set', attribute: goneAttribute, value: nowMs },
    { kind: 'set', attribute: floorAttribute, value: floor },
  ]
  return { kind: 'update', key, actions, when: [...stillAlive(life), nothingMade] }
}

/** Of a life that is over. */
export const forgetting = (key: ItemKey, life: GroupLife): Write => ({
  kind: 'delete',
  key,
  when: [isNumber(life), { kind: 'exists', attribute: goneAttribute }],
})

const isNumber = ({ number }: GroupLife): Condition => ({
  kind: 'equals',
  attribute: numberAttribute,
  value: number,
})
