import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { accessTo } from '../../../../shared/http/clusters.ts'
import type { Clock } from '../../../../shared/ports/world.ts'
import { systemClock } from '../../../../shared/runtime/clock.ts'
import { createCall } from '../../../support/call.ts'
import { type Connection, connectTo } from '../../../support/memoryConnection.ts'
import { createTestApp, createTestCluster, memoryPorts } from '../../../support/testCluster.ts'
import { createVirtualClock } from '../../../support/virtualClock.ts'

const mebibyte = 1024 * 1024
const raw = { accept: 'application/vnd.millrace.recordbatch' }
const events = { accept: 'text/event-stream' }
const topic = '/v3/clusters/local/topics/t'
const records = `${topic}/partitions/0/records?offset=0`

interface Settings {
  readonly answersBytesMax: number
  readonly clock?: Clock
  /** Of each partition. */
  readonly megabytes?: number
}

/** Tenants are told apart by a header; they read the same records, which are as large as their batches. */
async function serveRecords(
  t: TestContext,
  { answersBytesMax, clock = systemClock, megabytes = 1 }: Settings,
) {
  const cluster = createTestCluster({ ...memoryPorts(), clock })
  await cluster.createTopic({ name: 't', partitionCount: 2, configs: [], validateOnly: false })
  const append = (partition: number, bytes: number) =>
    cluster.produceRecords('t', [{ partition, key: null, value: Buffer.alloc(bytes, 'x'), headers: [] }])
  for (const partition of [0, 1]) {
    for (let i = 0; i < megabytes * 4; i++) await append(partition, 250_000)
  }
  const { app, failures } = createTestApp({
    authenticate: async (request) => ({
      ...accessTo(cluster),
      tenant: request.headers.get('tenant') ?? undefined,
    }),
    clock,
    limits: {
      bodyBytesMax: 20 * mebibyte,
      bodiesBytesMax: 64 * mebibyte,
      answersBytesMax,
      bodyIdleMsMax: 30_000,
      fetchWaitMsMax: 60_000,
      batchEntriesMax: 10,
      streamMsMax: 3_600_000,
    },
  })
  return { app, append, failures, ask: connectTo(t, app) }
}

const settled = async () => {
  for (let i = 0; i < 200; i++) await setImmediate()
}

const answered = (asked: readonly Connection[]) => asked.filter(({ isAnswered }) => isAnswered())

/** Takes more than half of the room, and so waits until all of it is free. */
const isEmpty = async ({ ask }: Awaited<ReturnType<typeof serveRecords>>, path: string) => {
  const { begun, rest } = ask(path, { ...raw, tenant: 'last' })
  assert.equal(await begun, 200)
  await rest()
}

test('a tenant that reads no answers holds half of the room and waits, and its neighbour is answered', async (t) => {
  const served = await serveRecords(t, { answersBytesMax: 11 * mebibyte })
  for (const headers of [raw, { accept: 'application/json' }, events]) {
    const greedy = Array.from({ length: 20 }, () => served.ask(records, { ...headers, tenant: 'greedy' }))
    await settled()
    assert.equal(answered(greedy).length, 4, 'of a megabyte each')
    const neighbour = served.ask(`${records}&max_bytes=1000`, {
      accept: 'application/json',
      tenant: 'neighbour',
    })
    assert.equal(await neighbour.begun, 200)
    assert.ok((await neighbour.rest()).length > 250_000)
    for (const { client } of answered(greedy)) client.destroy()
    await settled()
    assert.equal(answered(greedy).length, 8, 'room that comes back is the next ones’')
    for (const { client } of greedy) client.destroy()
    await settled()
  }
  assert.deepEqual(served.failures, [])
})

test('an answer that nobody takes is cut off, and one that is taken at the slowest pace is not', async (t) => {
  const clock = createVirtualClock()
  const served = await serveRecords(t, { answersBytesMax: 2.5 * mebibyte, clock, megabytes: 4 })
  for (const headers of [raw, events]) {
    const startMs = clock.now()
    const unread = served.ask(records, headers)
    await unread.begun
    const behind = served.ask(records, raw)
    assert.equal(await behind.begun, 200)
    const cutMs = clock.now() - startMs
    assert.ok(cutMs > 45_000 && cutMs < 46_500, `30 s and a megabyte at 64 kB a second: ${cutMs}`)
    assert.ok((await behind.rest()).length > 1_000_000)
    unread.client.destroy()
    await settled()
  }
  const slow = served.ask(`${records}&max_bytes=4000000`, raw)
  await slow.begun
  const startMs = clock.now()
  let taken = 0
  while (!slow.client.readableEnded && !slow.client.destroyed) {
    await clock.sleep(1000)
    const part: unknown = slow.client.read(Math.min(64_500, slow.client.readableLength))
    taken += part instanceof Buffer ? part.length : 0
    if (taken > 3_700_000) slow.client.resume()
  }
  assert.ok(taken > 3_700_000, `${taken} bytes in ${clock.now() - startMs} ms`)
  assert.ok(clock.now() - startMs >= 55_000)
})

test('a fetch that waits holds no room: neither for what may come nor for what was too little', async (t) => {
  const clock = createVirtualClock()
  const served = await serveRecords(t, { answersBytesMax: 2.5 * mebibyte, clock })
  const waiting = Array.from({ length: 10 }, () =>
    served.ask(
      `${topic}/partitions/1/records?offset=0&min_bytes=1200000&max_bytes=2000000&timeout=60000`,
      raw,
    ),
  )
  const atEnd = Array.from({ length: 10 }, () =>
    served.ask(`${topic}/partitions/0/records?offset=latest&timeout=60000`, raw),
  )
  const startMs = clock.now()
  await clock.sleep(10_000)
  const askedMs = clock.now()
  const whole = served.ask(records, raw)
  assert.equal(await whole.begun, 200)
  assert.ok(clock.now() - askedMs < 1000, 'nobody has to look again before it is answered')
  assert.ok((await whole.rest()).length > 1_000_000)
  assert.equal(answered([...waiting, ...atEnd]).length, 0)
  await served.append(1, 250_000)
  await served.append(0, 250_000)
  const lengths = await Promise.all([...waiting, ...atEnd].map(async ({ rest }) => (await rest()).length))
  assert.ok(lengths.every((length, i) => length > (i < 10 ? 1_200_000 : 250_000)))
  assert.ok(clock.now() - startMs < 60_000)
})

test('requests that read several partitions or topics do not wait for one another, and come to an end', async (t) => {
  const served = await serveRecords(t, { answersBytesMax: 2.5 * mebibyte })
  const call = createCall(served.app)
  const consume = async () => {
    const offsets = [0, 1].map((partition_id) => ({ partition_id, offset: 0 }))
    const { body } = await call('POST', `${topic}/partitions/-/consume`, { offsets })
    return body.partition_data_list.map((one: { next_offset: number }) => one.next_offset)
  }
  for (const [first, second] of await Promise.all([1, 2, 3, 4].map(consume))) {
    assert.ok(first > 0, 'the first partition has its turn')
    assert.ok(second >= 0)
  }
  const v2 = {
    'content-type': 'application/vnd.kafka.v2+json',
    accept: 'application/vnd.kafka.binary.v2+json',
  }
  await call('POST', '/v3/clusters/local/topics', { topic_name: 'u', partitions_count: 1 })
  await call('POST', '/v3/clusters/local/topics/u/records', {
    value: { type: 'STRING', data: 'x'.repeat(900_000) },
  })
  const poll = async (name: string) => {
    await call('POST', '/consumers/g', { name, format: 'binary', 'auto.offset.reset': 'earliest' }, v2)
    const partitions = ['t', 'u'].map((name) => ({ topic: name, partition: 0 }))
    await call('POST', `/consumers/g/instances/${name}/assignments`, { partitions }, v2)
    let seen = 0
    for (let i = 0; i < 20 && seen < 5; i++) {
      const { body } = await call('GET', `/consumers/g/instances/${name}/records?timeout=1`, undefined, v2)
      seen += body.length
    }
    return seen
  }
  assert.deepEqual(await Promise.all(['a', 'b', 'c'].map(poll)), [5, 5, 5])
  await isEmpty(served, records)
})

test('an event stream that waits for room is kept alive, gets its events, and leaves at any time', async (t) => {
  const clock = createVirtualClock()
  const served = await serveRecords(t, { answersBytesMax: 2.5 * mebibyte, clock })
  const unread = served.ask(records, raw)
  await unread.begun
  const [waiting, leaving] = [served.ask(records, events), served.ask(records, events)]
  assert.deepEqual(await Promise.all([waiting.begun, leaving.begun]), [200, 200], 'while there is no room')
  assert.ok(!unread.client.destroyed)
  leaving.client.destroy()
  let text = ''
  for await (const part of waiting.client) {
    text += part
    if (text.includes('data: ')) break
  }
  assert.match(text, /: heartbeat\n\n/)
  waiting.client.destroy()
  await isEmpty(served, records)
  assert.deepEqual(served.failures, [])
})

test('nobody reads the answer to a HEAD, and nothing is held for it', async (t) => {
  const served = await serveRecords(t, { answersBytesMax: 2.5 * mebibyte })
  for (const headers of [raw, { accept: 'application/json' }, events]) {
    const { begun, rest } = served.ask(records, headers, 'HEAD')
    assert.equal(await begun, 200)
    await rest()
  }
  await isEmpty(served, records)
})

test('a client that goes away takes its room along, whatever it waits for, and is no failure of ours', async (t) => {
  const clock = createVirtualClock()
  const served = await serveRecords(t, { answersBytesMax: 2.5 * mebibyte, clock })
  const chunked = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }
  const asks = [
    () => served.ask(records, raw),
    () => served.ask(records, { accept: 'application/json' }),
    () => served.ask(records, events),
    () => served.ask(`${topic}/records?offset=0`, events),
    () => served.ask(`${topic}/partitions/0/records?offset=latest&timeout=60000`, raw),
    () =>
      served.ask('/topics/t/partitions/0/records?offset=0', {
        accept: 'application/vnd.kafka.binary.v2+json',
      }),
    () => served.ask(`${topic}/partitions/-/consume`, { 'content-type': 'application/json' }, 'POST'),
    () => served.ask(`${topic}/records`, chunked, 'POST'),
    () => served.ask(`${topic}/records`, { ...chunked, 'content-length': '900' }, 'POST'),
  ]
  for (const turns of [0, 1, 3, 10, 50]) {
    const all = [...asks, ...asks].map((ask) => ask())
    for (let i = 0; i < turns; i++) await setImmediate()
    for (const { client } of all) client.destroy()
    await settled()
  }
  await isEmpty(served, records)
  assert.deepEqual(served.failures, [])
})

test('an answer that stands behind another one of its connection gives its room back with it', async (t) => {
  const clock = createVirtualClock()
  const served = await serveRecords(t, { answersBytesMax: 4.5 * mebibyte, clock })
  const first = served.ask(records, { ...raw, connection: 'keep-alive' })
  first.client.write(`GET ${records} HTTP/1.1\r\nhost: localhost\r\naccept: ${raw.accept}\r\n\r\n`)
  await first.begun
  await settled()
  first.client.destroy()
  await isEmpty(served, records)
})
