import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCall } from '../../../support/call.ts'
import { instanceCalls, startConsumers, valuesOf } from '../../../support/consumerCalls.ts'
import { createTestApp } from '../../../support/testCluster.ts'

const v2Json = 'application/vnd.kafka.v2+json'

test('an instance is created under the address that its creator used', async () => {
  const { apps } = await startConsumers()
  const [{ app }] = apps
  const create = async (url: string, body: unknown) => {
    const headers = { 'content-type': v2Json }
    const answer = await app.request(url, { method: 'POST', headers, body: JSON.stringify(body) })
    assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, v2Json])
    const made: { instance_id: string; base_uri: string } = JSON.parse(await answer.text())
    return made
  }
  assert.deepEqual(await create('https://api.example:8443/consumers/my%20group', { name: 'a/b' }), {
    instance_id: 'a/b',
    base_uri: 'https://api.example:8443/consumers/my%20group/instances/a%2Fb',
  })
  const { instance_id, base_uri } = await create('http://localhost/consumers/g', {})
  assert.match(instance_id, /^rest-consumer-[0-9a-f]{32}$/)
  const call = createCall(app)
  assert.equal((await call('GET', `${new URL(base_uri).pathname}/subscription`)).status, 200)
  assert.equal((await call('POST', '/consumers/g', '')).status, 200)
})

test('a name is taken once, and free again when its instance is deleted', async () => {
  const { call, create } = await startConsumers()
  const { done, ask } = await create('i')
  for (const [body, code] of [
    [{ name: 'i' }, 40902],
    [{ name: 'i', 'enable.auto.commit': true }, 409],
  ] as const) {
    const taken = await call('POST', '/consumers/g', body)
    assert.deepEqual([taken.status, taken.body.error_code], [409, code])
  }
  assert.equal((await done('DELETE', '')).status, 204)
  const gone = await ask('DELETE', '')
  assert.deepEqual([gone.status, gone.body.error_code], [404, 40403])
  await create('i')
})

test('of creations at once one wins', async () => {
  const { calls } = await startConsumers()
  const made = await Promise.all(
    [...calls, ...calls].map((call) => call('POST', '/consumers/g', { name: 'i' })),
  )
  assert.deepEqual(made.map(({ status }) => status).sort(), [200, 409, 409, 409])
})

test('an instance that is not there, or another tenant has, is 40403 everywhere', async () => {
  const { call, create, ports, failures } = await startConsumers()
  const mine = await create('i')
  await mine.subscribe('t')
  const before = await mine.assigned()
  const other = createCall(createTestApp({}, {}, ports, 'other').app)
  const partitions = { partitions: [{ topic: 't', partition: 0 }] }
  const offsets = { offsets: [{ topic: 't', partition: 0, offset: 0 }] }
  const requests = [
    ['DELETE', ''],
    ['POST', '/subscription', { topics: ['t'] }],
    ['GET', '/subscription'],
    ['DELETE', '/subscription'],
    ['POST', '/assignments', partitions],
    ['GET', '/assignments'],
    ['GET', '/records'],
    ['POST', '/offsets', offsets],
    ['POST', '/offsets'],
    ['GET', '/offsets'],
    ['POST', '/positions', offsets],
    ['POST', '/positions/beginning', partitions],
    ['POST', '/positions/end', partitions],
  ] as const
  for (const [method, path, body] of requests) {
    for (const { ask } of [
      instanceCalls(other, '/consumers/g/instances/i'),
      instanceCalls(call, '/consumers/g/instances/gone'),
    ]) {
      const { status, body: answer, headers } = await ask(method, path, body)
      assert.deepEqual([status, answer.error_code], [404, 40403], `${method} ${path}`)
      assert.equal(headers.get('content-type'), v2Json)
    }
  }
  assert.deepEqual(await mine.assigned(), before)
  assert.deepEqual(failures(), [])
})

test('subscriptions and assignments exclude each other, and can be looked at', async () => {
  const { create } = await startConsumers()
  const { ask, done, subscribe, assigned } = await create('i')
  const partitions = { partitions: [{ topic: 'u', partition: 0 }] }
  const subscribed = async () => (await done('GET', '/subscription')).body
  assert.deepEqual(await subscribed(), { topics: [] })
  await subscribe('u', 't')
  assert.deepEqual(await subscribed(), { topics: ['t', 'u'] })
  assert.deepEqual(await assigned(), ['t-0', 't-1', 'u-0'])
  for (const [path, body] of [
    ['/assignments', partitions],
    ['/subscription', { topic_pattern: 't.*' }],
    ['/subscription', { topics: ['t'], topic_pattern: 't.*' }],
  ] as const) {
    const refused = await ask('POST', path, body)
    assert.deepEqual([refused.status, refused.body.error_code], [409, 40903], path)
  }
  assert.deepEqual(await subscribed(), { topics: ['t', 'u'] })
  await done('DELETE', '/subscription')
  assert.deepEqual([await subscribed(), await assigned()], [{ topics: [] }, []])
  await done('POST', '/subscription', { topic_pattern: '[a-t]' })
  assert.deepEqual([await subscribed(), await assigned()], [{ topics: ['t'] }, ['t-0', 't-1']])
  await subscribe()
  await done('POST', '/assignments', partitions)
  assert.deepEqual([await subscribed(), await assigned()], [{ topics: [] }, ['u-0']])
  assert.equal((await ask('POST', '/subscription', { topics: ['t'] })).body.error_code, 40903)
})

test('what cannot be subscribed to or assigned is refused, and nothing changes', async () => {
  const { create, failures } = await startConsumers()
  const { ask, done, assigned } = await create('i')
  const cases = [
    ['/subscription', { topic_pattern: '(' }, 400, 40002],
    ['/subscription', { topics: ['t'], other: 1 }, 422, 422],
    ['/assignments', { partitions: [{ topic: 'gone', partition: 0 }] }, 404, 40401],
    ['/assignments', { partitions: [{ topic: 't', partition: 2 }] }, 404, 40402],
    ['/assignments', '{', 400, 400],
  ] as const
  for (const [path, body, status, code] of cases) {
    const answer = await ask('POST', path, body)
    assert.deepEqual([answer.status, answer.body.error_code], [status, code], answer.body.message)
    assert.deepEqual([(await done('GET', '/subscription')).body, await assigned()], [{ topics: [] }, []])
  }
  const xml = await ask('POST', '/subscription', '<topics/>', { 'content-type': 'application/xml' })
  assert.equal(xml.status, 415)
  assert.deepEqual(failures(), [])
})

test('an instance is a member of its group until it is deleted, unsubscribes or is left alone', async () => {
  const { call, create, clock, produce } = await startConsumers()
  const members = async () => (await call('GET', '/v3/clusters/local/consumer-groups/g/consumers')).body.data
  const first = await create('i')
  await first.subscribe('t')
  const [member] = await members()
  assert.deepEqual([member.client_id, member.instance_id], ['i', null])
  await first.done('DELETE', '/subscription')
  assert.deepEqual(await members(), [])
  await first.subscribe('t')
  await first.done('DELETE', '')
  assert.deepEqual(await members(), [])
  const idle = await create('idle')
  await idle.subscribe('t')
  // Longer than a member of the group's own session lives.
  clock.advance(299_000)
  await produce('t', [0, '1'])
  assert.deepEqual(valuesOf(await idle.poll()), ['t-0:1'])
  clock.advance(331_000)
  assert.equal((await idle.ask('GET', '/records')).body.error_code, 40403)
  const next = await create('next')
  await next.subscribe('t')
  assert.deepEqual(await next.assigned(), ['t-0', 't-1'])
})

test('names that no path can hold are refused', async () => {
  const { call } = await startConsumers()
  for (const name of ['.', '..', 'x'.repeat(256), '\ud800']) {
    const answer = await call('POST', '/consumers/g', { name })
    assert.deepEqual([answer.status, answer.body.error_code], [422, 42204], name)
  }
  const long = await call('GET', `/consumers/g/instances/${'x'.repeat(5000)}/records`)
  assert.deepEqual([long.status, long.body.error_code], [404, 40403])
  const group = await call('POST', `/consumers/${'x'.repeat(256)}`, {})
  assert.deepEqual([group.status, group.body.error_code], [400, 40002])
})

test("Strimzi's instances are answered in Strimzi's words", async () => {
  const { call, create } = await startConsumers()
  const { ask, done, subscribe } = await create('i', {
    'auto.commit.enable': undefined,
    'enable.auto.commit': false,
  })
  await subscribe('t')
  assert.deepEqual((await done('GET', '/subscription')).body, { topics: ['t'], partitions: [{ t: [0, 1] }] })
  const seek = await ask('POST', '/positions/end', { partitions: [{ topic: 't', partition: 9 }] })
  assert.deepEqual([seek.status, seek.body.error_code], [404, 404])
  const both = await ask('POST', '/assignments', { partitions: [{ topic: 't', partition: 0 }] })
  assert.deepEqual([both.status, both.body.error_code], [409, 409])
  const format = await ask('GET', '/records', undefined, { accept: 'application/vnd.kafka.binary.v2+json' })
  assert.deepEqual([format.status, format.body.error_code], [406, 406])
  const bad = await call('POST', '/consumers/g', { format: 'avro', 'enable.auto.commit': true })
  assert.deepEqual([bad.status, bad.body.error_code], [422, 422])
})
