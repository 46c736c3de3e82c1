import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createApp } from '../../../../shared/http/app.ts'
import { createCall } from '../../../support/call.ts'
import { createEdge } from '../../../support/edgeDeps.ts'
import { createTestApp } from '../../../support/testCluster.ts'

const v2Json = 'application/vnd.kafka.v2+json'

async function start() {
  const { app, cluster } = createTestApp()
  const configs = [{ name: 'retention.ms', value: '1000' }]
  await cluster.createTopic({ name: 't', partitionCount: 2, configs, validateOnly: false })
  return { call: createCall(app), cluster }
}

const partition = (id: number) => {
  return { partition: id, leader: 1, replicas: [{ broker: 1, leader: true, in_sync: true }] }
}

test('brokers, topics and partitions are what v2 clients expect', async () => {
  const { call } = await start()
  const expected = {
    '/brokers': { brokers: [1] },
    '/topics': ['t'],
    '/topics/t/partitions': [partition(0), partition(1)],
    '/topics/t/partitions/1': partition(1),
    '/topics/t/partitions/1/offsets': { beginning_offset: 0, end_offset: 0 },
  }
  for (const [path, body] of Object.entries(expected)) {
    const answer = await call('GET', path)
    assert.equal(answer.status, 200, path)
    assert.equal(answer.headers.get('content-type'), v2Json)
    assert.deepEqual(answer.body, body)
  }
  const topic = await call('GET', '/topics/t')
  assert.equal(topic.body.name, 't')
  assert.equal(topic.body.configs['retention.ms'], '1000')
  assert.equal(topic.body.configs['cleanup.policy'], 'delete')
  assert.deepEqual(topic.body.partitions, [partition(0), partition(1)])
})

test('the offsets of a partition follow what is appended and deleted', async () => {
  const { call, cluster } = await start()
  const record = { partition: 1, timestamp: 1, key: null, value: Buffer.from('v'), headers: [] }
  await cluster.produceRecords('t', [record, record])
  await cluster.deleteRecords('t', 1, 1)
  const { body } = await call('GET', '/topics/t/partitions/1/offsets')
  assert.deepEqual(body, { beginning_offset: 1, end_offset: 2 })
})

test('an unknown topic is 40401 and an unknown partition 40402', async () => {
  const { call } = await start()
  for (const path of ['', '/partitions', '/partitions/0', '/partitions/0/offsets']) {
    const answer = await call('GET', `/topics/gone${path}`)
    assert.equal(answer.status, 404)
    assert.equal(answer.body.error_code, 40401, path)
    assert.equal(answer.headers.get('content-type'), v2Json)
  }
  for (const path of ['/partitions/2', '/partitions/2/offsets']) {
    assert.equal((await call('GET', `/topics/t${path}`)).body.error_code, 40402, path)
  }
  assert.equal((await call('GET', '/topics/t/partitions/-1')).status, 400)
})

test("Strimzi's way to create a topic answers 201 and nothing else", async () => {
  const { call, cluster } = await start()
  const type = { 'content-type': 'application/vnd.kafka.json.v2+json' }
  const body = { topic_name: 'made', partitions_count: 3, replication_factor: null }
  const made = await call('POST', '/admin/topics', body, type)
  assert.equal(made.status, 201)
  assert.equal(made.body, undefined)
  assert.equal((await cluster.describeTopic('made')).partitionCount, 3)
  assert.equal((await call('POST', '/admin/topics', { topic_name: 'plain' })).status, 201)
})

test('a topic that cannot be created is refused, unknown fields among the reasons', async () => {
  const { call } = await start()
  const cases = [
    [{ topic_name: 't' }, 40002, /t/],
    [{ topic_name: 'a b' }, 40002, /name/],
    [{ topic_name: 'x', replication_factor: 0 }, 40002, /replication_factor/],
    [{ topic_name: 'x', configs: [] }, 400, /configs/],
    [{}, 400, /"topic_name"/],
    ['{', 400, /JSON/],
  ] as const
  for (const [body, code, reason] of cases) {
    const answer = await call('POST', '/admin/topics', body)
    assert.equal(answer.status, 400, JSON.stringify(body))
    assert.equal(answer.body.error_code, code)
    assert.match(answer.body.message, reason)
  }
  const type = { 'content-type': 'application/xml' }
  assert.equal((await call('POST', '/admin/topics', '{}', type)).status, 415)
})

test('a caller without a cluster is told so', async () => {
  const answer = await createCall(createApp(createEdge().deps))('GET', '/topics')
  assert.equal(answer.status, 404)
  assert.deepEqual(answer.body, { error_code: 404, message: 'There is no cluster here.' })
})
