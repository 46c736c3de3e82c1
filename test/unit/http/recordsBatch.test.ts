import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCall } from '../../support/call.ts'
import { createTestApp } from '../../support/testCluster.ts'

async function createTopicApp() {
  const { app, cluster } = createTestApp()
  await cluster.createTopic({ name: 't', partitionCount: 1, configs: [], validateOnly: false })
  const call = createCall(app, '/v3/clusters/local/topics/t')
  return { cluster, batch: (body: unknown) => call('POST', '/records:batch', body) }
}

test('entries succeed and fail by their ids, each alone', async () => {
  const { batch } = await createTopicApp()
  const value = { type: 'STRING', data: 'x' }
  const { status, body } = await batch({
    entries: [
      { id: 'a', value },
      { id: 'b', value: { type: 'BINARY', data: '1' } },
      { id: 'c', partition_id: 3 },
      { id: 'd' },
    ],
  })
  assert.equal(status, 207)
  assert.deepEqual(
    body.successes.map(({ id, offset }: { id: string; offset: number }) => [id, offset]),
    [
      ['a', 0],
      ['d', 1],
    ],
  )
  assert.deepEqual(body.successes[0].value, { type: 'STRING', size: 1 })
  const failures = body.failures.map(({ id, error_code }: { id: string; error_code: number }) => [
    id,
    error_code,
  ])
  assert.deepEqual(failures, [
    ['b', 400],
    ['c', 40402],
  ])
})

test('JSON data keeps its numbers', async () => {
  const { batch, cluster } = await createTopicApp()
  await batch('{"entries": [ {"id":"a","value":{"type":"JSON","data":{"n": 12345678901234567890}}} ]}')
  const [stored] = await cluster.fetch({
    topicName: 't',
    partitions: [{ partition: 0, offset: 0, maxBytes: 1000 }],
    maxBytes: 1000,
    minBytes: 0,
    maxWaitMs: 0,
  })
  const text = Buffer.concat(stored?.batches ?? []).toString()
  assert(text.includes('{"n":12345678901234567890}'))
})

test('ids that cannot tell the entries apart, none and too many entries are 42208', async () => {
  const { batch } = await createTopicApp()
  const ids = (...names: unknown[]) => ({ entries: names.map((id) => ({ id })) })
  const many = ids(...Array.from({ length: 11 }, (_, n) => String(n)))
  const wrong = [ids('a', 'a'), ids(''), ids('x'.repeat(81)), ids(1), { entries: [{}] }, ids(), {}, [], many]
  for (const body of wrong) {
    const answer = await batch(body)
    assert.deepEqual([answer.status, answer.body.error_code], [422, 42208], JSON.stringify(body))
  }
  assert.equal((await batch(ids('x'.repeat(80), 'é'))).status, 207)
})

test('an empty body, malformed JSON and an unknown topic are the status', async () => {
  const { app } = createTestApp()
  const call = createCall(app, '/v3/clusters/local/topics/t')
  assert.equal((await call('POST', '/records:batch', '')).status, 422)
  assert.equal((await call('POST', '/records:batch', '{')).status, 400)
  assert.equal((await call('POST', '/records:batch', { entries: [{ id: 'a' }] })).status, 404)
  assert.equal((await call('POST', '/recordsXbatch', { entries: [{ id: 'a' }] })).status, 404)
})
