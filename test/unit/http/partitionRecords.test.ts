import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeRecords, encodeBatch, splitBatches } from '../../../shared/kafka/recordBatch.ts'
import { createTestApp } from '../../support/testCluster.ts'

const batchType = 'application/vnd.millrace.recordbatch'
const path = '/v3/clusters/local/topics/t/partitions/0/records'

async function createTopicApp() {
  const { app, cluster } = createTestApp()
  await cluster.createTopic({ name: 't', partitionCount: 1, configs: [], validateOnly: false })
  const post = async (body: Uint8Array, type = batchType) => {
    const answer = await app.request(path, {
      method: 'POST',
      body: Buffer.from(body),
      headers: { 'content-type': type },
    })
    return { status: answer.status, body: JSON.parse(await answer.text()) }
  }
  const get = (query: string, accept = 'application/json') =>
    app.request(`${path}${query}`, { headers: { accept } })
  const getJson = async (query: string) => {
    const answer = await get(query)
    return { status: answer.status, body: JSON.parse(await answer.text()) }
  }
  return { app, cluster, post, get, getJson }
}

const batchOf = (...values: readonly string[]): Uint8Array =>
  encodeBatch({
    records: values.map((value) => ({
      timestamp: Date.now(),
      key: null,
      value: Buffer.from(value),
      headers: [],
    })),
    codec: 'gzip',
  })

test('whole batches go in and come out with their offsets', async () => {
  const { post, get } = await createTopicApp()
  const first = await post(Buffer.concat([batchOf('a', 'b'), batchOf('c')]))
  assert.equal(first.status, 200)
  assert.deepEqual(first.body, {
    cluster_id: 'local',
    topic_name: 't',
    partition_id: 0,
    base_offsets: [0, 2],
    duplicate: false,
    log_append_time: -1,
  })
  assert.deepEqual((await post(batchOf('d'))).body.base_offsets, [3])
  const answer = await get('?offset=1', batchType)
  assert.equal(answer.headers.get('content-type'), batchType)
  assert.equal(answer.headers.get('millrace-next-offset'), '4')
  assert.equal(answer.headers.get('millrace-high-watermark'), '4')
  assert.equal(answer.headers.get('millrace-log-start-offset'), '0')
  const batches = splitBatches(new Uint8Array(await answer.arrayBuffer()))
  const records = batches.flatMap((batch) => decodeRecords(batch, 1000))
  assert.deepEqual(
    records.map(({ offset, value }) => [offset, String(value && Buffer.from(value))]),
    [
      [0, 'a'],
      [1, 'b'],
      [2, 'c'],
      [3, 'd'],
    ],
  )
})

test('a body that is not batches is refused, and so are other media types', async () => {
  const { post } = await createTopicApp()
  const batch = batchOf('a')
  const flipped = Uint8Array.from(batch, (byte, index) => (index === 70 ? byte ^ 1 : byte))
  for (const body of [batch.subarray(0, -1), flipped, Buffer.from('{}')]) {
    assert.deepEqual([(await post(body)).status, (await post(body)).body.error_code], [400, 40002])
  }
  assert.equal((await post(new Uint8Array(0))).status, 422)
  for (const type of ['application/json', 'application/octet-stream'])
    assert.equal((await post(batch, type)).status, 415)
})

test('JSON shows the records from the offset on and where to go on', async () => {
  const { post, getJson } = await createTopicApp()
  await post(batchOf('a', '{"b":1}', 'c'))
  const { body } = await getJson('?offset=1')
  assert.deepEqual(
    body.records.map(({ offset, value }: { offset: number; value: unknown }) => [offset, value]),
    [
      [1, { b: 1 }],
      [2, 'c'],
    ],
  )
  assert.deepEqual([body.next_offset, body.high_watermark, body.log_start_offset], [3, 3, 0])
  assert.deepEqual((await getJson('?offset=latest')).body.records, [])
  assert.equal((await getJson('')).body.records.length, 3)
  assert.equal((await getJson(`?timestamp=${Date.now() + 60_000}`)).body.next_offset, 3)
  assert.equal((await getJson('?timestamp=0')).body.records.length, 3)
})

test('reading on with the smallest max_bytes reaches the end', async () => {
  const { post, getJson } = await createTopicApp()
  for (const value of ['a', 'b', 'c']) await post(batchOf(value))
  const seen: unknown[] = []
  for (let offset = 0; offset < 3; ) {
    const { body } = await getJson(`?offset=${offset}&max_bytes=1`)
    seen.push(...body.records.map(({ value }: { value: unknown }) => value))
    assert(body.next_offset > offset)
    offset = body.next_offset
  }
  assert.deepEqual(seen, ['a', 'b', 'c'])
})

test('a long poll is answered when a record comes', async () => {
  const { post, getJson } = await createTopicApp()
  const waiting = getJson('?offset=0&timeout=20000')
  await post(batchOf('late'))
  assert.equal((await waiting).body.records[0].value, 'late')
})

test('offsets outside the log are 416, malformed queries 400 with their name', async () => {
  const { get, getJson } = await createTopicApp()
  assert.equal((await getJson('?offset=1')).status, 416)
  assert.equal((await get('?offset=1', batchType)).status, 416)
  assert.equal((await get('?offset=1', 'text/event-stream')).status, 416)
  for (const query of [
    'offset=-1',
    'offset=1e3',
    'offset=',
    'offset=first',
    'max_bytes=x',
    'timeout=1.5',
    'timestamp=-1',
  ]) {
    const { status, body } = await getJson(`?${query}`)
    assert.equal(status, 400, query)
    assert(body.message.includes(`"${query.split('=')[0]}"`), body.message)
  }
  assert.equal((await getJson('?offset=0&timestamp=0')).status, 400)
})

test('unknown partitions are 404, an Accept that nothing fits 406', async () => {
  const { app, get } = await createTopicApp()
  for (const partition of ['1', '99999999999']) {
    assert.equal((await app.request(path.replace('/0/', `/${partition}/`))).status, 404)
  }
  assert.equal((await app.request(path.replace('/0/', '/x/'))).status, 400)
  assert.equal((await get('', 'text/html')).status, 406)
  assert.equal((await get('', 'text/html, application/json;q=0.5')).status, 200)
  assert.equal((await get('', '*/*')).headers.get('content-type'), 'application/json')
})
