// The stored group: read, and written on the condition that it is as it was read. Of a write whose answer was lost the
// item tells whether it happened; one that lands later than that is refused by its condition, and one that makes the
// group also by the group's life.

import { isDeepStrictEqual } from 'node:util'
import { StorageError } from '../base/errors.ts'
import { groupAttributes, groupUnchanged, parseGroupItem } from '../metadata/groupItem.ts'
import { making } from '../metadata/groupLifeItem.ts'
import type { StoredGroup } from '../metadata/groupState.ts'
import { retryRepeatable, retryWithoutEffect } from '../ports/retry.ts'
import type { Attributes, Item, Write } from '../ports/table.ts'
import { noGroup } from './decide.ts'
import { type GroupLifeDeps, listGroup } from './groupLife.ts'
import { groupFull } from './membership.ts'

export type GroupStoreDeps = GroupLifeDeps

/** A table item holds 400 KB with its names. */
const groupBytesMax = 390 * 1024
/** More writes than any table takes. */
const versionsPerMs = 1_000

export async function readGroup(deps: GroupStoreDeps, groupId: string): Promise<StoredGroup> {
  return parse(await readItem(deps, groupId))
}

export interface GroupWritten {
  readonly written: boolean
  /** As it is stored now. */
  readonly group: StoredGroup
}

/**
 * A group that is made goes on from the epochs of its lives before: one that was decided from an earlier epoch is not
 * written. Error: GROUP_MAX_SIZE_REACHED, of what does not fit an item.
 */
export async function writeGroup(
  deps: GroupStoreDeps,
  groupId: string,
  before: StoredGroup,
  changed: StoredGroup,
): Promise<GroupWritten> {
  // By the clock where there is no item: a group that is deleted and made again never repeats a version, so that no
  // late write takes the one for the other.
  const version = before.version === 0 ? deps.clock.now() * versionsPerMs : before.version + 1
  const group = { ...changed, version }
  const attributes = groupAttributes(group)
  checkSize(attributes)
  const key = deps.scope.consumerGroup(groupId).state
  const write: Write = { kind: 'put', key, attributes, when: groupUnchanged(before) }
  const life = before.version === 0 ? await listGroup(deps, groupId) : undefined
  if (life && life.epochFloor !== before.groupEpoch) {
    return { written: false, group: { ...noGroup, groupEpoch: life.epochFloor } }
  }
  try {
    if (life) {
      const { listed } = deps.scope.consumerGroup(groupId)
      const { ok } = await retryWithoutEffect(deps, () => deps.table.transact([write, making(listed, life)]))
      return ok ? { written: true, group } : { written: false, group: await readGroup(deps, groupId) }
    }
    const outcome = await retryWithoutEffect(deps, () => deps.table.write(write))
    return outcome.ok ? { written: true, group } : { written: false, group: parse(outcome.current) }
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    const item = await readItem(deps, groupId)
    return { written: isDeepStrictEqual(item?.attributes, attributes), group: parse(item) }
  }
}

const readItem = (deps: GroupStoreDeps, groupId: string): Promise<Item | undefined> =>
  retryRepeatable(deps, () => deps.table.get(deps.scope.consumerGroup(groupId).state))

const parse = (item: Item | undefined): StoredGroup => (item ? parseGroupItem(item) : noGroup)

function checkSize(attributes: Attributes): void {
  const bytes = Object.values(attributes).reduce(
    (sum: number, value) => sum + (value instanceof Uint8Array ? value.length : 0),
    0,
  )
  if (bytes > groupBytesMax) throw groupFull(`it would take ${bytes} bytes and ${groupBytesMax} are allowed`)
}
