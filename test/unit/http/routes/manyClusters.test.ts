// What an operator asks of a deployment that has more clusters than a process keeps open, and where it names none.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countCalls } from '../../../support/counting.ts'
import { memoryPorts } from '../../../support/testCluster.ts'
import { createTestTenants } from '../../../support/testTenants.ts'
import { createVirtualClock } from '../../../support/virtualClock.ts'

const none = { puts: 0, objectReads: 0, tableReads: 0, tableWrites: 0 }
const used = (id: string) => `confluent_kafka_server_received_bytes{kafka_id="${id}",topic="t"`

/** `others` beside `local`; each has used something. What is remembered of keys and clusters is fresh. */
async function createMany(others: number) {
  const clock = createVirtualClock(1_700_006_400_000)
  const counted = countCalls(memoryPorts())
  const world = await createTestTenants({ clock, ports: counted })
  const { registry, pool } = world.tenants
  const ids = Array.from({ length: others }, (_, index) => `lkc-${index}`)
  for (const id of ids) await registry.create({ organisationId: 'org-1', name: id }, id)
  for (const id of ['local', ...ids]) pool.tenant(id).meter.add('t', 'User:sa-1', { received_bytes: 7 })
  await pool.close()
  await clock.advance(5000)
  const root = world.callAs(world.operatorKey)
  assert.equal((await root('GET', '/v3/clusters')).status, 200)
  const scrape = (names: readonly string[]) =>
    root('GET', `/metrics?${names.map((name) => `resource.kafka.id=${name}`).join('&')}`)
  return { ...world, clock, counted, ids, root, scrape }
}

test('a list of clusters opens none of them and reads nothing', async () => {
  const { counted, root, tenants } = await createMany(250)
  const warm = tenants.pool.tenant('local')
  const calls = await counted.during(async () => {
    const listed = await root('GET', '/v3/clusters')
    assert.equal(listed.body.data.length, 251)
  })
  assert.deepEqual(calls, none)
  assert.equal(tenants.pool.tenant('local'), warm, 'it was not put out for others')
})

test('a scrape opens no cluster, and reads the table once for each cluster that it names', async () => {
  const { counted, ids, scrape, tenants } = await createMany(250)
  const warm = tenants.pool.tenant('local')
  const unnamed = await counted.during(async () => {
    const { status, body } = await scrape([])
    assert.equal(status, 200)
    assert.match(body, /^kafka_log_logcleaner_max_clean_time_secs\{cluster_id="lkc-7"\} 0$/m)
    assert.ok(!body.includes('confluent_kafka_server'), 'of several clusters none is meant')
  })
  assert.deepEqual(unnamed, none)
  for (let from = 0; from < ids.length; from += 50) {
    const named = ids.slice(from, from + 50)
    const calls = await counted.during(async () => {
      const { body } = await scrape(named)
      for (const id of named) assert.ok(body.includes(used(id)), id)
      assert.ok(!body.includes('cluster_id="local"') && !body.includes('kafka_id="local"'))
    })
    assert.deepEqual(calls, { ...none, tableReads: 50 })
  }
  assert.equal(tenants.pool.tenant('local'), warm, 'it was not put out for others')
})

test('a scrape names fifty clusters at most, and leaves out what is not there', async () => {
  const { ids, scrape, keyOf } = await createMany(51)
  const refused = await scrape(ids)
  assert.equal(refused.status, 400)
  assert.match(refused.body.message, /resource\.kafka\.id.*at most 50 clusters/)
  const { body } = await scrape(['lkc-1', 'lkc-none'])
  assert.ok(body.includes(used('lkc-1')) && !body.includes('lkc-none'))
  const stranger = await keyOf('User:sa-1', 'lkc-2', '')
  assert.equal((await stranger('GET', '/metrics?resource.kafka.id=lkc-1')).body, '')
})

test('where a path names no cluster it means the only one, and of several none', async () => {
  const { clock, tenants, callAs, operatorKey, operator, keyOf } = await createMany(0)
  const root = callAs(operatorKey)
  assert.equal((await operator('POST', '/topics', { topic_name: 'orders' })).status, 201)
  const produce = () => root('POST', '/topics/orders', { records: [{ value: 'AA==' }] })
  assert.equal((await produce()).status, 200)
  await tenants.registry.create({ organisationId: 'org-1', name: 'second' }, 'lkc-second')
  await clock.advance(5000)
  const paths = [
    ['POST', '/topics/orders', { records: [{ value: 'AA==' }] }],
    ['GET', '/topics', undefined],
    ['GET', '/topics/orders', undefined],
    ['GET', '/topics/orders/partitions/0/records?offset=0', undefined],
    ['POST', '/admin/topics', { topic_name: 'x', partitions_count: 1, replication_factor: 1 }],
    ['POST', '/consumers/g', {}],
  ] as const
  for (const [method, path, body] of paths) {
    const { status, body: answer } = await root(method, path, body)
    assert.deepEqual([status, answer.error_code], [400, 400], path)
    assert.match(answer.message, /several clusters.*API key of the cluster.*\/v3/, path)
  }
  const end = await operator('GET', '/topics/orders/partitions/0/offset?offset_type=latest')
  assert.equal(end.body.offset, 1, 'nothing was appended')
  const tenant = await keyOf('User:sa-1', 'lkc-second', '')
  assert.deepEqual((await tenant('GET', '/topics')).body, [])
})
