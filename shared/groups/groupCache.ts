// A group as this process saw it last: the same version is always the same object, and a read that was overtaken by a
// later one changes nothing.

import type { StoredGroup } from '../metadata/groupState.ts'
import { type GroupStoreDeps, readGroup } from './groupStore.ts'

export interface GroupCache {
  /** As it was within the last second, where that is known. */
  known(): StoredGroup | undefined
  /** As the table has it. */
  read(): Promise<StoredGroup>
  learn(group: StoredGroup): void
}

interface Known {
  readonly group: StoredGroup
  readonly atMs: number
  /** Grows with every group that is learned. */
  readonly learned: number
}

const maxAgeMs = 1_000
const never = -1

/** What there is none of may still have had lives before. */
const isSame = (a: StoredGroup, b: StoredGroup): boolean =>
  a.version === b.version && (a.version > 0 || a.groupEpoch === b.groupEpoch)

/** A group that is gone has version 0. Another one of its name may have a lower one: who asked since knows that. */
const isLater = ({ version }: StoredGroup, known: Known, began: number): boolean =>
  version === 0 || version > known.group.version || began >= known.learned

export function createGroupCache(deps: GroupStoreDeps, groupId: string): GroupCache {
  let latest: Known | undefined
  let learned = 0

  const learn = (group: StoredGroup, atMs: number, began: number): StoredGroup => {
    if (latest && isSame(latest.group, group)) latest = { ...latest, atMs }
    else if (!latest || isLater(group, latest, began)) latest = { group, atMs, learned: ++learned }
    return latest.group
  }

  return {
    known: () => (latest && deps.clock.now() - latest.atMs <= maxAgeMs ? latest.group : undefined),
    async read() {
      const atMs = deps.clock.now()
      const began = learned
      return learn(await readGroup(deps, groupId), atMs, began)
    },
    learn: (group) => {
      learn(group, deps.clock.now(), never)
    },
  }
}
