// Consumer groups as a cluster answers them: by any process, whatever the table loses, and without writes while nothing
// changes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KafkaError, StorageError } from '../../../shared/base/errors.ts'
import type { HeartbeatAnswer } from '../../../shared/groups/heartbeat.ts'
import type { Table, Write } from '../../../shared/ports/table.ts'
import type { Cluster } from '../../../shared/service/cluster.ts'
import { countCalls } from '../../support/counting.ts'
import { type Fault, withFaults } from '../../support/faultyTable.ts'
import { type Consumer, hear, joinRequest, newConsumer, nextRequest, text } from '../../support/groupTools.ts'
import { createTopic, kafkaError, virtualPorts } from '../../support/logTools.ts'
import { createTestCluster } from '../../support/testCluster.ts'

const beatEveryMs = 5_000

async function beat(cluster: Cluster, consumer: Consumer): Promise<HeartbeatAnswer | KafkaError> {
  const answer = await cluster.groups
    .heartbeat({ groupId: 'g', ...nextRequest(consumer) })
    .catch((error: unknown) => {
      if (error instanceof KafkaError) return error
      throw error
    })
  hear(consumer, answer)
  return answer
}

async function beatAll(cluster: Cluster, consumers: readonly Consumer[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) for (const consumer of consumers) await beat(cluster, consumer)
}

const consumersOf = (count: number): Consumer[] =>
  Array.from({ length: count }, (_, i) => newConsumer(joinRequest(`m${i}`)))

const owned = (consumers: readonly Consumer[]): string[] => consumers.flatMap((one) => text(one.owned)).sort()

const allOf = (partitionCount: number): string[] =>
  Array.from({ length: partitionCount }, (_, partition) => `t-${partition}`).sort()

test('three consumers share six partitions, and when one dies the others have all of them', async () => {
  const ports = virtualPorts()
  const cluster = createTestCluster(ports)
  await createTopic(cluster, 't', 6)
  const consumers = consumersOf(3)
  await beatAll(cluster, consumers, 4)
  assert.deepEqual(
    consumers.map((one) => one.owned.length),
    [2, 2, 2],
  )
  assert.deepEqual(owned(consumers), allOf(6))
  const described = await cluster.groups.describeGroup('g')
  assert.equal(described.state, 'STABLE')
  assert.equal(described.isSimple, false)
  const living = consumers.slice(1)
  for (let ms = 0; ms <= 45_000; ms += beatEveryMs) {
    ports.clock.advance(beatEveryMs)
    await beatAll(cluster, living, 1)
  }
  await beatAll(cluster, living, 2)
  assert.deepEqual(owned(living), allOf(6))
  const late = await beat(cluster, consumers[0] ?? assert.fail())
  assert.ok(late instanceof KafkaError && late.code === 'UNKNOWN_MEMBER_ID')
})

test('members that heartbeat to different processes are not taken for dead', async () => {
  const ports = virtualPorts()
  const [a, b] = [createTestCluster(ports), createTestCluster(ports)]
  await createTopic(a, 't', 6)
  const consumers = consumersOf(4)
  for (let ms = 0; ms < 300_000; ms += beatEveryMs) {
    ports.clock.advance(beatEveryMs)
    for (const [i, consumer] of consumers.entries()) await beat(i < 2 ? a : b, consumer)
  }
  assert.deepEqual(owned(consumers), allOf(6))
  const { members, groupEpoch } = await b.groups.describeGroup('g')
  assert.deepEqual([members.length, groupEpoch], [4, 4], 'one epoch for each that joined')
})

test('a heartbeat whose write is lost, dropped or refused is decided again', async () => {
  const ports = virtualPorts()
  const faults: (Fault | undefined)[] = []
  const isState = (sk: string | undefined) => sk === 'state'
  const table = withFaults(ports.table, ([write]) => (isState(write?.key.sk) ? faults.shift() : undefined))
  const cluster = createTestCluster({ ...ports, table })
  await createTopic(cluster, 't', 6)
  const consumers = consumersOf(2)
  for (const fault of ['lost', 'dropped', 'refused'] as const) {
    for (const consumer of consumers) {
      faults.push(fault)
      const answer = await beat(cluster, consumer)
      assert.ok(!(answer instanceof KafkaError), `${fault}: ${answer}`)
    }
  }
  faults.length = 0
  await beatAll(cluster, consumers, 3)
  assert.deepEqual(owned(consumers), allOf(6))
  const [leaving] = consumers
  assert.ok(leaving)
  faults.push('lost')
  const left = await cluster.groups.heartbeat({ groupId: 'g', ...nextRequest(leaving), memberEpoch: -1 })
  assert.equal(left.memberEpoch, -1, 'it has left, and is not told that nobody knows it')
})

test('heartbeats that wait together are decided together: a hundred members join in a few writes', async () => {
  const ports = virtualPorts()
  const counted = countCalls(ports)
  const cluster = createTestCluster({ ...counted, clock: ports.clock })
  await createTopic(cluster, 't', 1_000)
  const consumers = consumersOf(100)
  const joining = await counted.during(() => Promise.all(consumers.map((one) => beat(cluster, one))))
  assert.ok(joining.tableWrites <= 4, `${joining.tableWrites} writes for 100 joins`)
  for (let round = 0; round < 3; round++) await Promise.all(consumers.map((one) => beat(cluster, one)))
  assert.deepEqual(owned(consumers), allOf(1_000))
})

test('a topic that appears, grows or vanishes changes the assignment of those who subscribe to it', async () => {
  const ports = virtualPorts()
  const cluster = createTestCluster(ports)
  const consumer = newConsumer(joinRequest('m', { subscribedTopicRegex: 't|u.*' }))
  await beatAll(cluster, [consumer], 2)
  assert.deepEqual(owned([consumer]), [])
  const expectAfter = async (expected: string[]) => {
    ports.clock.advance(10_000)
    await beatAll(cluster, [consumer], 2)
    assert.deepEqual(owned([consumer]), expected)
  }
  await createTopic(cluster, 't', 1)
  await expectAfter(['t-0'])
  await createTopic(cluster, 'us', 1)
  await createTopic(cluster, 'other', 1)
  await expectAfter(['t-0', 'us-0'])
  await cluster.createPartitions('t', 2, false)
  await expectAfter(['t-0', 't-1', 'us-0'])
  await cluster.deleteTopic('us')
  await expectAfter(['t-0', 't-1'])
})

test('a static member that comes back within its session moves nothing', async () => {
  const ports = virtualPorts()
  const cluster = createTestCluster(ports)
  await createTopic(cluster, 't', 6)
  const join = (id: string) => joinRequest(id, { instanceId: 'i' })
  const consumers = [newConsumer(join('m0')), newConsumer(joinRequest('m1'))]
  await beatAll(cluster, consumers, 3)
  const [first, other] = consumers
  assert.ok(first && other)
  const before = await cluster.groups.describeGroup('g')
  const goodbye = { ...nextRequest(first), groupId: 'g', memberEpoch: -2 }
  await assert.rejects(
    cluster.groups.heartbeat({ ...join('m2'), groupId: 'g' }),
    kafkaError('UNRELEASED_INSTANCE_ID'),
  )
  await cluster.groups.heartbeat(goodbye)
  ports.clock.advance(20_000)
  await beat(cluster, other)
  const again = newConsumer(join('m2'))
  await beat(cluster, again)
  assert.deepEqual(again.owned, first.owned)
  assert.equal((await cluster.groups.describeGroup('g')).groupEpoch, before.groupEpoch)
  await assert.rejects(
    cluster.groups.heartbeat({ ...nextRequest(first), groupId: 'g' }),
    kafkaError('FENCED_INSTANCE_ID'),
  )
})

test('groups are listed, described and deleted when nobody is in them', async () => {
  const ports = virtualPorts()
  const cluster = createTestCluster(ports)
  await createTopic(cluster, 't', 2)
  const consumer = newConsumer(joinRequest('m'))
  await beat(cluster, consumer)
  await cluster.groups.heartbeat({ groupId: 'ä/ü', ...joinRequest('') })
  assert.deepEqual(
    (await cluster.groups.listGroups()).map(({ groupId }) => groupId),
    ['g', 'ä/ü'],
  )
  await assert.rejects(cluster.groups.deleteGroup('g'), kafkaError('NON_EMPTY_GROUP'))
  await assert.rejects(cluster.groups.deleteGroup('none'), kafkaError('GROUP_ID_NOT_FOUND'))
  await assert.rejects(cluster.groups.describeGroup('none'), kafkaError('GROUP_ID_NOT_FOUND'))
  const commit = { topicName: 't', partition: 0, offset: 0, leaderEpoch: -1, metadata: '' }
  const member = { memberId: consumer.memberId, memberEpoch: consumer.memberEpoch }
  await cluster.groups.commitOffsets('g', member, [commit])
  await cluster.groups.heartbeat({ groupId: 'g', ...nextRequest(consumer), memberEpoch: -1 })
  assert.equal((await cluster.groups.describeGroup('g')).state, 'EMPTY')
  await cluster.groups.deleteGroup('g')
  await assert.rejects(cluster.groups.describeGroup('g'), kafkaError('GROUP_ID_NOT_FOUND'))
  assert.deepEqual(
    (await cluster.groups.listGroups()).map(({ groupId }) => groupId),
    ['ä/ü'],
  )
  await beat(cluster, newConsumer(joinRequest('m')))
  assert.deepEqual(await cluster.groups.lags('g'), [], 'a group of the same name begins with nothing')
})

test('a group whose deletion was carried out and not answered is deleted', async () => {
  const ports = virtualPorts()
  const faults: Fault[] = []
  const table = withFaults(ports.table, ([write]) => (write?.kind === 'delete' ? faults.shift() : undefined))
  const cluster = createTestCluster({ ...ports, table })
  await createTopic(cluster, 't', 1)
  const consumer = newConsumer(joinRequest('m'))
  await beat(cluster, consumer)
  await cluster.groups.heartbeat({ groupId: 'g', ...nextRequest(consumer), memberEpoch: -1 })
  faults.push('lost')
  await cluster.groups.deleteGroup('g')
  assert.equal(faults.length, 0)
  await assert.rejects(cluster.groups.describeGroup('g'), kafkaError('GROUP_ID_NOT_FOUND'))
})

test('a group that is made while one of its name is deleted is listed', async () => {
  const ports = virtualPorts()
  const other = createTestCluster(ports)
  let deletes = 1
  const table: Table = {
    ...ports.table,
    async transact(writes) {
      if (writes[0]?.key.sk === 'state' && deletes-- > 0) await other.groups.deleteGroup('g')
      return ports.table.transact(writes)
    },
  }
  const cluster = createTestCluster({ ...ports, table })
  await createTopic(cluster, 't', 1)
  await beat(cluster, newConsumer(joinRequest('m')))
  assert.ok(deletes <= 0)
  assert.deepEqual(
    (await cluster.groups.listGroups()).map(({ groupId }) => groupId),
    ['g'],
  )
})

test('a group with a lower version, by a clock that is behind, is seen by who knew one of its name', async () => {
  const ports = virtualPorts()
  const held: Write[] = []
  const table: Table = {
    ...ports.table,
    async transact(writes) {
      const [write] = writes
      if (write?.kind !== 'put' || write.key.sk !== 'state' || held.length > 0)
        return ports.table.transact(writes)
      held.push(write)
      throw new StorageError('unknown', 'no answer')
    },
  }
  const cluster = createTestCluster({ ...ports, table })
  await createTopic(cluster, 't', 1)
  const consumer = newConsumer(joinRequest('m'))
  ports.clock.advance(1)
  await beat(cluster, consumer)
  await cluster.groups.heartbeat({ groupId: 'g', ...nextRequest(consumer), memberEpoch: -1 })
  await cluster.groups.deleteGroup('g')
  for (const write of held) await ports.table.write(write)
  const fresh = createTestCluster(ports)
  assert.equal((await fresh.groups.describeGroup('g')).members.length, 1)
  assert.deepEqual(await cluster.groups.describeGroup('g'), await fresh.groups.describeGroup('g'))
})

test('a heartbeat that was under way for a third of the session is not answered with what may be past', async () => {
  const ports = virtualPorts()
  let slowMs = 0
  const table: Table = {
    ...ports.table,
    async get(key) {
      const item = await ports.table.get(key)
      ports.clock.advance(slowMs)
      return item
    },
  }
  const cluster = createTestCluster({ ...ports, table })
  await createTopic(cluster, 't', 1)
  const consumer = newConsumer(joinRequest('m'))
  await beat(cluster, consumer)
  ports.clock.advance(5_000)
  slowMs = 15_000
  const request = { groupId: 'g', ...nextRequest(consumer) }
  await assert.rejects(cluster.groups.heartbeat(request), kafkaError('KAFKA_STORAGE_ERROR'))
  slowMs = 0
  await beat(cluster, consumer)
})

test('a group that would not fit an item takes nobody else, and who came at the same moment is answered', async () => {
  const cluster = createTestCluster(virtualPorts())
  const namesOf = (letter: string) =>
    Array.from({ length: 1_000 }, (_, i) => `${letter}${i}`.padEnd(249, 'x'))
  const join = (memberId: string, subscribedTopicNames: readonly string[]) =>
    cluster.groups.heartbeat({ groupId: 'g', ...joinRequest(memberId, { subscribedTopicNames }) })
  await join('a', namesOf('a'))
  // The first is decided alone, those that come meanwhile are decided together.
  const [, b, c] = await Promise.allSettled([
    join('a', namesOf('a')),
    join('b', namesOf('b')),
    join('c', ['t']),
  ])
  assert.ok(b.status === 'rejected' && kafkaError('GROUP_MAX_SIZE_REACHED')(b.reason))
  assert.equal(c.status, 'fulfilled')
  const { members } = await cluster.groups.describeGroup('g')
  assert.deepEqual(
    members.map(({ memberId }) => memberId),
    ['a', 'c'],
  )
})

test('a wrong request is refused before anything is read', async () => {
  const ports = virtualPorts()
  const counted = countCalls(ports)
  const cluster = createTestCluster({ ...counted, clock: ports.clock })
  const refused = async (code: string, more: object) => {
    const calls = await counted.during(() =>
      assert.rejects(
        cluster.groups.heartbeat({ ...joinRequest('m'), groupId: 'g', ...more }),
        kafkaError(code),
      ),
    )
    assert.deepEqual(calls, { puts: 0, objectReads: 0, tableReads: 0, tableWrites: 0 }, code)
  }
  await refused('INVALID_GROUP_ID', { groupId: '' })
  await refused('INVALID_GROUP_ID', { groupId: 'ü'.repeat(128) })
  await refused('INVALID_GROUP_ID', { groupId: '\ud800' })
  await refused('UNSUPPORTED_ASSIGNOR', { serverAssignor: 'sticky' })
  await refused('INVALID_REGULAR_EXPRESSION', { subscribedTopicRegex: '(' })
  await refused('INVALID_REGULAR_EXPRESSION', { subscribedTopicRegex: 'a'.repeat(1_001) })
  await refused('INVALID_REQUEST', { memberEpoch: -3 })
  await refused('INVALID_REQUEST', { memberEpoch: 1.5 })
  await refused('INVALID_REQUEST', { memberEpoch: -2 })
  await refused('INVALID_REQUEST', { memberEpoch: 1, memberId: '' })
  await refused('INVALID_REQUEST', { memberId: 'm'.repeat(256) })
  await refused('INVALID_REQUEST', { instanceId: '' })
  await refused('INVALID_REQUEST', { rackId: '' })
  await refused('INVALID_REQUEST', { rebalanceTimeoutMs: 0 })
  await refused('INVALID_REQUEST', { subscribedTopicNames: ['t'.repeat(250)] })
  await refused('INVALID_REQUEST', { topicPartitions: [{ topicName: 't', partition: 0 }] })
})

test('an unknown member and a group that is not there are the same to who heartbeats', async () => {
  const cluster = createTestCluster(virtualPorts())
  const request = { groupId: 'g', memberId: 'm', memberEpoch: 3, clientId: 'c', clientHost: 'h' }
  await assert.rejects(cluster.groups.heartbeat(request), kafkaError('UNKNOWN_MEMBER_ID'))
  assert.deepEqual(await cluster.groups.listGroups(), [])
})
