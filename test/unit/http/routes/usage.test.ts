// What a cluster used, as its people and its operators see it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestTenants } from '../../../support/testTenants.ts'
import { createVirtualClock } from '../../../support/virtualClock.ts'

const acl = (operation: string, resource_type: string, resource_name: string) => ({
  ...{ resource_type, resource_name, operation, pattern_type: 'LITERAL' },
  ...{ principal: 'User:sa-1', host: '*', permission: 'ALLOW' },
})

async function createWorld() {
  const clock = createVirtualClock(1_700_006_400_000)
  const world = await createTestTenants({ clock })
  const { operator, callAs, operatorKey, keyOf } = world
  await operator('POST', '/acls:batch', {
    data: [acl('ALL', 'TOPIC', '*'), acl('DESCRIBE', 'CLUSTER', 'kafka-cluster')],
  })
  await operator('POST', '/topics', { topic_name: 'orders' })
  const caller = await keyOf('User:sa-1')
  const body = { value: { type: 'STRING', data: 'x'.repeat(100) } }
  for (let i = 0; i < 3; i++) await caller('POST', '/topics/orders/records', body)
  await caller('GET', '/topics/orders/partitions/0/records?offset=0')
  await caller('GET', '/topics/none/partitions/0/records?offset=0')
  await clock.sleep(10_001)
  const query = (metric: string, changes: object = {}) => ({
    aggregations: [{ metric: `io.confluent.kafka.server/${metric}` }],
    filter: { field: 'resource.kafka.id', op: 'EQ', value: 'local' },
    granularity: 'P1D',
    intervals: ['2023-11-14T00:00:00Z/2023-11-16T00:00:00Z'],
    group_by: ['metric.topic', 'metric.principal_id'],
    ...changes,
  })
  return {
    ...world,
    clock,
    caller,
    query,
    root: callAs(operatorKey),
    rooted: await keyOf('User:sa-1', 'local', ''),
  }
}

const path = '/v2/metrics/cloud/query'

test('bytes, records and requests are asked for by topic and principal', async () => {
  const { rooted, query } = await createWorld()
  const of = async (metric: string) =>
    (await rooted('POST', path, query(metric))).body.data.filter(
      (point: Record<string, unknown>) => point['metric.principal_id'] === 'sa-1',
    )
  const point = { timestamp: '2023-11-15T00:00:00Z', 'metric.topic': 'orders', 'metric.principal_id': 'sa-1' }
  assert.deepEqual(await of('received_bytes'), [{ ...point, value: 321 }])
  assert.deepEqual(await of('received_records'), [{ ...point, value: 3 }])
  assert.deepEqual(await of('sent_records'), [{ ...point, value: 3 }])
  const requests = await of('request_count')
  // Three produced, one fetched; the topic that is not there is no topic.
  assert.equal(requests.find((one: Record<string, unknown>) => one['metric.topic'] === 'orders').value, 4)
  assert.ok(
    requests.some((one: Record<string, unknown>) => one['metric.topic'] === '' && Number(one.value) >= 1),
  )
})

test('what quotas told a caller to wait, and what they refused, is counted by principal', async () => {
  const { rooted, operator, caller, query, clock } = await createWorld()
  const entity = [{ entity_type: 'user', entity_name: 'sa-1' }]
  const ops = [{ key: 'producer_byte_rate', value: 1000 }]
  await operator('POST', '/client-quotas', { data: [{ entity, ops }] })
  const send = (bytes: number) =>
    caller('POST', '/topics/orders/records', { value: { type: 'STRING', data: 'x'.repeat(bytes) } })
  const told: number[] = []
  for (const bytes of [12_000, 1, 1]) {
    const { headers } = await send(bytes)
    told.push(Number(headers.get('millrace-throttle-time-ms')))
  }
  assert.ok(told.every((ms) => ms > 1500 && ms < 2500))
  await clock.sleep(10_001)
  const of = async (metric: string) => {
    const { body } = await rooted('POST', path, query(metric, { group_by: ['metric.principal_id'] }))
    return body.data.map((one: Record<string, unknown>) => [one['metric.principal_id'], one.value])
  }
  const total = told.reduce((sum, ms) => sum + ms, 0)
  assert.deepEqual(await of('throttle_time_milliseconds'), [['sa-1', total]])
  assert.deepEqual(await of('throttled_request_count'), [['sa-1', 2]])
  const labels = '{kafka_id="local",topic="",principal_id="sa-1"}'
  const { body } = await rooted('GET', '/metrics')
  assert.ok(body.includes(`confluent_kafka_server_throttle_time_milliseconds${labels} ${total}\n`), body)
  assert.ok(body.includes(`confluent_kafka_server_throttled_request_count${labels} 2\n`), body)
})

test('a scrape shows a tenant its own, an operator what it names, and nobody what is not theirs to see', async () => {
  const { rooted, root, keyOf, tenants, clock } = await createWorld()
  await tenants.registry.create({ organisationId: 'org-1', name: 'other' }, 'lkc-other')
  tenants.pool.tenant('lkc-other').meter.add('secret', 'User:sa-9', { received_bytes: 7 })
  await tenants.pool.close()
  await clock.sleep(5000)
  const mine =
    'confluent_kafka_server_received_bytes{kafka_id="local",topic="orders",principal_id="sa-1"} 321'
  const own = (await rooted('GET', '/metrics')).body
  assert.ok(own.includes(mine), own)
  assert.ok(!own.includes('lkc-other'))
  const all = (await root('GET', '/metrics?resource.kafka.id=local&resource.kafka.id=lkc-other')).body
  assert.ok(all.includes(mine) && all.includes('kafka_id="lkc-other",topic="secret"'), all)
  const nobody = await keyOf('User:sa-2', 'local', '')
  assert.ok(!(await nobody('GET', '/metrics')).body.includes('confluent_kafka_server'))
})

test('what cannot be answered is refused by its place, and who may not describe the cluster sees nothing', async () => {
  const { rooted, keyOf, query } = await createWorld()
  const nobody = await keyOf('User:sa-2', 'local', '')
  assert.equal((await nobody('POST', path, query('received_bytes'))).status, 403)
  for (const [changes, status, sentence] of [
    [{ intervals: ['yesterday'] }, 400, /intervals\[0\]/],
    [{ intervals: ['2023-11-16T00:00:00Z/2023-11-15T00:00:00Z'] }, 400, /intervals\[0\]/],
    [{ intervals: ['2022-11-16T00:00:00Z/2023-11-15T00:00:00Z'] }, 400, /92 days/],
    [{ granularity: 'PT1M' }, 400, /granularity/],
    [{ filter: { field: 'resource.kafka.id', op: 'EQ', value: 'lkc-none' } }, 404, /lkc-none/],
  ] as const) {
    const refused = await rooted('POST', path, query('sent_bytes', changes))
    assert.equal(refused.status, status)
    assert.match(refused.body.message, sentence)
  }
  assert.equal((await rooted('POST', path, query('wishes'))).status, 400)
})
