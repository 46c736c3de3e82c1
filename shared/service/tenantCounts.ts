// How many topics, partitions, groups and consumer instances a tenant has: read once in a while, and counted on from
// there for what this process makes.

import { type GroupLifeDeps, listedGroups } from '../groups/groupLife.ts'
import { queryAll } from '../ports/queryAll.ts'
import { createRemembered, type RememberedSettings } from '../ports/remembered.ts'
import type { Cluster } from './cluster.ts'
import type { InstanceId } from './consumerInstances.ts'

export interface TenantCounts {
  topics(): Promise<{ readonly topics: number; readonly partitions: number }>
  noteTopics(topics: number, partitions: number): void
  readonly groups: Count<string>
  readonly instances: Count<InstanceId>
}

export interface Count<Id> {
  /** How many there are beside this one; undefined: it is one of those that are there. */
  beside(id: Id): Promise<number | undefined>
  note(id: Id): void
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
  const listedInstance = ({ groupId, name }: InstanceId) => {
    const group = deps.scope.consumerGroup(groupId)
    return group.listedInstance(group.instance(name)).sk
  }
  const instances = async () =>
    (await queryAll(deps, { pk: deps.scope.instancesPk })).map(({ key }) => key.sk)

  return {
    async topics() {
      const there = await topics.get('')
      return { topics: there.topics + made.topics, partitions: there.partitions + made.partitions }
    },
    noteTopics(more, partitions) {
      made = { topics: made.topics + more, partitions: made.partitions + partitions }
    },
    groups: createCount(
      settings,
      () => listedGroups(deps),
      (groupId) => groupId,
    ),
    instances: createCount(settings, instances, listedInstance),
  }
}

/** `nameOf`: as the list has it. */
function createCount<Id>(
  settings: RememberedSettings,
  list: () => Promise<readonly string[]>,
  nameOf: (id: Id) => string,
): Count<Id> {
  // What was there once is asked for again and again: only one that is not known costs another look.
  const known = new Set<string>()
  const listed = createRemembered(settings, async () => {
    const there = await list()
    known.clear()
    for (const name of there) known.add(name)
  })
  return {
    async beside(id) {
      const name = nameOf(id)
      if (!known.has(name)) await listed.get('')
      return known.has(name) ? undefined : known.size
    },
    note: (id) => {
      known.add(nameOf(id))
    },
  }
}
