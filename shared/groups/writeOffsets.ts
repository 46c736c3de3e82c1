// Writes a plan of committed offsets. What makes the item goes together with the group's life, so that it is made only
// for a group that is alive, and found by whoever removes it.

import { type GroupLife, making } from '../metadata/groupLifeItem.ts'
import { parseOffsets, type StoredOffsets } from '../metadata/offsetsItem.ts'
import type { ItemKey, Write } from '../ports/table.ts'
import type { OffsetsDeps } from './offsetsDeps.ts'
import type { BlockPlan } from './planOffsetCommit.ts'

export type OffsetsOutcome =
  | { readonly ok: true }
  /** The item as the refusal brought it; undefined: it did not. */
  | { readonly ok: false; readonly seen: StoredOffsets | undefined }

/** Where there is no item, one is made in the group's life. */
export async function inLife(
  seen: StoredOffsets,
  lifeOf: () => Promise<GroupLife>,
): Promise<{ readonly seen: StoredOffsets; readonly life: GroupLife | undefined }> {
  if (seen.version !== undefined) return { seen, life: undefined }
  const life = await lifeOf()
  return { seen: { ...seen, epochFloor: life.epochFloor }, life }
}

/** `life`: of a plan that makes the item. */
export async function writeOffsets(
  { table, scope }: OffsetsDeps,
  groupId: string,
  key: ItemKey,
  { actions, when }: Pick<BlockPlan, 'actions' | 'when'>,
  life: GroupLife | undefined,
): Promise<OffsetsOutcome> {
  const update: Write = { kind: 'update', key, actions, when }
  if (life) {
    const { ok } = await table.transact([update, making(scope.consumerGroup(groupId).listed, life)])
    return ok ? { ok } : { ok, seen: undefined }
  }
  const outcome = await table.write(update)
  return outcome.ok ? { ok: true } : { ok: false, seen: parseOffsets(outcome.current) }
}
