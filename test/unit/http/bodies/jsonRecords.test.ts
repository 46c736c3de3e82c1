import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { accessTo } from '../../../../shared/http/clusters.ts'
import type { Cluster } from '../../../../shared/service/cluster.ts'
import { connectTo } from '../../../support/memoryConnection.ts'
import { createTestApp, createTestCluster, memoryPorts } from '../../../support/testCluster.ts'
import { createVirtualClock } from '../../../support/virtualClock.ts'

const mebibyte = 1024 * 1024
const v3Path = '/v3/clusters/local/topics/t/records'
const v2Type = 'application/vnd.kafka.json.v2+json'
const producer = { 'producer-id': '1', 'producer-epoch': '0', 'producer-seq': '0' }

const request = (path: string, type: string, body: string, headers: Record<string, string> = {}) => ({
  path,
  init: {
    method: 'POST',
    body,
    headers: { 'content-type': type, 'content-length': String(body.length), ...headers },
  },
})
const v2Body = (count: number) => `{"records":[${Array(count).fill('{}').join(',')}]}`

/** The ways in which JSON records come as one body. */
const v3 = (count: number) => request(v3Path, 'application/json', '{}'.repeat(count))
const idempotent = (count: number) => request(v3Path, 'application/json', '{}'.repeat(count), producer)
const v2 = (count: number) => request('/topics/t', v2Type, v2Body(count))
const v2Partition = (count: number) => request('/topics/t/partitions/0', v2Type, v2Body(count))

/** Appends wait until `open` is called; `begun` counts them. */
function gated(cluster: Cluster) {
  const gate = Promise.withResolvers<void>()
  let begun = 0
  const slow: Cluster = {
    ...cluster,
    produceRecords: async (...args) => {
      begun++
      await gate.promise
      return cluster.produceRecords(...args)
    },
  }
  return { cluster: slow, begun: () => begun, open: gate.resolve }
}

async function createTopic(bodiesBytesMax = 64 * mebibyte, bodyBytesMax = mebibyte) {
  const clock = createVirtualClock()
  const cluster = createTestCluster({ ...memoryPorts(), clock })
  await cluster.createTopic({ name: 't', partitionCount: 1, configs: [], validateOnly: false })
  const limits = {
    bodyBytesMax,
    bodiesBytesMax,
    answersBytesMax: 128 * mebibyte,
    bodyIdleMsMax: 30_000,
    fetchWaitMsMax: 1000,
    batchEntriesMax: 10,
    streamMsMax: 60_000,
  }
  const appOn = (one: Cluster) =>
    createTestApp({ authenticate: () => Promise.resolve(accessTo(one)), limits, clock }).app
  const app = appOn(cluster)
  const post = ({ path, init }: ReturnType<typeof request>, to = app) => to.request(path, init)
  const stored = async () => (await cluster.listOffsets('t', 0, { kind: 'latest' })).offset
  return { cluster, app, appOn, post, stored, clock }
}

const settled = async () => {
  for (let i = 0; i < 300; i++) await setImmediate()
}

const reportsOf = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

test('a v3 body with Content-Length takes any number of records, and reports each in order', async () => {
  const { post, stored } = await createTopic()
  const answer = await post(v3(25_000))
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('content-type'), 'application/json')
  const reports = reportsOf(await answer.text())
  assert.deepEqual(
    reports.map(({ offset }) => offset),
    Array.from({ length: 25_000 }, (_, offset) => offset),
  )
  assert.equal(await stored(), 25_000)
})

test('what is wrong with such a body before its first report is the status', async () => {
  const { post, cluster } = await createTopic()
  const nothing = request(v3Path, 'application/json', `x${'{}'.repeat(25_000)}`)
  assert.equal((await post(nothing)).status, 400)
  await cluster.deleteTopic('t')
  assert.equal((await post(v3(25_000))).status, 404)
})

for (const [way, make, max] of [
  ['v2 to a topic', v2, 100_000],
  ['v2 to a partition', v2Partition, 100_000],
  ['idempotent', idempotent, 10_000],
] as const) {
  test(`${way}: a body of more than ${max} records is refused whole, one of as many is not`, async () => {
    const { post, stored } = await createTopic()
    const refused = await post(make(max + 1))
    assert.equal(refused.status, 413)
    assert.match(JSON.parse(await refused.text()).message, new RegExp(`at most ${max} `))
    assert.equal(await stored(), 0)
    const taken = await post(make(max))
    assert.equal(taken.status, 200)
    await taken.text()
    assert.equal(await stored(), max)
  })
}

test('braces that begin no record do not count as one', async () => {
  const { post, stored } = await createTopic()
  const braces = `[${Array(100_001).fill('{}').join(',')}]`
  const record = `{"value":{"type":"JSON","data":${braces}}}`
  const bodies = [
    request(v3Path, 'application/json', `${record}{}`),
    request(v3Path, 'application/json', `${record}{}`, producer),
    request('/topics/t', v2Type, `{"records":[{"value":${braces}},{}]}`),
  ]
  for (const [index, body] of bodies.entries()) {
    const answer = await post(body)
    assert.equal(answer.status, 200)
    await answer.text()
    assert.equal(await stored(), 2 * (index + 1))
  }
})

for (const [way, make] of Object.entries({ v3, idempotent, v2, 'v2 to a partition': v2Partition })) {
  test(`${way}: tiny records have room from before they are parsed until they are stored`, async () => {
    const { cluster, appOn, post, stored } = await createTopic(mebibyte)
    const slow = gated(cluster)
    const app = appOn(slow.cluster)
    const first = post(make(1500), app)
    await settled()
    assert.equal(slow.begun(), 1)
    const second = post(v2(1500), app)
    await settled()
    assert.equal(slow.begun(), 1)
    const small = post(v3(100), app)
    await settled()
    assert.equal(slow.begun(), 2)
    slow.open()
    const answers = await Promise.all([first, second, small])
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200],
    )
    assert.equal(await stored(), 3100)
  })
}

test('who leaves in the middle of its reports, or is refused, gives its room back', async () => {
  // Of both rooms, one such body takes the whole.
  const { cluster, app, appOn, post, stored } = await createTopic(mebibyte)
  const large = () => request(v3Path, 'application/json', '{}'.repeat(11_000).padEnd(mebibyte))
  const reader = (await post(large())).body?.getReader()
  assert((await reader?.read())?.value)
  const next = post(large())
  await settled()
  const before = await stored()
  assert(before < 11_000)
  await reader?.cancel()
  await (await next).text()
  assert.equal(await stored(), before + 11_000)
  const failing = appOn({ ...cluster, produceRecords: () => Promise.reject(new Error('ours')) })
  for (const make of [large, () => v2(11_000), () => idempotent(9000)]) {
    for (let i = 0; i < 3; i++) assert.equal((await post(make(), failing)).status, 500)
  }
  await (await app.request(large().path, large().init)).text()
  assert.equal(await stored(), before + 22_000)
})

test('who does not read what is said of its records keeps their room, and is cut off', async (t) => {
  const { app, clock } = await createTopic(5 * mebibyte)
  const ask = connectTo(t, app)
  const send = ({ path, init }: ReturnType<typeof request>) => {
    const connection = ask(path, init.headers, init.method)
    connection.client.write(init.body)
    return connection
  }
  for (const make of [() => v3(9000), () => v3(20_000), () => v2(9000), () => idempotent(9000)]) {
    const unread = send(make())
    assert.equal(await unread.begun, 200)
    const startMs = clock.now()
    const behind = send(v2(9000))
    assert.equal(await behind.begun, 200)
    const cutMs = clock.now() - startMs
    assert.ok(cutMs > 33_000 && cutMs < 47_000, `30 s, and a piece at 64 kB a second: ${cutMs}`)
    assert.equal(unread.client.destroyed, true)
    assert.ok((await behind.rest()).length > 500_000)
  }
})
