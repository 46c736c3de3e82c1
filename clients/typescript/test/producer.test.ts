import assert from 'node:assert/strict'
import { test } from 'node:test'
import { partitionForKey as kafkaPartition } from '../../../shared/kafka/murmur2.ts'
import { MillraceError } from '../src/errors.ts'
import { createProducer } from '../src/producer.ts'
import type { World } from '../src/world.ts'
import { flaky, startService } from './support.ts'

const produces = (requests: readonly string[]) =>
  requests.filter((request) => request === 'POST /topics/t/records')
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)

test('records are stored as they were given, and the receipts say where', async () => {
  const service = startService()
  await service.createTopic('t', 1)
  const producer = createProducer(service.connection)
  const bytes = new Uint8Array([0, 255, 10])
  const headers = [
    { key: 'né', value: 'text' },
    { key: 'none', value: null },
  ]
  const sent = producer.send({ topic: 't', key: bytes, value: bytes, headers, timestamp: 5 })
  bytes.fill(7)
  assert.deepEqual(await sent, { partition: 0, offset: 0, timestamp: 5 })
  assert.deepEqual(await producer.send({ topic: 't' }), {
    partition: 0,
    offset: 1,
    timestamp: service.clock.now() - 5,
  })
  const [records] = await service.log('t')
  assert.deepEqual(records?.[0], {
    ...records?.[0],
    timestamp: 5,
    key: { __raw__: 'AP8K' },
    value: { __raw__: 'AP8K' },
    headers: [
      { key: 'né', value: 'text' },
      { key: 'none', value: null },
    ],
  })
  assert.deepEqual([records?.[1]?.key, records?.[1]?.value], [null, null])
  await producer.close()
})

test('a key goes where Kafka sends it, a partition that is named comes first', async () => {
  const service = startService()
  await service.createTopic('t', 7)
  const producer = createProducer(service.connection)
  const keys = upTo(50).map((n) => `key ${n}`)
  const receipts = await Promise.all(keys.map((key) => producer.send({ topic: 't', key })))
  const expected = keys.map((key) => kafkaPartition(Buffer.from(key), 7))
  assert.deepEqual(
    receipts.map(({ partition }) => partition),
    expected,
  )
  assert.equal((await producer.send({ topic: 't', key: 'key 0', partition: 6 })).partition, 6)
})

test('records without a key stay together in a batch, and the next batch goes elsewhere', async () => {
  const service = startService()
  await service.createTopic('t', 6)
  const producer = createProducer(service.connection)
  const partitions = []
  for (const round of upTo(4)) {
    const receipts = await Promise.all(upTo(10).map(() => producer.send({ topic: 't', value: `${round}` })))
    assert.equal(new Set(receipts.map(({ partition }) => partition)).size, 1)
    partitions.push(receipts[0]?.partition)
  }
  assert.equal(produces(service.requests).length, 4)
  for (const round of upTo(3)) assert.notEqual(partitions[round], partitions[round + 1])
})

test('a batch waits for its linger time, and is sent at once when it is full or flushed', async () => {
  const service = startService()
  await service.createTopic('t', 1)
  const producer = createProducer({ ...service.connection, lingerMs: 1000, batchBytesMax: 1000 })
  const start = service.clock.now()
  await producer.send({ topic: 't', value: 'waits' })
  assert.equal(service.clock.now() - start, 1000)
  const full = start + 1000
  await producer.send({ topic: 't', value: 'x'.repeat(2000) })
  assert.equal(service.clock.now() - full, 0)
  const sent = producer.send({ topic: 't', value: 'flushed' })
  await producer.flush()
  assert.equal(service.clock.now() - full, 0)
  assert.equal((await sent).offset, 2)
})

test('beyond bufferBytesMax records wait for room, and keep their order', async () => {
  const service = startService()
  await service.createTopic('t', 1)
  let most = 0
  const world: World = {
    ...service.world,
    fetch: async (url, init) => {
      if (url.endsWith('/records')) most = Math.max(most, String(init.body).length)
      return service.world.fetch(url, init)
    },
  }
  const producer = createProducer({ ...service.connection, world, bufferBytesMax: 5000 })
  const offsets = await Promise.all(upTo(200).map((n) => producer.send({ topic: 't', value: `record ${n}` })))
  assert.deepEqual(
    offsets.map(({ offset }) => offset),
    upTo(200),
  )
  assert(most > 0 && most < 8000, `${most} characters at once`)
  assert(produces(service.requests).length > 3)
})

test('a record that is refused leaves its neighbours alone', async () => {
  const service = startService()
  await service.createTopic('t', 1, [{ name: 'cleanup.policy', value: 'compact' }])
  const producer = createProducer(service.connection)
  const outcomes = await Promise.allSettled(
    upTo(20).map((n) =>
      producer.send({ topic: 't', key: n === 13 ? null : `${n}`, value: `${n}`, partition: 0 }),
    ),
  )
  const refused = outcomes.flatMap((outcome, n) =>
    outcome.status === 'rejected' ? [[n, outcome.reason]] : [],
  )
  assert.equal(refused.length, 1)
  const [n, reason] = refused[0] ?? []
  assert.equal(n, 13)
  assert(reason instanceof MillraceError && reason.status === 400 && !reason.retriable)
  const [records] = await service.log('t')
  assert.deepEqual(
    records?.map(({ key }) => key),
    upTo(20).filter((n) => n !== 13),
  )
})

test('an unknown topic, what is no record and a closed producer are refused', async () => {
  const service = startService()
  const producer = createProducer(service.connection)
  await assert.rejects(producer.send({ topic: 'none' }), { status: 404, errorCode: 40403, retriable: false })
  await assert.rejects(producer.send({ topic: 'none', partition: -1 }), { name: 'MillraceError', status: 0 })
  await assert.rejects(producer.send({ topic: 'none', timestamp: 1.5 }), { name: 'MillraceError', status: 0 })
  await service.createTopic('none', 1)
  assert.equal((await producer.send({ topic: 'none' })).offset, 0)
  await producer.close()
  await assert.rejects(producer.send({ topic: 'none' }), /closed/)
  assert.throws(() => createProducer({ ...service.connection, url: 'nowhere' }), { name: 'MillraceError' })
})

for (const seed of upTo(20)) {
  test(`nothing is lost, doubled or out of order where requests and answers get lost (seed ${seed})`, async () => {
    const service = startService()
    await service.createTopic('t', 3)
    const world = flaky(service.world, seed, [0.15, 0.2, 0.1])
    const producer = createProducer({ ...service.connection, world, batchBytesMax: 1500 })
    const receipts = await Promise.all(
      upTo(300).map((n) => producer.send({ topic: 't', key: `${n % 17}`, value: `${n}` })),
    )
    const log = await service.log('t')
    for (const [n, { partition, offset }] of receipts.entries()) {
      assert.equal(log[partition]?.[offset]?.value, n)
    }
    for (const [partition, records] of log.entries()) {
      const expected = upTo(300).filter((n) => receipts[n]?.partition === partition)
      assert.deepEqual(
        records.map(({ value }) => value),
        expected,
      )
    }
    await producer.close()
  })
}

test('a batch that cannot be acknowledged in time is given up, and the next one goes in all the same', async () => {
  const service = startService()
  await service.createTopic('t', 1)
  let broken = true
  const world: World = {
    ...service.world,
    fetch: async (url, init) => {
      const answer = await service.world.fetch(url, init)
      if (broken && url.endsWith('/records')) throw new TypeError('terminated')
      return answer
    },
  }
  const producer = createProducer({ ...service.connection, world, deliveryTimeoutMs: 20_000 })
  const start = service.clock.now()
  await assert.rejects(producer.send({ topic: 't', value: 'unknown' }), /may have been stored/)
  assert(service.clock.now() - start <= 20_000)
  broken = false
  assert.deepEqual(await producer.send({ topic: 't', value: 'next' }), {
    partition: 0,
    offset: 1,
    timestamp: service.clock.now() - 5,
  })
})

test('a producer that the service has forgotten goes on under another id', async () => {
  const service = startService()
  await service.createTopic('t', 1)
  const producer = createProducer(service.connection)
  await producer.send({ topic: 't', value: 'before' })
  await service.cluster.deleteTopic('t')
  await service.createTopic('t', 1)
  await producer.send({ topic: 't', value: 'after' }).catch(() => undefined)
  assert.equal((await producer.send({ topic: 't', value: 'later' })).offset >= 0, true)
  const [records] = await service.log('t')
  assert.deepEqual(records?.at(-1)?.value, 'later')
  assert.equal(service.requests.filter((request) => request === 'POST /producers').length, 2)
})

test('an aborted producer rejects what is not acknowledged, and waits for nothing', async () => {
  const service = startService()
  await service.createTopic('t', 1)
  const abort = new AbortController()
  const producer = createProducer({ ...service.connection, lingerMs: 60_000, signal: abort.signal })
  const start = service.clock.now()
  const sent = producer.send({ topic: 't', value: 'never' })
  const refused = assert.rejects(sent, /enough/)
  await service.clock.sleep(1000)
  abort.abort(new Error('enough'))
  await refused
  assert.equal(service.clock.now() - start, 1000)
  await producer.close()
})

test('credentials go along with every request, a token is asked for each time', async () => {
  const service = startService()
  await service.createTopic('t', 1)
  const seen: unknown[] = []
  const world: World = {
    ...service.world,
    fetch: (url, init) => {
      seen.push(new Headers(init.headers).get('authorization'))
      return service.world.fetch(url, init)
    },
  }
  await createProducer({ ...service.connection, world, auth: { apiKey: 'k', apiSecret: 's' } }).send({
    topic: 't',
  })
  assert.deepEqual([...new Set(seen)], [`Basic ${btoa('k:s')}`])
  seen.length = 0
  let asked = 0
  const token = () => `token ${++asked}`
  await createProducer({ ...service.connection, world, auth: { token } }).send({ topic: 't' })
  assert.deepEqual(
    seen,
    upTo(3).map((n) => `Bearer token ${n + 1}`),
  )
})
