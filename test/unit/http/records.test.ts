import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KafkaError } from '../../../shared/base/errors.ts'
import { createApp } from '../../../shared/http/app.ts'
import { accessTo } from '../../../shared/http/clusters.ts'
import type { Cluster } from '../../../shared/service/cluster.ts'
import { createEdge } from '../../support/edgeDeps.ts'
import { createTestApp } from '../../support/testCluster.ts'

const topicPath = '/v3/clusters/local/topics/t'

async function createTopicApp(partitionCount = 1, changes: Parameters<typeof createTestApp>[0] = {}) {
  const { app, cluster, failures } = createTestApp(changes)
  await cluster.createTopic({ name: 't', partitionCount, configs: [], validateOnly: false })
  const produce = async (
    body: string,
    headers: Record<string, string> = {},
    path = `${topicPath}/records`,
  ) => {
    const type = { 'content-type': 'application/json' }
    const answer = await app.request(path, { method: 'POST', body, headers: { ...type, ...headers } })
    const text = await answer.text()
    const reports = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    return { status: answer.status, headers: answer.headers, reports, first: reports[0] }
  }
  const read = async (partition = 0) => {
    const answer = await app.request(`${topicPath}/partitions/${partition}/records`)
    return JSON.parse(await answer.text()).records
  }
  return { app, cluster, failures, produce, read }
}

const whole = (body: string) => ({ 'content-length': String(Buffer.byteLength(body)) })
const stringRecord = (data: string) => JSON.stringify({ value: { type: 'STRING', data } })

test('records are reported in order and read back with their bytes, time and headers', async () => {
  const { produce, read } = await createTopicApp()
  const body = `{"key":{"type":"BINARY","data":"AP8="},
    "value":{"type":"JSON","data":{"n": 12345678901234567890}},
    "headers":[{"name":"h","value":"dg=="}]} ${stringRecord('x')}{}`
  for (const headers of [{}, whole(body)]) {
    const { status, reports } = await produce(body, headers)
    assert.equal(status, 200)
    assert.deepEqual(
      reports.map((report) => report.error_code),
      [200, 200, 200],
    )
    assert.deepEqual(reports[0].key, { type: 'BINARY', size: 2 })
    assert.equal(reports[2].value, undefined)
  }
  const records = await read()
  assert.deepEqual(
    records.map(({ offset }: { offset: number }) => offset),
    [0, 1, 2, 3, 4, 5],
  )
  assert.deepEqual(records[3].key, { __raw__: 'AP8=' })
  assert.deepEqual(records[3].headers, [{ key: 'h', value: 'v' }])
  assert.equal(records[4].value, 'x')
  assert(Number.isSafeInteger(records[4].timestamp))
})

test('a producer’s time is kept and told in ISO-8601', async () => {
  const { produce, read } = await createTopicApp()
  const now = new Date().toISOString()
  const { first } = await produce(JSON.stringify({ timestamp: now }))
  assert.equal(Date.parse(first.timestamp), Date.parse(now))
  assert.equal((await read())[0].timestamp, Date.parse(now))
})

test('/kafka/v3 is the same', async () => {
  const { produce } = await createTopicApp()
  const { status } = await produce('{}', {}, '/kafka/v3/clusters/local/topics/t/records')
  assert.equal(status, 200)
})

test('a bad record has a report of its own and leaves its neighbours alone', async () => {
  const { produce } = await createTopicApp(2)
  const bad = '{"value":{"type":"BINARY","data":"1"}}'
  const elsewhere = '{"partition_id":7}'
  const schema = '{"value":{"type":"AVRO","data":"x"}}'
  const { status, reports } = await produce(
    `${stringRecord('a')}${bad}${elsewhere}${schema}{"partition_id":-1}{}`,
  )
  assert.equal(status, 200)
  assert.deepEqual(
    reports.map((report) => report.error_code),
    [200, 400, 40402, 42205, 40402, 200],
  )
})

test('a single bad record is HTTP 200 with the error in its report', async () => {
  const { produce } = await createTopicApp()
  const { status, first } = await produce('{"value":{"type":"BINARY","data":"1"}}')
  assert.equal(status, 200)
  assert.deepEqual(first, { error_code: 400, message: 'Bad Request: value.data is not a base64 string.' })
})

test('malformed JSON is the last report, and the status where it comes first', async () => {
  const { produce, read } = await createTopicApp()
  for (const [body, codes] of [
    ['{}{"a":}{}', [200, 400]],
    ['{} ]', [200, 400]],
    ['{}{"a"', [200, 400]],
  ] as const) {
    const { status, reports } = await produce(body, whole(body))
    assert.equal(status, 200)
    assert.deepEqual(
      reports.map((report) => report.error_code),
      codes,
    )
  }
  assert.equal((await read()).length, 3)
  for (const body of ['{"a":}{}', '[{}]', '{', 'null', '"x"', '{"a":"\u0001"}']) {
    const { status, first } = await produce(body)
    assert.equal(status, 400)
    assert.match(first.message, /malformed JSON at byte 0/)
  }
})

test('an empty body is 422', async () => {
  const { produce } = await createTopicApp()
  for (const [body, headers] of [
    ['', {}],
    [' \n', {}],
    [' ', whole(' ')],
  ] as const) {
    const { status, first } = await produce(body, headers)
    assert.equal(status, 422)
    assert.equal(first.message, 'Payload error. Request body is empty. Data is required.')
  }
})

test('a record that is too large to be read has a report of its own', async () => {
  const limits = {
    bodyBytesMax: 200,
    bodiesBytesMax: 1000,
    answersBytesMax: 1000,
    bodyIdleMsMax: 1000,
    fetchWaitMsMax: 0,
  }
  const { produce } = await createTopicApp(1, {
    limits: { ...limits, batchEntriesMax: 1, streamMsMax: 1000 },
  })
  const { reports } = await produce(`{}${stringRecord('x'.repeat(300))}{}`)
  assert.deepEqual(
    reports.map((report) => report.error_code),
    [200, 413, 200],
  )
  assert.match(reports[1].message, /at byte 2, after 1 records/)
})

test('an unknown topic and an unknown cluster are the status, another media type too', async () => {
  const { produce } = await createTopicApp()
  const unknown = await produce('{}', {}, '/v3/clusters/local/topics/other/records')
  assert.deepEqual([unknown.status, unknown.first.error_code], [404, 40403])
  assert.equal((await produce('{}', {}, '/v3/clusters/other/topics/t/records')).status, 404)
  for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
    assert.equal((await produce('{}', { 'content-type': type })).status, 415)
  }
  assert.equal((await produce('{}', { 'content-type': 'Application/JSON; charset=utf-8' })).status, 200)
})

test('ten thousand records of one body are appended in order', async () => {
  const { produce, cluster } = await createTopicApp()
  const body = Array.from({ length: 10_000 }, (_, n) => `{"value":{"type":"JSON","data":${n}}}`).join('')
  const { reports } = await produce(body, whole(body))
  assert.deepEqual(
    reports.map(({ offset }) => offset),
    Array.from({ length: 10_000 }, (_, n) => n),
  )
  assert.equal((await cluster.listOffsets('t', 0, { kind: 'latest' })).offset, 10_000)
})

const producer = (id: bigint, epoch: number, sequence: number) => ({
  'producer-id': String(id),
  'producer-epoch': String(epoch),
  'producer-seq': String(sequence),
})

test('an idempotent append is stored once and a retry is answered with the first offsets', async () => {
  const { cluster, produce, read } = await createTopicApp()
  const { id } = await cluster.initProducer()
  const body = `${stringRecord('a')}${stringRecord('b')}`
  for (const attempt of [1, 2, 3]) {
    const { status, reports } = await produce(body, producer(id, 0, 0))
    assert.equal(status, 200, `attempt ${attempt}`)
    assert.deepEqual(
      reports.map(({ offset }) => offset),
      [0, 1],
    )
  }
  assert.equal((await produce(stringRecord('c'), producer(id, 0, 2))).first.offset, 2)
  assert.equal((await read()).length, 3)
})

test('a gap is 409 with the expected sequence, a stale epoch 403', async () => {
  const { cluster, produce } = await createTopicApp()
  const { id } = await cluster.initProducer()
  await produce('{}', producer(id, 1, 0))
  const gap = await produce('{}', producer(id, 1, 5))
  assert.equal(gap.status, 409)
  assert.equal(gap.headers.get('producer-expected-seq'), '1')
  assert.equal(gap.first.error_code, 409)
  const stale = await produce('{}', producer(id, 0, 1))
  assert.equal(stale.status, 403)
  assert.equal(stale.first.error_code, 403)
})

test('an idempotent append is all or nothing and goes to one partition that it names', async () => {
  const { cluster, produce, read } = await createTopicApp(2)
  const { id } = await cluster.initProducer()
  const headers = producer(id, 0, 0)
  const one = '{"partition_id":1}'
  for (const body of [
    `${one}{"partition_id":0}`,
    `${one}{}`,
    '{}',
    `${one}{"value":{"type":"X"}}`,
    `${one}{`,
  ]) {
    assert.equal((await produce(body, headers)).status, 400, body)
  }
  assert.equal((await produce('', headers)).status, 422)
  const large = JSON.stringify({ partition_id: 1, value: { type: 'STRING', data: 'x'.repeat(1_100_000) } })
  assert.equal((await produce(`${one}${large}`, headers)).status, 413)
  assert.deepEqual(
    (await produce(`${one}${one}`, headers)).reports.map(({ offset }) => offset),
    [0, 1],
  )
  assert.equal((await read(0)).length, 0)
})

test('producer headers go together and are numbers', async () => {
  const { produce } = await createTopicApp()
  const good = producer(1n, 0, 0)
  for (const name of ['producer-id', 'producer-epoch', 'producer-seq'] as const) {
    const { [name]: _, ...rest } = good
    assert.equal((await produce('{}', rest)).status, 400)
    for (const value of ['-1', '1.0', '+1', '0x1', 'x', '9223372036854775808']) {
      assert.equal((await produce('{}', { ...good, [name]: value })).status, 400, `${name}: ${value}`)
    }
  }
})

test('a failure of ours after the first report goes to the operator, its cause to nobody else', async () => {
  const { cluster } = await createTopicApp()
  let appends = 0
  const failing: Cluster = {
    ...cluster,
    produceRecords: (...request) => {
      appends++
      if (appends > 1) return Promise.reject(new Error('secret'))
      return cluster.produceRecords(...request)
    },
  }
  const { deps, failures } = createEdge({
    authenticate: () => Promise.resolve(accessTo(failing)),
    clock: { now: () => 0, sleep: () => new Promise(() => {}) },
  })
  const app = createApp({
    ...deps,
    limits: { ...deps.limits, bodyBytesMax: 1 << 20, bodiesBytesMax: 1 << 23 },
  })
  const record = '{}'
  const body = record.repeat(5001)
  const headers = { 'content-type': 'application/json' }
  const answer = await app.request(`${topicPath}/records`, { method: 'POST', body, headers })
  const text = await answer.text()
  assert.equal(answer.status, 200)
  assert.match(text, /"error_code":500,"message":"Internal error, request id /)
  assert(!text.includes('secret'))
  assert.equal(failures.length, 1)
})

test('a refusal of the whole append after the first report is every record’s report', async () => {
  const { cluster } = await createTopicApp()
  let appends = 0
  const busy: Cluster = {
    ...cluster,
    produceRecords: (...request) => {
      appends++
      if (appends === 2) return Promise.reject(new KafkaError('SERVICE_BUSY', 'later'))
      return cluster.produceRecords(...request)
    },
  }
  const { app } = createTestApp({ authenticate: () => Promise.resolve(accessTo(busy)) })
  const headers = { 'content-type': 'application/json' }
  const answer = await app.request(`${topicPath}/records`, {
    method: 'POST',
    body: '{}'.repeat(10_001),
    headers,
  })
  const codes = (await answer.text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).error_code)
  assert.equal(codes.length, 10_001)
  // The first append is what fits into one, the second what was parsed during the first.
  const refused = codes.lastIndexOf(503) - codes.indexOf(503) + 1
  assert.equal(codes.indexOf(503), 5000)
  assert.equal(codes.filter((code) => code === 503).length, refused)
  assert.ok(refused <= 5000, `${refused} records`)
  assert.equal(codes.filter((code) => code === 200).length, 10_001 - refused)
})
