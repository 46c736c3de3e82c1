// How many topics, partitions and groups a tenant has: read once in a while, and counted on from there for what this
// process makes.

import { type GroupLifeDeps, listedGroups } from '../groups/groupLife.ts'
import { createRemembered } from '../ports/remembered.ts'
import type { Cluster } from './cluster.ts'

export interface TenantCounts {
  topics(): Promise<{ readonly topics: number; readonly partitions: number }>
  noteTopics(topics: number, partitions: number): void
  /** How many groups there are beside this one; undefined: it is one of those that are there. */
  groupsBeside(groupId: string): Promise<number | undefined>
  noteGroup(groupId: string): void
}

const maxAgeMs = 4000

export function createTenantCounts(deps: GroupLifeDeps, cluster: Pick<Cluster, 'listTopics'>): TenantCounts {
  const settings = { clock: deps.clock, maxAgeMs, entriesMax: 1 }
  let made = { topics: 0, partitions: 0 }
  const topics = createRemembered(settings, async () => {
    const before = made
    const all = await cluster.listTopics()
    const partitions = all.reduce((sum, { partitionCount }) => sum + partitionCount, 0)
    // What was made while the list was read may or may not be in it.
    return { topics: all.length - before.topics, partitions: partitions - before.partitions }
  })
  // Groups that were there once are asked for again and again: only one that is not known costs another look.
  const known = new Set<string>()
  const groups = createRemembered(settings, async () => {
    const there = await listedGroups(deps)
    known.clear()
    for (const groupId of there) known.add(groupId)
  })

  return {
    async topics() {
      const there = await topics.get('')
      return { topics: there.topics + made.topics, partitions: there.partitions + made.partitions }
    },
    noteTopics(more, partitions) {
      made = { topics: made.topics + more, partitions: made.partitions + partitions }
    },
    async groupsBeside(groupId) {
      if (!known.has(groupId)) await groups.get('')
      return known.has(groupId) ? undefined : known.size
    },
    noteGroup: (groupId) => {
      known.add(groupId)
    },
  }
}
