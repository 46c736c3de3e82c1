import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestApp } from '../../support/testCluster.ts'

const type = (format: string) => `application/vnd.kafka.${format}.v2+json`

async function createTopicApp() {
  const { app, cluster } = createTestApp()
  await cluster.createTopic({ name: 't', partitionCount: 2, configs: [], validateOnly: false })
  const produce = async (path: string, records: unknown, contentType = type('json')) => {
    const body = typeof records === 'string' ? records : JSON.stringify({ records })
    const answer = await app.request(path, { method: 'POST', body, headers: { 'content-type': contentType } })
    const text = await answer.text()
    return {
      status: answer.status,
      type: answer.headers.get('content-type'),
      body: text === '' ? undefined : JSON.parse(text),
    }
  }
  const fetch = async (query: string, accept = type('json'), partition = 1) => {
    const answer = await app.request(`/topics/t/partitions/${partition}/records${query}`, {
      headers: { accept },
    })
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, text, body: JSON.parse(text) }
  }
  return { produce, fetch }
}

test('records of a topic and of a partition are stored, and answered with their offsets', async () => {
  const { produce, fetch } = await createTopicApp()
  const records = [
    {
      key: 'k',
      value: { n: 1 },
      partition: 1,
      timestamp: 1_700_000_000_000,
      headers: [{ key: 'h', value: 'AAE=' }],
    },
  ]
  const answer = await produce('/topics/t', records)
  assert.deepEqual(answer, {
    status: 200,
    type: 'application/vnd.kafka.v2+json',
    body: {
      offsets: [{ partition: 1, offset: 0, error_code: null, error: null }],
      key_schema_id: null,
      value_schema_id: null,
    },
  })
  assert.equal((await produce('/topics/t/partitions/1', [{ value: null }])).body.offsets[0].offset, 1)
  assert.deepEqual((await fetch('?offset=0')).body, [
    {
      topic: 't',
      key: 'k',
      value: { n: 1 },
      partition: 1,
      offset: 0,
      timestamp: 1_700_000_000_000,
      headers: [{ key: 'h', value: 'AAE=' }],
    },
    {
      ...(await fetch('?offset=1')).body[0],
      topic: 't',
      key: null,
      value: null,
      partition: 1,
      offset: 1,
      headers: [],
    },
  ])
})

test('every format is stored and shown as it says', async () => {
  const { produce, fetch } = await createTopicApp()
  const path = '/topics/t/partitions/1'
  await produce(path, [{ value: 'AP8=' }], type('binary'))
  await produce(path, [{ value: 'plain' }], type('text'))
  await produce(path, '{"records":[{"value": [12345678901234567890 , 1.0]}]}')
  const shown = (await fetch('?offset=0', type('binary'))).body.map(({ value }: { value: string }) => value)
  assert.deepEqual(shown.slice(0, 2), ['AP8=', 'cGxhaW4='])
  assert.equal((await fetch('?offset=1', type('text'))).body[0].value, 'plain')
  const json = await fetch('?offset=2')
  assert(json.text.includes('"value":[12345678901234567890,1.0]'))
  assert.equal(json.headers.get('content-type'), type('json'))
  assert.equal(json.headers.get('millrace-next-offset'), '3')
})

test('a record that the format cannot show is 40801, not a failure of ours', async () => {
  const { produce, fetch } = await createTopicApp()
  await produce('/topics/t/partitions/1', [{ value: 'AP8=' }], type('binary'))
  for (const format of ['json', 'text']) {
    const answer = await fetch('', type(format))
    assert.deepEqual([answer.status, answer.body.error_code], [408, 40801])
    assert.match(answer.body.message, /offset 0 of partition 1/)
  }
})

test('a refused record does not refuse the others', async () => {
  const { produce } = await createTopicApp()
  const { status, body } = await produce('/topics/t', [
    { value: 1, partition: 0 },
    { value: 1, partition: 9 },
  ])
  assert.equal(status, 200)
  assert.deepEqual(body.offsets[0], { partition: 0, offset: 0, error_code: null, error: null })
  assert.equal(body.offsets[1].offset, null)
  assert.equal(body.offsets[1].error_code, 40402)
})

test('async=true is answered without offsets, and what it stored is there', async () => {
  const { produce, fetch } = await createTopicApp()
  assert.deepEqual((await produce('/topics/t/partitions/1?async=true', [{ value: 1 }])).status, 204)
  assert.equal((await fetch('')).body.length, 1)
  assert.equal((await produce('/topics/t?async=yes', [{ value: 1 }])).status, 400)
})

test('unknown topics are 40401, other media types 415, unknown fields 422', async () => {
  const { produce, fetch } = await createTopicApp()
  const unknown = await produce('/topics/other', [{ value: 1 }])
  assert.deepEqual([unknown.status, unknown.body.error_code], [404, 40401])
  for (const contentType of [type('avro'), 'text/plain', 'application/octet-stream']) {
    assert.equal((await produce('/topics/t', [{ value: 1 }], contentType)).status, 415)
  }
  assert.equal((await produce('/topics/t', [{ value: 1 }], 'application/json; charset=utf-8')).status, 200)
  assert.equal((await produce('/topics/t', [{ valu: 1 }])).status, 422)
  assert.equal((await produce('/topics/t', '')).status, 400)
  assert.equal((await fetch('', type('avro'))).status, 406)
  assert.equal((await fetch('?offset=5')).status, 416)
  assert.equal((await fetch('?timeout=-1')).status, 400)
})
