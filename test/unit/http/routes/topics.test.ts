import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCall } from '../../../support/call.ts'
import { createEdge } from '../../../support/edgeDeps.ts'
import { createTestApp } from '../../../support/testCluster.ts'

async function start() {
  const { app, cluster } = createTestApp()
  const { clusterId } = cluster
  const prefix = `/v3/clusters/${clusterId}`
  return { call: createCall(app, prefix), self: `http://localhost${prefix}`, clusterId }
}

test('a created topic is answered with 201, its address, and every field of the resource', async () => {
  const { call, self, clusterId } = await start()
  const created = await call('POST', '/topics', {
    topic_name: 'orders',
    partitions_count: 3,
    replication_factor: 3,
    configs: [{ name: 'retention.ms', value: '1000' }],
  })
  assert.equal(created.status, 201)
  assert.equal(created.headers.get('location'), `${self}/topics/orders`)
  assert.deepEqual(created.body, {
    kind: 'KafkaTopic',
    metadata: { self: `${self}/topics/orders`, resource_name: `crn:///kafka=${clusterId}/topic=orders` },
    cluster_id: clusterId,
    topic_name: 'orders',
    is_internal: false,
    replication_factor: 1,
    partitions_count: 3,
    partitions: { related: `${self}/topics/orders/partitions` },
    configs: { related: `${self}/topics/orders/configs` },
    partition_reassignments: { related: `${self}/topics/orders/partitions/-/reassignment` },
  })
  assert.deepEqual((await call('GET', '/topics/orders')).body, created.body)
  assert.equal((await call('GET', '/topics/orders/configs/retention.ms')).body.value, '1000')
})

test('validate_only answers 200 with the topic and creates nothing', async () => {
  const { call } = await start()
  const checked = await call('POST', '/topics', {
    topic_name: 'orders',
    partitions_count: 2,
    validate_only: true,
  })
  assert.equal(checked.status, 200)
  assert.equal(checked.headers.get('location'), null)
  assert.equal(checked.body.partitions_count, 2)
  assert.equal((await call('GET', '/topics/orders')).status, 404)
})

test("-1 is Kafka's word for the default number of partitions and replicas", async () => {
  const { call } = await start()
  const plain = await call('POST', '/topics', { topic_name: 'plain' })
  const minus = await call('POST', '/topics', {
    topic_name: 'minus',
    partitions_count: -1,
    replication_factor: -1,
  })
  assert.equal(minus.status, 201)
  assert.equal(minus.body.partitions_count, plain.body.partitions_count)
})

test('a topic that Kafka would refuse is refused with its reason', async () => {
  const { call } = await start()
  await call('POST', '/topics', { topic_name: 'taken' })
  const cases = [
    [{ topic_name: 'taken' }, /taken/],
    [{ topic_name: 'a b' }, /name/],
    [{ topic_name: '' }, /empty/],
    [{ topic_name: 'x', partitions_count: 0 }, /./],
    [{ topic_name: 'x', partitions_count: 1_000_000 }, /./],
    [{ topic_name: 'x', replication_factor: 0 }, /replication_factor/],
    [{ topic_name: 'x', configs: [{ name: 'no.such.config', value: '1' }] }, /no\.such\.config/],
    [{ topic_name: 'x', configs: [{ name: 'retention.ms', value: 'soon' }] }, /retention\.ms/],
    [{ topic_name: 'x', configs: [{ name: 'retention.ms' }] }, /retention\.ms/],
    [{ topic_name: 'x', configs: [{ name: '__proto__', value: '1' }] }, /__proto__/],
  ] as const
  for (const [body, reason] of cases) {
    const answer = await call('POST', '/topics', body)
    assert.equal(answer.status, 400, JSON.stringify(body))
    assert.equal(answer.body.error_code, 40002, JSON.stringify(body))
    assert.match(answer.body.message, reason)
  }
  const names = (await call('GET', '/topics')).body.data.map(
    (topic: { topic_name: string }) => topic.topic_name,
  )
  assert.deepEqual(names, ['taken'])
})

test('a malformed body is 400 and names the field; another media type is 415', async () => {
  const { call } = await start()
  const cases = [
    ['{"topic_name":', /JSON/],
    ['', /JSON/],
    ['[]', /body/],
    ['null', /body/],
    [{}, /"topic_name"/],
    [{ topic_name: 5 }, /"topic_name"/],
    [{ topic_name: 'x', partitions_count: 1.5 }, /"partitions_count"/],
    [{ topic_name: 'x', partitions_count: '3' }, /"partitions_count"/],
    [{ topic_name: 'x', configs: [{ name: 'a', value: '1' }, { value: '1' }] }, /"configs\[1\]\.name"/],
    [{ topic_name: 'x', validate_only: 'yes' }, /"validate_only"/],
  ] as const
  for (const [body, reason] of cases) {
    const answer = await call('POST', '/topics', body)
    assert.equal(answer.status, 400, JSON.stringify(body))
    assert.equal(answer.body.error_code, 400)
    assert.match(answer.body.message, reason)
  }
  const text = await call('POST', '/topics', '{"topic_name":"x"}', { 'content-type': 'text/plain' })
  assert.equal(text.status, 415)
  assert.equal(text.body.error_code, 415)
})

test('bytes that are no UTF-8 and a body beyond the limit are refused', async () => {
  const { limits } = createEdge().deps
  const { app, cluster } = createTestApp({ limits })
  const send = (body: Uint8Array<ArrayBuffer>) =>
    app.request(`/v3/clusters/${cluster.clusterId}/topics`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': String(body.length) },
      body,
    })
  assert.equal((await send(Buffer.from('{"topic_name":"\u00ff"}', 'latin1'))).status, 400)
  assert.equal((await send(new Uint8Array(limits.bodyBytesMax + 1))).status, 413)
})

test('a body of mistakes alone is refused, and one of more than 64 KiB is not looked at', async () => {
  const { call } = await start()
  const mistakes = (bytes: number) => `{"topic_name":"x","configs":[${'1,'.repeat(bytes / 2 - 64)}1]}`
  const small = await call('POST', '/topics', mistakes(64 * 1024))
  assert.equal(small.status, 400)
  assert.match(small.body.message, /"configs\[0\]"/)
  assert.equal((await call('POST', '/topics', mistakes(65 * 1024))).status, 413)
})

test('fields that nobody knows are ignored', async () => {
  const { call } = await start()
  const answer = await call('POST', '/topics', { topic_name: 'x', later: 1 })
  assert.equal(answer.status, 201)
})

test('topics are listed by name', async () => {
  const { call, self } = await start()
  for (const name of ['b', 'a', 'c']) await call('POST', '/topics', { topic_name: name })
  const list = await call('GET', '/topics')
  assert.equal(list.body.kind, 'KafkaTopicList')
  assert.deepEqual(list.body.metadata, { self: `${self}/topics`, next: null })
  assert.deepEqual(
    list.body.data.map((topic: { topic_name: string }) => topic.topic_name),
    ['a', 'b', 'c'],
  )
})

test('authorized operations are named where they are asked for, in the spelling of the route', async () => {
  const { call } = await start()
  await call('POST', '/topics', { topic_name: 't' })
  const one = await call('GET', '/topics/t?include_authorized_operations=true')
  assert.ok(one.body.authorized_operations.includes('WRITE'))
  const list = await call('GET', '/topics?includeAuthorizedOperations=true')
  assert.deepEqual(list.body.data, [one.body])
  assert.ok(!('authorized_operations' in (await call('GET', '/topics/t')).body))
  assert.equal((await call('GET', '/topics/t?include_authorized_operations=1')).status, 400)
})

test('partitions only grow', async () => {
  const { call } = await start()
  await call('POST', '/topics', { topic_name: 't', partitions_count: 2 })
  const checked = await call('PATCH', '/topics/t', { partitions_count: 5, validate_only: true })
  assert.equal(checked.status, 200)
  assert.equal((await call('GET', '/topics/t')).body.partitions_count, 2)
  const grown = await call('PATCH', '/topics/t', { partitions_count: 3 })
  assert.equal(grown.status, 200)
  assert.equal(grown.body.partitions_count, 3)
  for (const count of [3, 1, 0, -1]) {
    const refused = await call('PATCH', '/topics/t', { partitions_count: count })
    assert.equal(refused.status, 400)
    assert.equal(refused.body.error_code, 40002)
  }
  assert.equal((await call('PATCH', '/topics/t', {})).status, 400)
  assert.equal((await call('PATCH', '/topics/gone', { partitions_count: 3 })).body.error_code, 40403)
})

test('a deleted topic is gone', async () => {
  const { call } = await start()
  await call('POST', '/topics', { topic_name: 't' })
  const deleted = await call('DELETE', '/topics/t')
  assert.equal(deleted.status, 204)
  assert.equal(deleted.body, undefined)
  assert.deepEqual((await call('GET', '/topics')).body.data, [])
  for (const method of ['GET', 'DELETE']) {
    const answer = await call(method, '/topics/t')
    assert.equal(answer.status, 404)
    assert.equal(answer.body.error_code, 40403)
  }
})

test('a name is percent-decoded once', async () => {
  const { call } = await start()
  await call('POST', '/topics', { topic_name: 'a.b' })
  assert.equal((await call('GET', '/topics/a%2Eb')).status, 200)
  for (const name of ['a%252Eb', 'a%2Fb', '%ZZ', '%00', '%F0%9F%92%A3', 'constructor', '__proto__']) {
    assert.ok([400, 404].includes((await call('GET', `/topics/${name}`)).status), name)
  }
})
