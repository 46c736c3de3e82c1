// The stored group: read, and written on the condition that it is as it was read. Of a write whose answer was lost the
// item tells whether it happened; one that lands later than that is refused by its condition.

import { isDeepStrictEqual } from 'node:util'
import { StorageError } from '../base/errors.ts'
import { groupAttributes, groupUnchanged, parseGroupItem } from '../metadata/groupItem.ts'
import type { StoredGroup } from '../metadata/groupState.ts'
import { groupIdOf, type Scope } from '../metadata/scope.ts'
import { type RetryDeps, retryRepeatable, retryWithoutEffect } from '../ports/retry.ts'
import type { Attributes, Item, Table } from '../ports/table.ts'
import { noGroup } from './decide.ts'
import { groupFull } from './membership.ts'

export interface GroupStoreDeps extends RetryDeps {
  readonly table: Table
  readonly scope: Scope
}

/** A table item holds 400 KB with its names. */
const groupBytesMax = 390 * 1024
const groupsPerPage = 500
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

/** Error: GROUP_MAX_SIZE_REACHED, of what does not fit an item. */
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
  if (before.version === 0) await listGroup(deps, groupId)
  const key = deps.scope.consumerGroup(groupId).state
  const write = { kind: 'put', key, attributes, when: groupUnchanged(before) } as const
  try {
    const outcome = await retryWithoutEffect(deps, () => deps.table.write(write))
    // Who deleted the group while there was nothing but its name has taken it off the list again.
    if (outcome.ok && before.version === 0) await listGroup(deps, groupId)
    return outcome.ok ? { written: true, group } : { written: false, group: parse(outcome.current) }
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    const item = await readItem(deps, groupId)
    return { written: isDeepStrictEqual(item?.attributes, attributes), group: parse(item) }
  }
}

/** Groups are found by a list; what is on it and does not exist, the collector takes off. */
export async function listGroup(deps: GroupStoreDeps, groupId: string): Promise<void> {
  const key = deps.scope.consumerGroup(groupId).listed
  await retryRepeatable(deps, () => deps.table.write({ kind: 'put', key, attributes: {} }))
}

export async function isListed(deps: GroupStoreDeps, groupId: string): Promise<boolean> {
  const { listed } = deps.scope.consumerGroup(groupId)
  return (await retryRepeatable(deps, () => deps.table.get(listed))) !== undefined
}

/** Ids, ascending. */
export async function listedGroups(deps: GroupStoreDeps): Promise<readonly string[]> {
  const groupIds: string[] = []
  for (let after: string | undefined; ; ) {
    const query = {
      pk: deps.scope.consumerGroupsPk,
      limit: groupsPerPage,
      ...(after === undefined ? {} : { after }),
    }
    const { items, next } = await retryRepeatable(deps, () => deps.table.query(query))
    groupIds.push(...items.map(({ key }) => groupIdOf(key.sk)))
    if (next === undefined) return groupIds.sort()
    after = next
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
