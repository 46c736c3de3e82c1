// What consumer groups cost in table calls and time, in this process on the storage of one machine: the calls are
// counted, and the clock can be moved on, so that ten minutes of heartbeats take a second.

import { createScope } from '../shared/metadata/scope.ts'
import type { Table } from '../shared/ports/table.ts'
import { systemClock, systemRandom } from '../shared/runtime/clock.ts'
import { createCluster } from '../shared/service/createCluster.ts'
import type { Groups, TopicPartition } from '../shared/service/groups.ts'
import { defaultClusterSettings } from '../shared/service/settings.ts'
import { openEmbeddedStorage } from '../shared/storage/embedded/open.ts'

export interface Costs {
  readonly heartbeats: number
  readonly milliseconds: number
  readonly tableReads: number
  readonly tableWrites: number
}

export interface GroupCosts {
  /** All members at once, until each has what it is to have. */
  readonly joining: Costs
  readonly oneLeaves: Costs
  readonly oneJoins: Costs
  /** Ten minutes of them. */
  readonly heartbeating: Costs
  readonly committing: Costs & { readonly commits: number }
}

interface Member {
  readonly memberId: string
  epoch: number
  owned: readonly TopicPartition[]
}

const topic = 'bench'
const groupId = 'bench'
const heartbeatEveryMs = 5_000
const minutes = 10
const commits = 1_000

export async function measureGroupCosts(
  folder: string,
  members: number,
  partitions: number,
): Promise<GroupCosts> {
  const storage = await openEmbeddedStorage(folder)
  try {
    return await measure(storage, members, partitions)
  } finally {
    await storage.close()
  }
}

async function measure(
  { objects, table }: Pick<Awaited<ReturnType<typeof openEmbeddedStorage>>, 'objects' | 'table'>,
  memberCount: number,
  partitionCount: number,
): Promise<GroupCosts> {
  const counted = countCalls(table)
  let aheadMs = 0
  const clock = { ...systemClock, now: () => systemClock.now() + aheadMs }
  const reportBackgroundFailure = (error: unknown) => {
    throw error
  }
  const deps = { objects, table: counted.table, clock, random: systemRandom, scope: createScope('bench') }
  const { createTopic, groups } = createCluster(
    { ...deps, reportBackgroundFailure },
    'bench',
    defaultClusterSettings,
  )
  await createTopic({ name: topic, partitionCount, configs: [], validateOnly: false })
  const members = Array.from({ length: memberCount }, (_, index) => newMember(`member-${index}`))
  const joining = await counted.during(() => settle(groups, members, partitionCount))
  const [first, ...others] = members
  const oneLeaves = await counted.during(async () => {
    if (first) await leave(groups, first)
    return settle(groups, others, partitionCount)
  })
  const stable = [...others, newMember('new')]
  const oneJoins = await counted.during(() => settle(groups, stable, partitionCount))
  const heartbeating = await counted.during(async () => {
    for (let round = 0; round < (minutes * 60_000) / heartbeatEveryMs; round++) {
      aheadMs += heartbeatEveryMs
      for (const member of stable) await beat(groups, member)
    }
    return (stable.length * minutes * 60_000) / heartbeatEveryMs
  })
  // A process learns once what it goes by; what is measured is what follows.
  await commit(groups, stable[0])
  const committing = await counted.during(async () => {
    for (let one = 0; one < commits; one++) await commit(groups, stable[0])
    return 0
  })
  return { joining, oneLeaves, oneJoins, heartbeating, committing: { ...committing, commits } }
}

const newMember = (memberId: string): Member => ({ memberId, epoch: 0, owned: [] })

/** Everybody heartbeats at once, round by round, until all partitions are owned at one epoch; how often in all. */
async function settle(groups: Groups, members: readonly Member[], partitions: number): Promise<number> {
  for (let round = 1; ; round++) {
    await Promise.all(members.map((member) => beat(groups, member)))
    const owned = members.reduce((sum, member) => sum + member.owned.length, 0)
    const epochs = new Set(members.map(({ epoch }) => epoch))
    if (owned === partitions && epochs.size === 1) return round * members.length
    if (round > 100) throw new Error('the group does not become stable')
  }
}

async function beat(groups: Groups, member: Member): Promise<void> {
  const { memberId, epoch, owned } = member
  const joins = { rebalanceTimeoutMs: 60_000, subscribedTopicNames: [topic] }
  const client = { groupId, clientId: 'bench', clientHost: '127.0.0.1' }
  const more = epoch === 0 ? joins : { topicPartitions: owned }
  const answer = await groups.heartbeat({ ...client, memberId, memberEpoch: epoch, ...more })
  member.epoch = answer.memberEpoch
  member.owned = answer.assignment ?? owned
}

const leave = (groups: Groups, { memberId }: Member) =>
  groups.heartbeat({ groupId, memberId, memberEpoch: -1, clientId: 'bench', clientHost: '127.0.0.1' })

async function commit(groups: Groups, member: Member | undefined): Promise<void> {
  if (!member) return
  const offsets = member.owned.map((partition) => ({
    ...partition,
    offset: 0,
    leaderEpoch: -1,
    metadata: '',
  }))
  const { memberId, epoch: memberEpoch } = member
  for (const { error } of await groups.commitOffsets(groupId, { memberId, memberEpoch }, offsets)) {
    if (error) throw error
  }
}

function countCalls(table: Table) {
  let tableReads = 0
  let tableWrites = 0
  const read = <T>(answer: T): T => {
    tableReads++
    return answer
  }
  const written = <T>(answer: T): T => {
    tableWrites++
    return answer
  }
  const counted: Table = {
    get: (key) => read(table.get(key)),
    query: (query) => read(table.query(query)),
    write: (write) => written(table.write(write)),
    transact: (writes) => written(table.transact(writes)),
  }
  return {
    table: counted,
    /** `work` answers how many heartbeats it made. */
    async during(work: () => Promise<number>): Promise<Costs> {
      const before = { tableReads, tableWrites, at: performance.now() }
      const heartbeats = await work()
      return {
        heartbeats,
        milliseconds: performance.now() - before.at,
        tableReads: tableReads - before.tableReads,
        tableWrites: tableWrites - before.tableWrites,
      }
    },
  }
}
