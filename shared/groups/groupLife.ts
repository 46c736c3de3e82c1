// Whether a group is alive, and in which life. Its name is listed before anything of it is made; whatever makes an item
// checks the life in the same transaction, so that one that lands late makes nothing for a group that is gone.

import { beginning, type GroupLife, lifeAfter, parseLife } from '../metadata/groupLifeItem.ts'
import { groupIdOf, type Scope } from '../metadata/scope.ts'
import { queryAll } from '../ports/queryAll.ts'
import { type RetryDeps, retryRepeatable } from '../ports/retry.ts'
import type { Item, Table } from '../ports/table.ts'

export interface GroupLifeDeps extends RetryDeps {
  readonly table: Table
  readonly scope: Scope
}

const parse = (item: Item | undefined): GroupLife | undefined => item && parseLife(item)

/** undefined: it is not alive. */
export async function currentLife(deps: GroupLifeDeps, groupId: string): Promise<GroupLife | undefined> {
  const { listed } = deps.scope.consumerGroup(groupId)
  const life = parse(await retryRepeatable(deps, () => deps.table.get(listed)))
  return life?.goneMs === undefined ? life : undefined
}

/** Begins a life where there is none. One that nothing is made in the collector ends. */
export async function listGroup(deps: GroupLifeDeps, groupId: string): Promise<GroupLife> {
  const { listed } = deps.scope.consumerGroup(groupId)
  let life = parse(await retryRepeatable(deps, () => deps.table.get(listed)))
  while (!life || life.goneMs !== undefined) {
    const before: GroupLife | undefined = life
    const outcome = await retryRepeatable(deps, () => deps.table.write(beginning(listed, before)))
    life = outcome.ok ? lifeAfter(before) : parse(outcome.current)
  }
  return life
}

export interface ListedGroup {
  readonly groupId: string
  readonly life: GroupLife
}

/** By id, ascending; those that are gone, too. */
export async function allLives(deps: GroupLifeDeps): Promise<readonly ListedGroup[]> {
  const items = await queryAll(deps, { pk: deps.scope.consumerGroupsPk })
  return items
    .map((item) => ({ groupId: groupIdOf(item.key.sk), life: parseLife(item) }))
    .sort((a, b) => (a.groupId < b.groupId ? -1 : 1))
}

/** Ids of those that are alive, ascending. */
export async function listedGroups(deps: GroupLifeDeps): Promise<readonly string[]> {
  const lives = await allLives(deps)
  return lives.flatMap(({ groupId, life }) => (life.goneMs === undefined ? [groupId] : []))
}
