// A group goes together with its committed offsets: nobody joins in between and finds half of them. Only what is beyond
// one transaction (offsets of more than 6,000 partitions) goes before, each step on the condition that nobody came.

import { groupUnchanged } from '../metadata/groupItem.ts'
import type { StoredGroup } from '../metadata/groupState.ts'
import { alivePrefix, committedPrefix, instancePrefix } from '../metadata/scope.ts'
import { retryRepeatable, retryRepeatableWrite } from '../ports/retry.ts'
import type { ItemKey, TransactOutcome, TransactWrite } from '../ports/table.ts'
import type { GroupStoreDeps } from './groupStore.ts'

const writesPerTransaction = 100
const keysPerPage = 500

/** `group` as it was read, without members. False: it has changed since. */
export async function removeGroup(
  deps: GroupStoreDeps,
  groupId: string,
  group: StoredGroup,
): Promise<boolean> {
  const { listed, state } = deps.scope.consumerGroup(groupId)
  const offsets = await keysOf(deps, state.pk, committedPrefix)
  const when = groupUnchanged(group)
  const isThere = group.version > 0
  const check: TransactWrite = { kind: 'check', key: state, when }
  const last: TransactWrite = isThere ? { kind: 'delete', key: state, when } : check
  while (offsets.length > writesPerTransaction - 2) {
    const some = offsets.splice(0, writesPerTransaction - 1)
    if (!(await transact(deps, [check, ...some.map(deletion)])).ok) return false
  }
  const outcome = await transact(deps, [last, ...[...offsets, listed].map(deletion)])
  // Gone already counts as well: the answer may have been lost.
  const isGone = isThere && !outcome.ok && outcome.failed.every(({ current }) => current === undefined)
  if (!outcome.ok && !isGone) return false
  // Heartbeats noted of members that were, and consumer instances: they mean nothing to a later group.
  const { listedInstance } = deps.scope.consumerGroup(groupId)
  const [alive = [], instances = []] = await Promise.all(
    [alivePrefix, instancePrefix].map((prefix) => keysOf(deps, state.pk, prefix)),
  )
  for (const key of [...alive, ...instances, ...instances.map(listedInstance)]) {
    await retryRepeatable(deps, () => deps.table.write(deletion(key)))
  }
  return true
}

const deletion = (key: ItemKey) => ({ kind: 'delete', key }) as const

const transact = (deps: GroupStoreDeps, writes: readonly TransactWrite[]): Promise<TransactOutcome> =>
  retryRepeatableWrite(deps, () => deps.table.transact(writes))

async function keysOf(deps: GroupStoreDeps, pk: string, prefix: string): Promise<ItemKey[]> {
  const keys: ItemKey[] = []
  for (let after: string | undefined; ; ) {
    const query = { pk, prefix, limit: keysPerPage, ...(after === undefined ? {} : { after }) }
    const { items, next } = await retryRepeatable(deps, () => deps.table.query(query))
    keys.push(...items.map(({ key }) => key))
    if (next === undefined) return keys
    after = next
  }
}
