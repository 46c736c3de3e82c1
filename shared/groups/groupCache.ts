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

const maxAgeMs = 1_000

export function createGroupCache(deps: GroupStoreDeps, groupId: string): GroupCache {
  let latest: { readonly group: StoredGroup; readonly atMs: number } | undefined

  const learn = (group: StoredGroup, atMs: number): StoredGroup => {
    if (latest?.group.version === group.version) latest = { group: latest.group, atMs }
    // Only a deleted group goes back, to version 0.
    else if (!latest || group.version === 0 || group.version > latest.group.version) latest = { group, atMs }
    return latest.group
  }

  return {
    known: () => (latest && deps.clock.now() - latest.atMs <= maxAgeMs ? latest.group : undefined),
    async read() {
      const atMs = deps.clock.now()
      return learn(await readGroup(deps, groupId), atMs)
    },
    learn: (group) => {
      learn(group, deps.clock.now())
    },
  }
}
