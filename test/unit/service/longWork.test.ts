import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCall } from '../../support/call.ts'
import { batch, createTopic, kafkaError, record, virtualPorts } from '../../support/logTools.ts'
import { createTestApp } from '../../support/testCluster.ts'
import { createWorkingClock } from '../../support/workingClock.ts'

const v2Json = 'application/vnd.kafka.json.v2+json'

async function createWorking() {
  const ports = virtualPorts()
  const clock = createWorkingClock(ports.clock)
  const { app, cluster } = createTestApp({}, {}, { ...ports, clock })
  await createTopic(cluster, 't')
  const turnsOf = async (work: () => Promise<unknown>) => {
    const before = clock.turns()
    await work()
    return clock.turns() - before
  }
  return { app, cluster, call: createCall(app), turnsOf }
}

test('long requests give way to others again and again, short ones never do', async () => {
  const { app, cluster, call, turnsOf } = await createWorking()
  const records = (count: number) => cluster.produceRecords('t', Array(count).fill(record('x', 0)))
  const batches = (count: number) =>
    cluster.produceBatches('t', 0, Buffer.concat(Array(count).fill(batch(['x']))))
  const get = (query: string, accept: string) => async () => {
    const answer = await call('GET', `${query}`, undefined, { accept })
    assert.equal(answer.status, 200)
  }
  const oneBatch = (count: number) => cluster.produceBatches('t', 0, batch(Array(count * 50).fill('x')))
  for (const [produce, least] of [
    [records, 20],
    [batches, 20],
    [oneBatch, 1],
  ] as const) {
    assert.ok((await turnsOf(() => produce(10))) <= 1, 'the appender’s')
    const turns = await turnsOf(() => produce(2000))
    assert.ok(turns > least, `${turns} turns`)
  }
  const v3 = '/v3/clusters/local/topics/t/partitions/0/records?offset=0'
  const v2 = '/topics/t/partitions/0/records?offset=0'
  for (const [path, accept] of [
    [v3, 'application/json'],
    [v2, 'application/vnd.kafka.binary.v2+json'],
  ] as const) {
    assert.equal(await turnsOf(get(`${path}&max_bytes=70`, accept)), 0)
    const turns = await turnsOf(get(path, accept))
    assert.ok(turns >= 20, `${turns} turns`)
  }
  const lines = (count: number) => '{"partition_id":0}'.repeat(count)
  const array = (count: number) => JSON.stringify({ records: Array(count).fill({ partition: 0 }) })
  const idempotent = { 'producer-id': '1', 'producer-epoch': '0' }
  let sequence = 0
  const post = async (path: string, body: string, headers: Record<string, string>) => {
    const sized = { 'content-type': 'application/json', 'content-length': String(body.length), ...headers }
    const answer = await app.request(path, { method: 'POST', body, headers: sized })
    assert.equal(answer.status, 200, await answer.text())
  }
  const v3Path = '/v3/clusters/local/topics/t/records'
  const bodies = {
    v3: (count: number) => post(v3Path, lines(count), {}),
    v2: (count: number) => post('/topics/t', array(count), { 'content-type': v2Json }),
    idempotent: (count: number) => {
      const headers = { ...idempotent, 'producer-seq': String(sequence) }
      sequence += count
      return post(v3Path, lines(count), headers)
    },
  }
  for (const [name, produce] of Object.entries(bodies)) {
    assert.ok((await turnsOf(() => produce(10))) <= 1, `${name}: the appender’s`)
    const turns = await turnsOf(() => produce(2000))
    assert.ok(turns >= 60, `${name}: parsed, placed and reported in ${turns} turns`)
  }
  const consume = (max_poll_records: number) =>
    call('POST', '/v3/clusters/local/topics/t/partitions/-/consume', {
      from_beginning: true,
      max_poll_records,
    })
  assert.equal(await turnsOf(() => consume(1)), 0)
  const turns = await turnsOf(() => consume(1000))
  assert.ok(turns >= 10, `${turns} turns`)
})

test('a body of ten thousand batches is taken, one of more is refused and nothing of it is stored', async () => {
  const { cluster } = await createWorking()
  const body = (count: number) => Buffer.concat(Array(count).fill(batch(['x'])))
  await assert.rejects(cluster.produceBatches('t', 0, body(10_001)), kafkaError('RECORD_LIST_TOO_LARGE'))
  assert.equal((await cluster.listOffsets('t', 0, { kind: 'latest' })).offset, 0)
  const { baseOffsets } = await cluster.produceBatches('t', 0, body(10_000))
  assert.equal(baseOffsets.at(-1), 9999)
})
