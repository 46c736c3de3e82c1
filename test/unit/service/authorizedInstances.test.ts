import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KafkaError } from '../../../shared/base/errors.ts'
import { systemRandom } from '../../../shared/runtime/clock.ts'
import type { Rights } from '../../../shared/service/ask.ts'
import { createAuthorizedCluster } from '../../../shared/service/authorizedCluster.ts'
import { createConsumerInstances } from '../../../shared/service/createConsumerInstances.ts'
import { createTestCluster, memoryPorts } from '../../support/testCluster.ts'

const id = { groupId: 'g', name: 'i' }
const settings = {
  dialect: 'confluent',
  format: 'json',
  autoOffsetReset: 'earliest',
  autoCommit: false,
  fetchMinBytes: 1,
  requestTimeoutMs: 0,
} as const

/** `refused`: the one type of resource that the caller has no right to. */
async function start(refused: 'GROUP' | 'TOPIC') {
  const ports = memoryPorts()
  const cluster = createTestCluster(ports)
  await cluster.createTopic({ name: 't', partitionCount: 1, configs: [], validateOnly: false })
  const deps = { ...ports, random: systemRandom }
  const rights: Rights = {
    decide: (_, { type }) => (type === refused ? undefined : 'SUPER_USER'),
    isAllowedSomewhere: () => true,
    renewed: () => Promise.resolve(rights),
  }
  const authorized = createAuthorizedCluster(cluster, rights)
  const all = createConsumerInstances({ cluster, ...deps })
  await all.create(id.groupId, id.name, settings)
  return { all, mine: createConsumerInstances({ cluster: authorized, ...deps }) }
}

const refusedAs = (code: string) => (error: unknown) => error instanceof KafkaError && error.code === code
const poll = { formats: undefined, maxBytes: 1000, maxWaitMs: 0, signal: new AbortController().signal }
const nothing = async () => ({ answer: undefined, positions: [] })

test('who may not read as a group has no use of its instances', async () => {
  const { all, mine } = await start('GROUP')
  await all.assign(id, [{ topicName: 't', partition: 0 }])
  const before = await all.describe(id)
  const calls = [
    mine.create('g', 'j', settings),
    mine.delete(id),
    mine.describe(id),
    mine.subscribe(id, { reads: 'topics', topics: ['t'] }),
    mine.unsubscribe(id),
    mine.assign(id, []),
    mine.poll(id, poll, nothing),
    mine.commit(id, undefined),
    mine.committed(id, undefined),
    mine.seek(id, []),
  ]
  for (const call of calls) await assert.rejects(call, refusedAs('GROUP_AUTHORIZATION_FAILED'))
  assert.deepEqual(await all.describe(id), before)
})

test('an instance reads no topic that its caller may not read', async () => {
  const { all, mine } = await start('TOPIC')
  const partitions = [{ topicName: 't', partition: 0 }]
  await assert.rejects(mine.assign(id, partitions), refusedAs('TOPIC_AUTHORIZATION_FAILED'))
  const topics = { reads: 'topics', topics: ['t'] } as const
  await assert.rejects(mine.subscribe(id, topics), refusedAs('TOPIC_AUTHORIZATION_FAILED'))
  // Nor does one that somebody else has subscribed.
  await all.assign(id, partitions)
  await assert.rejects(mine.poll(id, poll, nothing), refusedAs('TOPIC_AUTHORIZATION_FAILED'))
})
