// The walk through Confluent's v2 API that its documentation takes: there is no published description to check against.
// The answers come from two processes in turn.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startConsumers } from '../support/consumerCalls.ts'

const v2 = { 'content-type': 'application/vnd.kafka.v2+json' }
const accept = { accept: 'application/vnd.kafka.json.v2+json' }

test('produce, create a consumer, subscribe, read, commit, look, read on, delete', async () => {
  const { call, failures } = await startConsumers()
  const records = { records: [{ value: { foo: 'bar' } }] }
  const json = {
    'content-type': 'application/vnd.kafka.json.v2+json',
    accept: 'application/vnd.kafka.v2+json',
  }
  const produced = await call('POST', '/topics/u', records, json)
  assert.deepEqual(produced.body, {
    offsets: [{ partition: 0, offset: 0, error_code: null, error: null }],
    key_schema_id: null,
    value_schema_id: null,
  })
  const config = { name: 'my_consumer_instance', format: 'json', 'auto.offset.reset': 'earliest' }
  const created = await call(
    'POST',
    '/consumers/my_json_consumer',
    { ...config, 'auto.commit.enable': 'false' },
    v2,
  )
  const base = 'http://localhost/consumers/my_json_consumer/instances/my_consumer_instance'
  assert.deepEqual(created.body, { instance_id: 'my_consumer_instance', base_uri: base })
  const ask = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
    call(method, new URL(base).pathname + path, body, headers)
  const subscribed = await ask('POST', '/subscription', { topics: ['u'] }, v2)
  assert.deepEqual([subscribed.status, subscribed.body], [204, undefined])
  const read = await ask('GET', '/records', undefined, accept)
  assert.equal(read.headers.get('content-type'), accept.accept)
  const [record] = read.body
  const { timestamp, headers, ...confluents } = record
  assert.deepEqual(confluents, { topic: 'u', key: null, value: { foo: 'bar' }, partition: 0, offset: 0 })
  assert.deepEqual([typeof timestamp, headers], ['number', []])
  const committed = await ask(
    'POST',
    '/offsets',
    { offsets: [{ topic: 'u', partition: 0, offset: record.offset }] },
    v2,
  )
  assert.equal(committed.status, 200)
  const looked = await ask('GET', '/offsets')
  assert.deepEqual(looked.body, { offsets: [{ topic: 'u', partition: 0, offset: 1, metadata: '' }] })
  assert.deepEqual((await ask('GET', '/records?timeout=10', undefined, accept)).body, [])
  const deleted = await ask('DELETE', '', undefined, v2)
  assert.deepEqual([deleted.status, deleted.body], [204, undefined])
  const gone = await ask('GET', '/records', undefined, accept)
  assert.deepEqual([gone.status, gone.body.error_code], [404, 40403])
  assert.deepEqual(failures(), [])
})
