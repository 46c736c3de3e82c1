// Quotas as a caller meets them, by Kafka's rules and HTTP's: over the whole app, with a virtual clock.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createScope } from '../../../shared/metadata/scope.ts'
import { memoryPorts } from '../../support/testCluster.ts'
import { createTestTenants } from '../../support/testTenants.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

const grant = (operation: string, resource_type = 'TOPIC', resource_name = '*') => ({
  resource_type,
  resource_name,
  pattern_type: 'LITERAL',
  principal: 'User:sa-1',
  host: '*',
  operation,
  permission: 'ALLOW',
})

/** A record that counts as many bytes, where they are more than it has without any data. */
const value = (bytes: number) => ({
  partition_id: 0,
  value: { type: 'STRING', data: 'x'.repeat(Math.max(0, bytes - 7)) },
})
const throttle = (headers: Headers) => Number(headers.get('millrace-throttle-time-ms') ?? 0)

async function createWorld() {
  const clock = createVirtualClock()
  const ports = memoryPorts()
  const tenants = await createTestTenants({ clock, ports })
  const { operator, keyOf } = tenants
  await operator('POST', '/acls:batch', { data: [grant('ALL'), grant('ALL', 'CLUSTER', 'kafka-cluster')] })
  await operator('POST', '/topics', { topic_name: 'orders' })
  const caller = await keyOf('User:sa-1')
  /** Effective when the answer comes, here; a moment later everywhere. */
  const alter = async (
    key: string,
    limit: number | null,
    entity: unknown = [{ entity_type: 'user', entity_name: 'sa-1' }],
  ) => {
    const { status } = await operator('POST', '/client-quotas', {
      data: [{ entity, ops: [{ key, value: limit }] }],
    })
    assert.equal(status, 204)
  }
  const usedQuotas = async () =>
    (await ports.table.query({ pk: createScope('local').usedQuotasPk, limit: 100 })).items
  return { clock, ...tenants, caller, alter, usedQuotas }
}

const fetchOne = '/topics/orders/partitions/0/records?offset=0'

test('what overdraws the quota is stored and told, the next one is refused until the time is over', async () => {
  const { clock, caller, operator, alter } = await createWorld()
  await alter('producer_byte_rate', 1000)
  const within = await caller('POST', '/topics/orders/records', value(10_000))
  assert.deepEqual([within.body.error_code, throttle(within.headers)], [200, 0])
  const over = await caller('POST', '/topics/orders/records', value(3000))
  assert.deepEqual([over.status, over.body.error_code, throttle(over.headers)], [200, 200, 3000])
  for (const path of ['/topics/orders/records', '/topics/orders/records:batch']) {
    const refused = await caller('POST', path, value(1))
    assert.deepEqual(
      [refused.status, refused.body.error_code, refused.headers.get('retry-after')],
      [429, 429, '3'],
    )
    assert.match(refused.body.message, /producer_byte_rate/)
  }
  // Nobody else waits, and what was stored is there.
  assert.equal((await operator('POST', '/topics/orders/records', value(1))).body.offset, 2)
  clock.advance(3000)
  assert.equal((await caller('POST', '/topics/orders/records', value(1))).body.offset, 3)
})

test('a fetch over the quota is answered without records, one that may wait waits', async () => {
  const { clock, caller, operator, alter } = await createWorld()
  for (let i = 0; i < 3; i++) await operator('POST', '/topics/orders/records', value(9000))
  await alter('consumer_byte_rate', 1000)
  // A window is ten seconds: more than it may hold is never asked for at once, and one batch is nine.
  for (const told of [0, 8000]) {
    const { body, headers } = await caller('GET', fetchOne)
    assert.equal(body.records.length, 1)
    assert.ok(throttle(headers) >= told && throttle(headers) < told + 500)
  }
  const empty = await caller('GET', fetchOne)
  assert.deepEqual([empty.status, empty.body.records, empty.body.next_offset], [200, [], 0])
  assert.ok(throttle(empty.headers) > 8000)
  const startMs = clock.now()
  const waited = await caller('GET', `${fetchOne}&timeout=1000`)
  assert.deepEqual([waited.body.records, clock.now() - startMs], [[], 1000])
  clock.advance(throttle(waited.headers))
  assert.equal((await caller('GET', fetchOne)).body.records.length, 1)
})

test('changes of topics are refused while tokens are owed, and fetches go on', async () => {
  const { clock, caller, alter } = await createWorld()
  await alter('controller_mutation_rate', 1)
  const create = (topic_name: string, partitions_count: number, validate_only = false) =>
    caller('POST', '/topics', { topic_name, partitions_count, validate_only })
  assert.equal((await create('a', 12)).status, 201)
  const refused = await create('b', 1)
  assert.deepEqual(
    [refused.status, refused.body.error_code, refused.headers.get('retry-after')],
    [429, 429, '2'],
  )
  assert.equal((await caller('DELETE', '/topics/a')).status, 429)
  assert.equal((await caller('PATCH', '/topics/a', { partitions_count: 13 })).status, 429)
  assert.equal((await create('b', 1, true)).status, 200)
  assert.equal((await caller('GET', fetchOne)).status, 200)
  clock.advance(2000)
  assert.equal((await caller('DELETE', '/topics/a')).status, 204)
  assert.equal((await create('b', 1)).status, 429)
})

test('a change of topics that is refused uses nothing of the quota, whatever it asked for', async () => {
  const { caller, alter } = await createWorld()
  await alter('controller_mutation_rate', 1)
  const create = (topic_name: string, partitions_count: number, configs: unknown[] = []) =>
    caller('POST', '/topics', { topic_name, partitions_count, configs })
  for (const refused of [
    await create('huge', 1_000_000_000),
    await create('no name', 1000),
    await create('orders', 1000),
    await create('b', 1000, [{ name: 'no.such.config', value: '1' }]),
    await caller('PATCH', '/topics/orders', { partitions_count: 1_000_000_000 }),
    await caller('DELETE', '/topics/nothing'),
  ]) {
    assert.ok(refused.status >= 400 && refused.status !== 429, JSON.stringify(refused.body))
  }
  assert.equal((await create('b', 1)).status, 201)
})

test('changes of topics that come at once are counted one by one', async () => {
  const { caller, alter } = await createWorld()
  await alter('controller_mutation_rate', 1)
  const answers = await Promise.all(
    ['a', 'b', 'c'].map((topic_name) => caller('POST', '/topics', { topic_name, partitions_count: 8 })),
  )
  assert.deepEqual(
    answers.map(({ status }) => status),
    [201, 201, 429],
  )
})

test('waiting for records uses no compute time', async () => {
  const { clock, caller, alter } = await createWorld()
  const startMs = clock.now()
  await alter('request_percentage', 1)
  // A percent of ten seconds is a hundred milliseconds.
  for (let i = 0; i < 5; i++) {
    const empty = await caller('GET', `${fetchOne}&timeout=1000`)
    assert.deepEqual([empty.status, throttle(empty.headers)], [200, 0])
  }
  assert.equal(clock.now() - startMs, 5000)
})

test('the client names itself, changes hold at once, and without an override the next level holds', async () => {
  const { caller, alter } = await createWorld()
  const client = [
    { entity_type: 'user', entity_name: 'sa-1' },
    { entity_type: 'client-id', entity_name: 'batch' },
  ]
  await alter('producer_byte_rate', 100, client)
  await alter('producer_byte_rate', 10_000)
  const send = (name: string) =>
    caller('POST', '/topics/orders/records', value(2000), name === '' ? {} : { 'client-id': name })
  assert.equal(throttle((await send('')).headers), 0)
  assert.equal(throttle((await send('batch')).headers), 10_000)
  assert.equal((await send('batch')).status, 429)
  await alter('producer_byte_rate', null, client)
  assert.equal((await send('batch')).status, 200)
})

test('what clients that make up names have used is forgotten when it says nothing any more', async () => {
  const { clock, caller, alter, usedQuotas } = await createWorld()
  await alter('producer_byte_rate', 1000, [{ entity_type: 'client-id', entity_name: null }])
  for (let i = 0; i < 20; i++) {
    const { status } = await caller('POST', '/topics/orders/records', value(100), {
      'client-id': `made-up-${i}`,
    })
    assert.equal(status, 200)
  }
  await clock.sleep(2 * 3_600_000)
  assert.equal((await usedQuotas()).length, 20)
  await caller('POST', '/topics/orders/records', value(100), { 'client-id': 'another' })
  await clock.sleep(11_000)
  assert.equal((await usedQuotas()).length, 1)
})

test('who may not, sees and changes no quotas', async () => {
  const { keyOf, operator } = await createWorld()
  const nobody = await keyOf('User:sa-2')
  assert.equal((await nobody('GET', '/client-quotas')).status, 403)
  const data = [
    { entity: [{ entity_type: 'user', entity_name: null }], ops: [{ key: 'producer_byte_rate', value: 1 }] },
  ]
  assert.equal((await nobody('POST', '/client-quotas', { data })).status, 403)
  assert.equal((await operator('POST', '/client-quotas', { data, validate_only: true })).status, 204)
  assert.deepEqual((await operator('GET', '/client-quotas')).body.data, [])
  await operator('POST', '/client-quotas', { data })
  const [one] = (await operator('GET', '/client-quotas?user_match=DEFAULT')).body.data
  assert.deepEqual([one.entity, one.values], [data[0]?.entity, [{ key: 'producer_byte_rate', value: 1 }]])
  assert.deepEqual((await operator('GET', '/client-quotas?user=sa-1')).body.data, [])
  const unknown = [{ entity: data[0]?.entity, ops: [{ key: 'speed', value: 1 }] }]
  assert.equal((await operator('POST', '/client-quotas', { data: unknown })).status, 400)
})

test('a quota that one process is told of holds in another within five seconds', async () => {
  const clock = createVirtualClock()
  const ports = memoryPorts()
  const first = await createTestTenants({ clock, ports })
  const second = await createTestTenants({ clock, ports })
  await first.operator('POST', '/acls', grant('ALL'))
  await first.operator('POST', '/topics', { topic_name: 'orders' })
  const caller = await second.keyOf('User:sa-1')
  const send = () => caller('POST', '/topics/orders/records', value(2000))
  assert.equal(throttle((await send()).headers), 0)
  const entity = [{ entity_type: 'user', entity_name: null }]
  const ops = [{ key: 'producer_byte_rate', value: 100 }]
  await first.operator('POST', '/client-quotas', { data: [{ entity, ops }] })
  clock.advance(5000)
  assert.ok(throttle((await send()).headers) > 9000)
  assert.equal((await send()).status, 429)
})
