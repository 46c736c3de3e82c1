// Committed offsets on memory and virtual time: several processes on one table, each with what it remembers.
import assert from 'node:assert/strict'
import { StorageError } from '../../shared/base/errors.ts'
import type { OffsetToCommit, TopicPartition } from '../../shared/groups/checkOffsets.ts'
import type { OffsetOutcome } from '../../shared/groups/commitOffsets.ts'
import type { CommittedOffset } from '../../shared/groups/committedOffsets.ts'
import { createLogEnds } from '../../shared/groups/logEnds.ts'
import type { GroupMember } from '../../shared/groups/members.ts'
import { createScope } from '../../shared/metadata/scope.ts'
import type { Table, Write } from '../../shared/ports/table.ts'
import { systemRandom } from '../../shared/runtime/clock.ts'
import { createGroups } from '../../shared/service/createGroups.ts'
import type { Groups } from '../../shared/service/groups.ts'
import { createTopicCache } from '../../shared/service/topicCache.ts'
import { createCatalog } from '../../shared/topics/catalog.ts'
import { countCalls } from './counting.ts'
import { groupSettings } from './groupTools.ts'
import { createTopic, record, virtualPorts } from './logTools.ts'
import { createTestCluster } from './testCluster.ts'

/** One process: its own memory of groups, topics and logs. */
export function createProcess(ports: ReturnType<typeof virtualPorts>, table: Table = ports.table) {
  const counted = countCalls({ objects: ports.objects, table })
  const deps = {
    ...ports,
    table: counted.table,
    random: systemRandom,
    scope: createScope('test'),
    reportBackgroundFailure: (error: unknown) => {
      throw error
    },
  }
  const catalog = createCatalog(deps)
  const topics = createTopicCache(catalog, deps.clock, 5_000)
  const { listOffsets } = createTestCluster(ports)
  const groups = createGroups(
    { ...deps, catalog, topics, ends: createLogEnds(), listOffsets },
    groupSettings,
    5_000,
  )
  return { ...groups, during: counted.during }
}

export type Process = ReturnType<typeof createProcess>

/** A cluster with a topic `t` whose partitions hold `records` records each. */
export async function createOffsetsLog(partitionCount = 1, records = 50) {
  const ports = virtualPorts()
  const cluster = createTestCluster(ports)
  await createTopic(cluster, 't', partitionCount)
  for (let partition = 0; partition < partitionCount && records > 0; partition++) {
    await cluster.produceRecords('t', Array(records).fill(record('x', partition)))
  }
  return { ports, cluster, process: createProcess(ports) }
}

/** Heartbeats until nothing changes any more; the member as it is then. */
export async function settle(
  groups: Pick<Groups, 'heartbeat'>,
  memberId: string,
  memberEpoch = 0,
  subscribedTopicNames: readonly string[] = ['t'],
): Promise<GroupMember> {
  const client = { groupId: 'g', clientId: 'c', clientHost: 'h', memberId }
  const joining = { rebalanceTimeoutMs: 60_000, subscribedTopicNames }
  let answer = await groups.heartbeat({ ...client, memberEpoch, ...(memberEpoch === 0 ? joining : {}) })
  let owned: readonly TopicPartition[] = answer.assignment ?? []
  for (let beat = 0; beat < 3; beat++) {
    answer = await groups.heartbeat({
      ...client,
      memberEpoch: answer.memberEpoch,
      topicPartitions: owned,
    })
    owned = answer.assignment ?? owned
  }
  return { memberId, memberEpoch: answer.memberEpoch }
}

export const leave = ({ heartbeat }: Process, { memberId }: GroupMember) =>
  heartbeat({ groupId: 'g', memberId, memberEpoch: -1, clientId: 'c', clientHost: 'h' })

export const at = (partition: number, offset: number, metadata = '', topicName = 't'): OffsetToCommit => ({
  topicName,
  partition,
  offset,
  leaderEpoch: -1,
  metadata,
})

/** 't-0', or 't-0: CODE' where it was refused. */
export const outcomes = (all: readonly OffsetOutcome[]): string[] =>
  all.map(({ topicName, partition, error }) => `${topicName}-${partition}${error ? `: ${error.code}` : ''}`)

export const offsetsOf = (all: readonly CommittedOffset[]): Record<string, number> =>
  Object.fromEntries(all.map(({ topicName, partition, offset }) => [`${topicName}-${partition}`, offset]))

export async function assertStored(process: Process, expected: Record<string, number>): Promise<void> {
  assert.deepEqual(offsetsOf(await process.committedOffsets('g', undefined, undefined)), expected)
}

export const isOffsets = ({ key }: Pick<Write, 'key'>): boolean => key.sk.startsWith('offsets/')

/** What is written of items of which `isCopied` holds; `land` writes all of it once more and answers how much it is. */
export function withCopies(table: Table, isCopied: (one: Pick<Write, 'key'>) => boolean = isOffsets) {
  const copies: (() => Promise<unknown>)[] = []
  const land = async () => {
    for (const copy of copies) await copy()
    return copies.length
  }
  const write: Table['write'] = (one) => {
    if (isCopied(one)) copies.push(() => table.write(one))
    return table.write(one)
  }
  const transact: Table['transact'] = (writes) => {
    if (writes.some(isCopied)) copies.push(() => table.transact(writes))
    return table.transact(writes)
  }
  return { table: { ...table, write, transact }, land }
}

/** The first `count` writes of offsets get no answer; they land when `land` is called. */
export function withLateOffsets(table: Table, count: number) {
  const held: Write[] = []
  let left = count
  const write: Table['write'] = async (one) => {
    if (!isOffsets(one) || left-- <= 0) return table.write(one)
    held.push(one)
    throw new StorageError('unknown', 'no answer')
  }
  const land = async () => {
    for (const one of held) await table.write(one)
    return held.length
  }
  return { table: { ...table, write }, land }
}
