import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { accessTo } from '../../../../shared/http/clusters.ts'
import type { Cluster } from '../../../../shared/service/cluster.ts'
import { createSteppedClock } from '../../../support/steppedClock.ts'
import { createTestApp, createTestCluster, memoryPorts } from '../../../support/testCluster.ts'

const kibibyte = 1024
const mebibyte = 1024 * kibibyte
const path = '/v3/clusters/local/topics/t/records'

interface Settings {
  readonly bodyBytesMax?: number
  readonly bodiesBytesMax: number
}

/** Tenants are told apart by a header. Appends of the one who is named `slow` wait for `open`. */
async function serveStreams({ bodyBytesMax = mebibyte, bodiesBytesMax }: Settings) {
  // Time stands still, or the streams’ would be up.
  const clock = createSteppedClock()
  const cluster = createTestCluster({ ...memoryPorts(), clock })
  await cluster.createTopic({ name: 't', partitionCount: 1, configs: [], validateOnly: false })
  const gate = Promise.withResolvers<void>()
  const slow: Cluster = {
    ...cluster,
    produceRecords: async (...args) => {
      await gate.promise
      return cluster.produceRecords(...args)
    },
  }
  const { app, failures } = createTestApp({
    authenticate: async (request) => {
      const tenant = request.headers.get('tenant') ?? undefined
      return { ...accessTo(tenant === 'slow' ? slow : cluster), tenant }
    },
    clock,
    limits: {
      bodyBytesMax,
      bodiesBytesMax,
      answersBytesMax: 128 * mebibyte,
      bodyIdleMsMax: 30_000,
      fetchWaitMsMax: 60_000,
      batchEntriesMax: 10,
      streamMsMax: 3_600_000,
    },
  })
  const post = (tenant: string, body: ReadableStream<Uint8Array> | string, headers = {}) => {
    const all = { 'content-type': 'application/json', tenant, ...headers }
    return app.request(path, { method: 'POST', body, headers: all, duplex: 'half' } as RequestInit)
  }
  const postWhole = (tenant: string, bytes: number) => {
    const body = record('w').padEnd(bytes)
    return post(tenant, body, { 'content-length': String(bytes) })
  }
  return { post, postWhole, failures, open: gate.resolve }
}

const record = (data: string) => JSON.stringify({ value: { type: 'STRING', data } })

/** In chunks as they come from a connection; counts what was taken of it. */
function streamOf(text: string) {
  const bytes = Buffer.from(text)
  let taken = 0
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        controller.enqueue(bytes.subarray(taken, taken + 16 * kibibyte))
        taken += 16 * kibibyte
        if (taken >= bytes.length) controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  return { body, taken: () => Math.min(taken, bytes.length) }
}

/** Sends what it is told to, and ends when it is told to. */
function openStream() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = writable.getWriter()
  return {
    body: readable,
    send: (text: string) => void writer.write(Buffer.from(text)),
    end: () => writer.close(),
  }
}

const settled = async () => {
  for (let i = 0; i < 500; i++) await setImmediate()
}

const codesOf = async (answer: Promise<Response> | Response) =>
  (await (await answer).text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).error_code)

for (const [what, text, heldPerRecord] of [
  ['large', record('x'.repeat(10_000)).repeat(100), 10_000],
  ['tiny', '{"value":null}'.repeat(9000), 500],
] as const) {
  test(`streams of ${what} records hold a tenant’s share while the storage is slow, and all are stored`, async () => {
    const world = await serveStreams({ bodiesBytesMax: 4 * mebibyte })
    const streams = Array.from({ length: 30 }, () => streamOf(text))
    const answers = streams.map(({ body }) => world.post('slow', body))
    await settled()
    const size = text.length / (text.split('"value"').length - 1)
    const held = streams.reduce((sum, { taken }) => sum + (taken() / size) * heldPerRecord, 0)
    const free = 64 * kibibyte + (16 * kibibyte * heldPerRecord) / size
    assert.ok(held < 2 * mebibyte + streams.length * free, `${held} bytes`)
    assert.ok(held > 2 * mebibyte)
    assert.equal((await world.postWhole('neighbour', mebibyte)).status, 200)
    world.open()
    const count = text.split('"value"').length - 1
    // Reports that nobody reads keep their room.
    for (const codes of await Promise.all(answers.map(codesOf))) {
      assert.ok(codes.length === count && codes.every((code) => code === 200))
    }
    assert.equal((await world.postWhole('last', mebibyte)).status, 200)
    assert.deepEqual(world.failures, [])
  })
}

test('idle streams hold nothing: a body that wants the whole room finds it', async () => {
  const world = await serveStreams({ bodiesBytesMax: mebibyte })
  const streams = Array.from({ length: 50 }, openStream)
  let reports = 0
  const answers = streams.map(async ({ body, send }) => {
    send(record('x'.repeat(100_000)).repeat(2))
    const answer = await world.post('greedy', body)
    for await (const part of answer.body ?? []) reports += Buffer.from(part).toString().split('\n').length - 1
  })
  await settled()
  assert.equal(reports, 100)
  const late = settled().then(() => ({ status: 'waits for the idle ones' }))
  assert.equal((await Promise.race([world.postWhole('neighbour', mebibyte), late])).status, 200)
  for (const { end } of streams) void end()
  await Promise.all(answers)
})

test('streams of large and small records in a room for one body wait for one another, and come to an end', async () => {
  const world = await serveStreams({ bodyBytesMax: 512 * kibibyte, bodiesBytesMax: 512 * kibibyte })
  const large = record('x'.repeat(400_000))
  const middle = record('x'.repeat(90_000))
  const small = record('x'.repeat(20_000))
  const texts = [
    small.repeat(10) + large + small.repeat(10),
    large + large,
    middle.repeat(10) + large,
    large + small.repeat(30),
  ]
  const counts = [21, 2, 11, 31]
  const answers = ['a', 'b', 'c'].flatMap((tenant) =>
    texts.map((text) => codesOf(world.post(tenant, streamOf(text).body))),
  )
  const whole = ['a', 'd'].map((tenant) => world.postWhole(tenant, 512 * kibibyte))
  for (const [i, codes] of (await Promise.all(answers)).entries()) {
    assert.deepEqual(codes, Array(counts[i % 4]).fill(200))
  }
  for (const answer of await Promise.all(whole)) assert.equal(answer.status, 200)
  assert.equal((await world.postWhole('last', 512 * kibibyte)).status, 200)
})

test('a stream that ends early gives its room back: inside a record, with a bad one, with one too large', async () => {
  const world = await serveStreams({ bodyBytesMax: 256 * kibibyte, bodiesBytesMax: 256 * kibibyte })
  const good = record('x'.repeat(90_000))
  const bad = [
    [`${good}${good}{"value":{"type":"STRING","data":"${'x'.repeat(200_000)}`, [200, 200, 400]],
    [`${good}${good}[`, [200, 200, 400]],
    [`${good}${record('x'.repeat(300_000))}${good}`, [200, 413, 200]],
  ] as const
  for (const [text, expected] of bad) {
    for (let i = 0; i < 5; i++) {
      const codes = await codesOf(world.post('t', streamOf(text).body))
      assert.deepEqual(
        codes.map((code: number) => (code > 999 ? Math.floor(code / 100) : code)),
        expected,
      )
    }
    assert.equal((await world.postWhole('u', 256 * kibibyte)).status, 200)
  }
})
