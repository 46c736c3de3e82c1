import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { createParser } from 'eventsource-parser'
import { accessTo } from '../../../shared/http/clusters.ts'
import type { HttpLimits } from '../../../shared/http/context.ts'
import type { Cluster } from '../../../shared/service/cluster.ts'
import { answerOf, createTextReader, serveApp } from '../../support/serveApp.ts'
import { createTestApp, createTestCluster } from '../../support/testCluster.ts'

const topicPath = '/v3/clusters/local/topics/t'
const chunked = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }

const limits: HttpLimits = {
  bodyBytesMax: 1024 * 1024,
  bodiesBytesMax: 2 * 1024 * 1024,
  answersBytesMax: 128 * 1024 * 1024,
  bodyIdleMsMax: 10_000,
  fetchWaitMsMax: 10_000,
  batchEntriesMax: 10,
  streamMsMax: 60_000,
}

async function serveTopic(t: TestContext, changes: Partial<HttpLimits> = {}, partitionCount = 1) {
  const cluster = createTestCluster()
  await cluster.createTopic({ name: 't', partitionCount, configs: [], validateOnly: false })
  const waiting = watchFetches(cluster)
  const { app, failures } = createTestApp({
    authenticate: () => Promise.resolve(accessTo(waiting.cluster)),
    limits: { ...limits, ...changes },
  })
  const served = await serveApp(t, app)
  const append = (value: string, partition = 0) =>
    cluster.produceRecords('t', [{ partition, key: null, value: Buffer.from(value), headers: [] }])
  return { ...served, cluster, append, failures, waiting }
}

/** The same cluster; tells which fetches are waiting for records. */
function watchFetches(cluster: Cluster) {
  const signals: (AbortSignal | undefined)[] = []
  const ended: Promise<unknown>[] = []
  const watched: Cluster = {
    ...cluster,
    fetch: (request) => {
      signals.push(request.signal)
      const fetched = cluster.fetch(request)
      ended.push(fetched)
      return fetched
    },
  }
  return { cluster: watched, signals, ended }
}

const lines = (count: number) => (text: string) => text.split('\n').length > count
const record = (data: string) => JSON.stringify({ value: { type: 'STRING', data } })

async function openProduce(served: Awaited<ReturnType<typeof serveTopic>>) {
  const sent = served.open({ method: 'POST', path: `${topicPath}/records`, headers: chunked })
  sent.on('error', () => {})
  const answering = answerOf(sent)
  return { sent, answering }
}

test('a client that sends a record and waits has its report before it sends the next', async (t) => {
  const served = await serveTopic(t)
  const { sent, answering } = await openProduce(served)
  sent.write(record('0'))
  const answer = await answering
  assert.equal(answer.statusCode, 200)
  const read = createTextReader(answer)
  for (let offset = 0; offset < 5; offset++) {
    assert.equal(JSON.parse(await read(lines(1))).offset, offset)
    sent.write(record(String(offset + 1)))
  }
  assert.equal(JSON.parse(await read(lines(1))).offset, 5)
  sent.end()
  assert.equal(await read(() => false), '')
})

test('records split anywhere are reported as soon as they are whole', async (t) => {
  const served = await serveTopic(t)
  const { sent, answering } = await openProduce(served)
  sent.write(`${record('a')}{"value":{"type":"STR`)
  const read = createTextReader(await answering)
  assert.equal(JSON.parse(await read(lines(1))).offset, 0)
  sent.write('ING","data":"b"}}')
  assert.equal(JSON.parse(await read(lines(1))).offset, 1)
  sent.end('{"value":')
  assert.deepEqual(JSON.parse(await read(() => false)).error_code, 400)
})

test('a record larger than what is held freely takes room, and gives it back', async (t) => {
  const served = await serveTopic(t, { bodiesBytesMax: limits.bodyBytesMax })
  const { sent, answering } = await openProduce(served)
  const large = record('x'.repeat(300_000))
  sent.write(large.slice(0, 200_000))
  sent.write(large.slice(200_000))
  const read = createTextReader(await answering)
  assert.equal(JSON.parse(await read(lines(1))).value.size, 300_000)
  const whole = [1, 2].map(async () => {
    const other = served.open({
      method: 'POST',
      path: `${topicPath}/records`,
      headers: { 'content-type': 'application/json', 'content-length': '1048576' },
    })
    other.end(`${record('y')}${' '.repeat(1_048_576 - record('y').length)}`)
    return (await answerOf(other)).statusCode
  })
  assert.deepEqual(await Promise.all(whole), [200, 200])
  sent.end()
  await read(() => false)
})

test('a client that goes away in mid-stream keeps what it was told, and no more is appended', async (t) => {
  const served = await serveTopic(t)
  const { sent, answering } = await openProduce(served)
  sent.write(`${record('a')}${record('b')}{"value":`)
  const read = createTextReader(await answering)
  await read(lines(2))
  sent.destroy()
  await served.append('c')
  assert.equal((await served.cluster.listOffsets('t', 0, { kind: 'latest' })).offset, 3)
})

test('a stream that is too old ends with a 408 report', async (t) => {
  const served = await serveTopic(t, { streamMsMax: 150 })
  const { sent, answering } = await openProduce(served)
  sent.write(record('a'))
  const read = createTextReader(await answering)
  const reports = (await read(() => false))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).error_code)
  assert.deepEqual(reports, [200, 408])
  sent.destroy()
})

test('a client that falls silent inside a record is ended long before the stream’s time is up', async (t) => {
  const served = await serveTopic(t, { bodyIdleMsMax: 50 })
  const { sent, answering } = await openProduce(served)
  sent.write(`${record('a')}{`)
  const read = createTextReader(await answering)
  assert.match(await read(() => false), /"error_code":408/)
  sent.destroy()
})

function follow(
  served: Awaited<ReturnType<typeof serveTopic>>,
  path: string,
  headers: Record<string, string> = {},
) {
  const sent = served.open({
    path: `${topicPath}${path}`,
    headers: { accept: 'text/event-stream', ...headers },
  })
  sent.on('error', () => {})
  sent.end()
  return { sent, answering: answerOf(sent) }
}

const parseEvents = (text: string) => {
  const events: {
    id: string | undefined
    type: string | undefined
    data: { value: unknown; offset: number; partition_id: number; error_code: number }
  }[] = []
  const parser = createParser({
    onEvent: ({ id, event, data }) => events.push({ id, type: event, data: JSON.parse(data) }),
  })
  parser.feed(text)
  return events
}

const events = (count: number) => (text: string) => parseEvents(text).length >= count

test('a partition is followed from what is there to what comes, and resumed behind an event', async (t) => {
  const served = await serveTopic(t)
  await served.append('a')
  const first = follow(served, '/partitions/0/records')
  const answer = await first.answering
  assert.equal(answer.headers['content-type'], 'text/event-stream')
  const read = createTextReader(answer)
  assert.deepEqual(
    parseEvents(await read(events(1))).map(({ id, data }) => [id, data.value]),
    [['0', 'a']],
  )
  await served.append('b')
  assert.deepEqual(
    parseEvents(await read(events(1))).map(({ id, data }) => [id, data.value]),
    [['1', 'b']],
  )
  first.sent.destroy()
  await served.append('c')
  const resumed = follow(served, '/partitions/0/records?offset=latest', { 'last-event-id': '0' })
  const again = createTextReader(await resumed.answering)
  assert.deepEqual(
    parseEvents(await again(events(2))).map(({ id, data }) => [id, data.value]),
    [
      ['1', 'b'],
      ['2', 'c'],
    ],
  )
  resumed.sent.destroy()
})

test('a follower who goes away stops the fetch that waits for records', { timeout: 5000 }, async (t) => {
  const served = await serveTopic(t)
  const { sent, answering } = follow(served, '/partitions/0/records')
  const read = createTextReader(await answering)
  await read((text) => text.includes('heartbeat'))
  await served.append('a')
  await read(events(1))
  sent.destroy()
  const signal = served.waiting.signals.at(-1)
  assert(signal)
  if (!signal.aborted) await once(signal, 'abort')
  await Promise.all(served.waiting.ended)
  assert.deepEqual(served.failures, [])
})

test('an event stream is kept alive while nothing comes and ends cleanly when its time is up', async (t) => {
  const served = await serveTopic(t, { streamMsMax: 100, fetchWaitMsMax: 20 })
  const { answering } = follow(served, '/partitions/0/records')
  const answer = await answering
  const text = await createTextReader(answer)(() => false)
  assert(text.split(': heartbeat\n\n').length > 3)
  assert.equal(answer.complete, true)
})

test('a whole topic is followed, and resumed in every partition where it was left', async (t) => {
  const served = await serveTopic(t, {}, 3)
  await served.append('a', 0)
  await served.append('b', 2)
  const first = follow(served, '/records')
  const read = createTextReader(await first.answering)
  const seen = parseEvents(await read(events(2)))
  assert.deepEqual(
    seen.map(({ id, data }) => [id, data.partition_id, data.value]),
    [
      ['0:1,1:0,2:0', 0, 'a'],
      ['0:1,1:0,2:1', 2, 'b'],
    ],
  )
  first.sent.destroy()
  await served.append('c', 1)
  await served.append('d', 0)
  const resumed = follow(served, '/records', { 'last-event-id': '0:1,1:0,2:1' })
  const again = parseEvents(await createTextReader(await resumed.answering)(events(2)))
  assert.deepEqual(again.map(({ data }) => data.value).sort(), ['c', 'd'])
  resumed.sent.destroy()
})

test('a topic that grew is resumed with its new partitions from their beginning', async (t) => {
  const served = await serveTopic(t)
  await served.append('a')
  await served.cluster.createPartitions('t', 2, false)
  await served.append('b', 1)
  const { sent, answering } = follow(served, '/records', { 'last-event-id': '0:1' })
  const read = createTextReader(await answering)
  assert.deepEqual(
    parseEvents(await read(events(1))).map(({ data }) => data.value),
    ['b'],
  )
  sent.destroy()
})

test('retention that overtakes a follower is the last event of its stream', async (t) => {
  const served = await serveTopic(t, { fetchWaitMsMax: 20 })
  await served.append('a')
  const { answering } = follow(served, '/partitions/0/records')
  const read = createTextReader(await answering)
  await read(events(1))
  await served.cluster.deleteTopic('t')
  const [last] = parseEvents(await read(() => false))
  assert.deepEqual([last?.type, last?.data.error_code], ['error', 40403])
})

test('what is wrong with a follower from the start is a status', async (t) => {
  const served = await serveTopic(t)
  const status = async (path: string, headers = {}) => {
    const { sent, answering } = follow(served, path, headers)
    const answer = await answering
    sent.destroy()
    return answer.statusCode
  }
  assert.equal(await status('/partitions/0/records?offset=9'), 416)
  assert.equal(await status('/partitions/0/records', { 'last-event-id': 'x' }), 400)
  assert.equal(await status('/partitions/3/records'), 404)
  assert.equal(await status('/records', { 'last-event-id': '9:0' }), 404)
  assert.equal(await status('/records', { accept: 'application/json' }), 406)
})
