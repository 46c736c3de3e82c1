import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startConsumers, valuesOf } from '../../../support/consumerCalls.ts'
import { answerOf, serveApp, textOf } from '../../../support/serveApp.ts'

const at = (partition: number, offset: number) => ({ topic: 't', partition, offset })
const of = (partition: number) => ({ topic: 't', partition })
const strimzi = { 'auto.commit.enable': undefined, 'enable.auto.commit': false }

async function start(changes: object = {}) {
  const consumers = await startConsumers()
  await consumers.produce('t', [0, '1'], [0, '2'], [0, '3'], [1, '4'])
  const calls = await consumers.create('i', changes)
  await calls.subscribe('t')
  const committed = async () => {
    const { body } = await consumers.call('GET', '/v3/clusters/local/consumer-groups/g/offsets')
    return body.offsets.map((one: { partition_id: number; offset: number }) => [one.partition_id, one.offset])
  }
  return { ...consumers, ...calls, committed }
}

test("a commit without a body, or without offsets, commits what was polled, and Strimzi's answers 204", async () => {
  for (const [changes, status] of [
    [{}, 200],
    [strimzi, 204],
  ] as const) {
    const { ask, poll, committed, produce } = await start(changes)
    await poll()
    const first = await ask('POST', '/offsets')
    assert.equal(first.status, status)
    const offsets = [at(0, 3), at(1, 1)].map((one) => ({ ...one, metadata: '' }))
    assert.deepEqual(first.body, status === 204 ? undefined : { offsets })
    const all = [
      [0, 3],
      [1, 1],
    ]
    assert.deepEqual(await committed(), all)
    // There is nothing new.
    assert.deepEqual(
      (await ask('POST', '/offsets?async=true', {})).body,
      status === 204 ? undefined : { offsets: [] },
    )
    await produce('t', [1, '5'])
    await poll()
    await ask('POST', '/offsets', {})
    assert.deepEqual(await committed(), [
      [0, 3],
      [1, 2],
    ])
  }
})

test('a commit before anything was polled commits nothing', async () => {
  const { ask, committed } = await start()
  assert.deepEqual((await ask('POST', '/offsets')).body, { offsets: [] })
  assert.deepEqual(await committed(), [])
})

test("Confluent's callers name the last record they processed, Strimzi's and Redpanda's the next one", async () => {
  const { done, committed } = await start()
  const first = await done('POST', '/offsets', { offsets: [{ ...at(0, 1), metadata: 'm' }] })
  assert.deepEqual(first.body.offsets, [{ ...at(0, 2), metadata: 'm' }])
  assert.deepEqual(await committed(), [[0, 2]])
  await done('POST', '/offsets', { offsets: [at(0, -1)] })
  assert.deepEqual(await committed(), [[0, 0]])
  await done('POST', '/offsets', { partitions: [at(0, 1)] })
  assert.deepEqual(await committed(), [[0, 1]])
  const other = await start(strimzi)
  await other.done('POST', '/offsets', { offsets: [at(0, 1)] })
  assert.deepEqual(await other.committed(), [[0, 1]])
})

test('committed offsets are read with a body that names partitions, as Confluent has it, or without one', async (t) => {
  const { apps, done } = await start()
  await done('POST', '/offsets', { partitions: [at(0, 2), at(1, 1)] })
  const offset = (partition: number, value: number) => ({ ...at(partition, value), metadata: '' })
  assert.deepEqual((await done('GET', '/offsets')).body, { offsets: [offset(0, 2), offset(1, 1)] })
  const { open } = await serveApp(t, apps[0].app)
  const get = async (body: string) => {
    const headers = {
      'content-type': 'application/vnd.kafka.v2+json',
      'content-length': Buffer.byteLength(body),
    }
    const sent = open({ method: 'GET', path: '/consumers/g/instances/i/offsets', headers })
    sent.end(body)
    const answer = await answerOf(sent)
    return { status: answer.statusCode, body: JSON.parse(await textOf(answer)) }
  }
  const named = await get(JSON.stringify({ partitions: [of(1), of(7)] }))
  assert.deepEqual(named, { status: 200, body: { offsets: [offset(1, 1)] } })
  assert.equal((await get('{"partitions":5}')).status, 422)
})

test('what cannot be committed is refused, and nothing changes', async () => {
  const { ask, committed, done, failures } = await start()
  await done('POST', '/offsets', { partitions: [at(0, 1)] })
  const cases = [
    ['metadata that is too long', [{ ...at(0, 2), metadata: 'x'.repeat(4097) }], 400, 40002],
    ['an offset beyond the end', [at(0, 99)], 416, 416],
    ['an unknown topic', [{ ...at(0, 0), topic: 'gone' }], 404, 40401],
    ['an unknown partition', [at(7, 0)], 404, 40401],
    ['an offset below -1', [at(0, -2)], 422, 422],
  ] as const
  for (const [what, offsets, status, code] of cases) {
    const answer = await ask('POST', '/offsets', { offsets })
    assert.deepEqual(
      [answer.status, answer.body.error_code],
      [status, code],
      `${what}: ${answer.body.message}`,
    )
    assert.deepEqual(await committed(), [[0, 1]], what)
  }
  assert.deepEqual(failures(), [])
})

test("another instance's partition cannot be committed or sought", async () => {
  const { create, poll, done, ask, assigned, committed, clock } = await start()
  await poll()
  await done('POST', '/offsets')
  const before = await committed()
  const second = await create('second')
  await second.subscribe('t')
  // A process looks at a group that others change once a second.
  clock.advance(1001)
  await poll()
  clock.advance(1001)
  await second.poll()
  const [name = ''] = await second.assigned()
  const foreign = Number(name.split('-')[1])
  assert.equal((await assigned()).length, 1)
  const commit = await ask('POST', '/offsets', { offsets: [at(foreign, -1)] })
  assert.deepEqual([commit.status, commit.body.error_code], [409, 40909])
  const seek = await ask('POST', '/positions', { offsets: [at(foreign, 0)] })
  assert.deepEqual([seek.status, seek.body.error_code], [409, 40903])
  assert.deepEqual(await committed(), before)
})

test('positions go to offsets, times, the beginning and the end', async () => {
  const { done, poll, ask } = await start()
  assert.equal((await poll()).length, 4)
  await done('POST', '/positions', { offsets: [at(0, 1)] })
  assert.deepEqual(valuesOf(await poll()), ['t-0:2', 't-0:3'])
  await done('POST', '/positions', {
    offsets: [at(0, 2)],
    timestamps: [{ ...of(1), timestamp: '1970-01-01T00:00:00Z' }],
  })
  assert.deepEqual(valuesOf(await poll()), ['t-0:3', 't-1:4'])
  await done('POST', '/positions/beginning', { partitions: [of(0), of(1)] })
  await done('POST', '/positions', { timestamps: [{ ...of(0), timestamp: '2100-01-01T00:00:00Z' }] })
  assert.deepEqual(valuesOf(await poll()), ['t-1:4'])
  await done('POST', '/positions/beginning', { partitions: [of(0), of(1)] })
  await done('POST', '/positions/end', { partitions: [of(0)] })
  assert.deepEqual(valuesOf(await poll()), ['t-1:4'])
  for (const path of ['', '/beginning', '/end']) {
    const body = path === '' ? { offsets: [at(5, 0)] } : { partitions: [of(5)] }
    const refused = await ask('POST', `/positions${path}`, body)
    assert.deepEqual([refused.status, refused.body.error_code], [409, 40903])
  }
})

test('partitions by hand are committed while the group is empty', async () => {
  const { create, ask, produce } = await start()
  const by = await create('hand', {}, 'alone')
  await by.done('POST', '/assignments', { partitions: [of(1)] })
  await by.poll()
  await by.done('POST', '/offsets')
  await by.done('DELETE', '')
  const again = await create('again', {}, 'alone')
  await again.done('POST', '/assignments', { partitions: [of(1)] })
  assert.deepEqual(await again.poll(), [])
  await produce('t', [1, '5'])
  assert.deepEqual(valuesOf(await again.poll()), ['t-1:5'])
  // In a group with members it may read, and not commit.
  const guest = await create('guest')
  await guest.done('POST', '/assignments', { partitions: [of(1)] })
  assert.equal((await guest.poll()).length, 2)
  const refused = await guest.ask('POST', '/offsets')
  assert.deepEqual([refused.status, refused.body.error_code], [404, 40406])
  assert.equal((await ask('POST', '/offsets')).status, 200)
})
