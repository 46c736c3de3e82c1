// What the collector takes away of consumer groups, and when.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../../shared/base/limits.ts'
import type { InstanceSettings } from '../../../shared/metadata/instanceItem.ts'
import { createScope } from '../../../shared/metadata/scope.ts'
import { systemRandom } from '../../../shared/runtime/clock.ts'
import { createCompactor, defaultCompactionSettings } from '../../../shared/service/compactor.ts'
import { createConsumerInstances } from '../../../shared/service/createConsumerInstances.ts'
import { hear, joinRequest, newConsumer, nextRequest } from '../../support/groupTools.ts'
import { createTopic, kafkaError, virtualPorts } from '../../support/logTools.ts'
import { createTestCluster } from '../../support/testCluster.ts'

const instanceSettings: InstanceSettings = {
  dialect: 'confluent',
  format: 'binary',
  autoOffsetReset: 'earliest',
  autoCommit: false,
  fetchMinBytes: 1,
  requestTimeoutMs: 1000,
}
const dayMs = 24 * 3600_000
const scope = createScope('test')
const { listed } = scope.consumerGroup('g')

async function createWorld() {
  const ports = virtualPorts()
  const cluster = createTestCluster(ports)
  await createTopic(cluster, 't', 100)
  await cluster.produceRecords('t', [{ partition: 0, key: null, value: Buffer.from('x'), headers: [] }])
  const reportBackgroundFailure = (error: unknown) => {
    throw error
  }
  const compactor = createCompactor(
    { ...ports, random: systemRandom, scope, reportBackgroundFailure },
    defaultCompactionSettings,
  )
  const sweep = () => compactor.collect({ deadlineMs: Number.POSITIVE_INFINITY, dryRun: false })
  const groupIds = async () => (await cluster.groups.listGroups()).map(({ groupId }) => groupId)
  const itemsOf = async (groupId: string) => {
    const { items } = await ports.table.query({ pk: scope.consumerGroup(groupId).state.pk, limit: 100 })
    return items.map(({ key }) => key.sk)
  }
  const life = async () => (await ports.table.get(listed))?.attributes
  return { ports, cluster, sweep, groupIds, itemsOf, life, groups: cluster.groups }
}

const offset = (partition = 0, topicName = 't') => ({
  topicName,
  partition,
  offset: 0,
  leaderEpoch: -1,
  metadata: '',
})

test('a group whose members died is empty, and is gone with its offsets a week later', async () => {
  const { ports, groups, sweep, groupIds, itemsOf } = await createWorld()
  const consumer = newConsumer(joinRequest('m'))
  hear(consumer, await groups.heartbeat({ groupId: 'g', ...nextRequest(consumer) }))
  await groups.commitOffsets('g', { memberId: 'm', memberEpoch: consumer.memberEpoch }, [
    offset(0),
    offset(99),
  ])
  ports.clock.advance(60_000)
  await sweep()
  assert.deepEqual(await groupIds(), ['g'])
  ports.clock.advance(7 * dayMs - 1_000)
  await sweep()
  assert.equal((await itemsOf('g')).filter((sk) => sk.startsWith('offsets/')).length, 2)
  ports.clock.advance(2_000)
  await sweep()
  assert.deepEqual(await groupIds(), [])
  assert.deepEqual(await itemsOf('g'), [])
})

test('a group with members keeps its offsets, but for those of topics that it does not read any more', async () => {
  const { ports, cluster, groups, sweep } = await createWorld()
  await createTopic(cluster, 'u', 1)
  await groups.commitOffsets('g', undefined, [offset(0), offset(0, 'u')])
  const consumer = newConsumer(joinRequest('m'))
  for (let ms = 0; ms <= 8 * dayMs; ms += dayMs) {
    hear(consumer, await groups.heartbeat({ groupId: 'g', ...nextRequest({ ...consumer, memberEpoch: 0 }) }))
    ports.clock.advance(ms === 8 * dayMs ? 0 : dayMs)
  }
  hear(consumer, await groups.heartbeat({ groupId: 'g', ...nextRequest({ ...consumer, memberEpoch: 0 }) }))
  await sweep()
  const left = await groups.committedOffsets('g', undefined, undefined)
  assert.deepEqual(
    left.map(({ topicName }) => topicName),
    ['t'],
  )
})

test('offsets of who is in no group go a week after the last commit', async () => {
  const { ports, groups, sweep, groupIds } = await createWorld()
  await groups.commitOffsets('simple', undefined, [offset()])
  ports.clock.advance(6 * dayMs)
  await groups.commitOffsets('simple', undefined, [offset()])
  ports.clock.advance(6 * dayMs)
  await sweep()
  assert.deepEqual(await groupIds(), ['simple'])
  ports.clock.advance(2 * dayMs)
  await sweep()
  assert.deepEqual(await groupIds(), [])
  await assert.rejects(groups.describeGroup('simple'), kafkaError('GROUP_ID_NOT_FOUND'))
})

test('offsets of a deleted topic go at once, those of a topic of the same name stay', async () => {
  const { cluster, groups, sweep, itemsOf } = await createWorld()
  await createTopic(cluster, 'u', 1)
  await groups.commitOffsets('g', undefined, [offset(0), offset(0, 'u')])
  await cluster.deleteTopic('u')
  await createTopic(cluster, 'u', 1)
  await groups.commitOffsets('g', undefined, [offset(0, 'u')])
  assert.equal((await itemsOf('g')).length, 3)
  await sweep()
  assert.equal((await itemsOf('g')).length, 2)
  const left = await groups.committedOffsets('g', undefined, undefined)
  assert.deepEqual(
    left.map(({ topicName }) => topicName),
    ['t', 'u'],
  )
})

test('a group that is nothing but its name is taken off the list, and nobody has to know of it later', async () => {
  const { ports, sweep, groupIds, life } = await createWorld()
  await ports.table.write({ kind: 'put', key: listed, attributes: { n: 1 } })
  assert.deepEqual(await groupIds(), ['g'])
  await sweep()
  assert.deepEqual(await groupIds(), [])
  ports.clock.advance(limits.graceMs - 1_000)
  await sweep()
  assert.equal((await life())?.n, 1)
  ports.clock.advance(2_000)
  await sweep()
  assert.equal(await life(), undefined)
})

test('a group that is made again within the grace stays', async () => {
  const { ports, groups, sweep, groupIds, life } = await createWorld()
  await groups.commitOffsets('g', undefined, [offset()])
  await groups.deleteGroup('g')
  assert.deepEqual(await groupIds(), [])
  await groups.commitOffsets('g', undefined, [offset()])
  ports.clock.advance(limits.graceMs + 1_000)
  await sweep()
  assert.deepEqual(await groupIds(), ['g'])
  assert.equal((await life())?.n, 2)
})

test('what lands late of heartbeats goes with the last that is known of the group', async () => {
  const { ports, groups, sweep, itemsOf } = await createWorld()
  await groups.commitOffsets('g', undefined, [offset()])
  await groups.deleteGroup('g')
  const key = scope.consumerGroup('g').alive(0)
  await ports.table.write({ kind: 'put', key, attributes: {} })
  ports.clock.advance(limits.graceMs + 1_000)
  await sweep()
  assert.deepEqual(await itemsOf('g'), [])
})

test('consumer instances that are called no more are taken away, and those of a deleted group too', async () => {
  const { ports, cluster, groups, sweep, itemsOf } = await createWorld()
  const consumers = createConsumerInstances({ cluster, clock: ports.clock, random: systemRandom })
  await groups.commitOffsets('g', undefined, [offset()])
  await consumers.create('g', 'forgotten', instanceSettings)
  ports.clock.advance(3600_000)
  await consumers.create('other', 'unrelated', instanceSettings)
  assert.ok((await itemsOf('g')).some((sk) => sk.startsWith('instance/')))
  await sweep()
  assert.deepEqual(
    (await itemsOf('g')).map((sk) => sk.split('/')[0]),
    ['offsets'],
  )
  await consumers.create('g', 'alive', instanceSettings)
  await sweep()
  assert.equal((await itemsOf('g')).length, 2)
  await groups.deleteGroup('g')
  assert.deepEqual(await itemsOf('g'), [])
})
