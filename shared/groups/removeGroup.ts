// A group goes together with its committed offsets: nobody joins in between and finds half of them. Only what is beyond
// one transaction (offsets of more than 6,000 partitions) goes before, each step on the condition that nobody came.
// What stays for a while is that it is gone and how far its epochs came: late writes are refused by it.

import { groupUnchanged } from '../metadata/groupItem.ts'
import { ending, type GroupLife, stillAlive } from '../metadata/groupLifeItem.ts'
import type { StoredGroup } from '../metadata/groupState.ts'
import { alivePrefix, committedPrefix, instancePrefix } from '../metadata/scope.ts'
import { queryAll } from '../ports/queryAll.ts'
import { retryRepeatable, retryRepeatableWrite } from '../ports/retry.ts'
import type { ItemKey, TransactOutcome, TransactWrite } from '../ports/table.ts'
import { currentLife } from './groupLife.ts'
import type { GroupStoreDeps } from './groupStore.ts'

const writesPerTransaction = 100

/** `group` as it was read, without members. False: it has changed since. */
export async function removeGroup(
  deps: GroupStoreDeps,
  groupId: string,
  group: StoredGroup,
): Promise<boolean> {
  const first = await currentLife(deps, groupId)
  let life = first
  // Over by now counts as well: the answer may have been lost.
  while (life && life.number === first?.number) {
    const result = await endLife(deps, groupId, group, life)
    if (result === 'ended') break
    life = await currentLife(deps, groupId)
    if (result === 'changed' && life?.number === first.number) return false
  }
  await clearRemains(deps, groupId)
  return true
}

/** 'made': something was made meanwhile that was not seen. */
async function endLife(
  deps: GroupStoreDeps,
  groupId: string,
  group: StoredGroup,
  life: GroupLife,
): Promise<'ended' | 'changed' | 'made'> {
  const { listed, state } = deps.scope.consumerGroup(groupId)
  const offsets = await keysOf(deps, state.pk, committedPrefix)
  const when = groupUnchanged(group)
  const unchanged: TransactWrite = { kind: 'check', key: state, when }
  const alive: TransactWrite = { kind: 'check', key: listed, when: stillAlive(life) }
  while (offsets.length > writesPerTransaction - 2) {
    const some = offsets.splice(0, writesPerTransaction - 2)
    if (!(await transact(deps, [unchanged, alive, ...some.map(deletion)])).ok) return 'changed'
  }
  const last: TransactWrite = group.version > 0 ? { kind: 'delete', key: state, when } : unchanged
  const end = ending(listed, life, group.groupEpoch, deps.clock.now())
  const outcome = await transact(deps, [last, end, ...offsets.map(deletion)])
  if (outcome.ok) return 'ended'
  return outcome.failed.some(({ index }) => index === 0) ? 'changed' : 'made'
}

/** Heartbeats noted of members that were, and consumer instances: they mean nothing to a later group. */
export async function clearRemains(deps: GroupStoreDeps, groupId: string): Promise<void> {
  const { state, listedInstance } = deps.scope.consumerGroup(groupId)
  const [alive = [], instances = []] = await Promise.all(
    [alivePrefix, instancePrefix].map((prefix) => keysOf(deps, state.pk, prefix)),
  )
  for (const key of [...alive, ...instances, ...instances.map(listedInstance)]) {
    await retryRepeatable(deps, () => deps.table.write(deletion(key)))
  }
}

const deletion = (key: ItemKey) => ({ kind: 'delete', key }) as const

const transact = (deps: GroupStoreDeps, writes: readonly TransactWrite[]): Promise<TransactOutcome> =>
  retryRepeatableWrite(deps, () => deps.table.transact(writes))

const keysOf = async (deps: GroupStoreDeps, pk: string, prefix: string): Promise<ItemKey[]> =>
  (await queryAll(deps, { pk, prefix })).map(({ key }) => key)
