// Sees every write of a group's items as it lands: what must hold of each stored group by itself and after the one
// before it, and how the committed offsets went, for the checkers. It changes nothing.

import { parseGroupItem } from '../../../shared/metadata/groupItem.ts'
import { parseOffsets, type StoredOffsets, versionAttribute } from '../../../shared/metadata/offsetsItem.ts'
import { committedBlockOf, groupIdOf } from '../../../shared/metadata/scope.ts'
import type { Item, ItemKey, Table, TransactWrite, Write } from '../../../shared/ports/table.ts'
import type { World } from '../world.ts'
import { type GroupHistory, placeName } from './history.ts'
import { checkStored, newSuccession, type Succession } from './stored.ts'

export interface GroupWatchDeps {
  readonly table: Table
  /** What the table holds in truth. */
  readonly stored: Pick<Table, 'get'>
  readonly history: GroupHistory
  /** How far apart two processes' clocks may be. */
  readonly skewMs: number
  readonly world: Pick<World, 'order' | 'now'>
  readonly report: (violation: string) => void
}

export function watchGroups({ table, stored, history, skewMs, world, report }: GroupWatchDeps): Table {
  const successions = new Map<string, Succession>()

  const noteState = (key: ItemKey, before: Item | undefined, after: Item | undefined) => {
    const groupId = groupOfKey(key)
    const was = before && parseGroupItem(before)
    const is = after && parseGroupItem(after)
    if (!is) {
      if (was && was.members.size > 0) report(`group ${groupId} was removed with members in it`)
      successions.delete(groupId)
      return
    }
    for (const { memberId, revokingSinceMs, rebalanceTimeoutMs } of was?.members.values() ?? []) {
      const isOverdue =
        world.now() - (revokingSinceMs ?? Number.POSITIVE_INFINITY) + skewMs > rebalanceTimeoutMs
      if (isOverdue && !is.members.has(memberId))
        history.timedOut.set(memberId, [...(history.timedOut.get(memberId) ?? []), world.order()])
    }
    const succession = successions.get(groupId) ?? newSuccession()
    successions.set(groupId, succession)
    for (const problem of checkStored(was, is, succession)) report(`group ${groupId}: ${problem}`)
  }

  const watched = async <T extends { readonly ok: boolean }>(
    writes: readonly TransactWrite[],
    carryOut: () => Promise<T>,
  ): Promise<T> => {
    const ours = writes.filter(isWatched)
    if (ours.length === 0) return carryOut()
    const before = await Promise.all(ours.map(({ key }) => stored.get(key)))
    const outcome = await carryOut()
    if (!outcome.ok) return outcome
    const after = await Promise.all(ours.map(({ key }) => stored.get(key)))
    for (const [i, write] of ours.entries()) {
      const note =
        write.key.sk === 'state'
          ? noteState.bind(undefined, write.key)
          : noteOffsets.bind(undefined, { history, world }, write)
      note(before[i], after[i])
    }
    return outcome
  }

  return {
    ...table,
    write: (write: Write) => watched([write], () => table.write(write)),
    transact: (writes) => watched(writes, () => table.transact(writes)),
  }
}

function noteOffsets(
  { history, world }: Pick<GroupWatchDeps, 'history' | 'world'>,
  write: TransactWrite,
  before: Item | undefined,
  after: Item | undefined,
): void {
  const groupId = groupOfKey(write.key)
  const { topicId } = committedBlockOf(write.key.sk)
  const was = parseOffsets(before)
  const is = parseOffsets(after)
  const topicName = is.topicName || was.topicName
  const isExact =
    write.when?.some((one) => one.kind === 'equals' && one.attribute === versionAttribute) ?? false
  for (const partition of new Set([...was.offsets.keys(), ...is.offsets.keys()])) {
    history.changes.push({
      ...{ groupId, topicId, place: placeName({ topicName, partition }), isExact },
      ...{ at: world.order(), atMs: world.now() },
      before: was.offsets.get(partition)?.offset,
      after: is.offsets.get(partition)?.offset,
      commitTimestamp: was.offsets.get(partition)?.commitTimestamp,
      byStranger: fenceOf(is, partition) % 2 === 1,
    })
  }
}

const isWatched = ({ kind, key }: TransactWrite): boolean =>
  kind !== 'check' && key.pk.includes('/group/') && (key.sk === 'state' || key.sk.startsWith('offsets/'))

const groupOfKey = ({ pk }: ItemKey): string => groupIdOf(pk.slice(pk.lastIndexOf('/') + 1))

const fenceOf = ({ fences }: StoredOffsets, partition: number): number => fences.get(partition) ?? 0
