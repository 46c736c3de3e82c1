// The answers of the v2 routes against the Strimzi bridge's description of them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCall } from '../support/call.ts'
import { createTestApp } from '../support/testCluster.ts'
import { assertOnly, type DeliberateDifference, renderDifference } from './differences.ts'
import { absent, loadSpec } from './spec.ts'

const spec = loadSpec('strimzi-bridge.openapi.json')
const skip = spec === undefined ? absent : false

const notServed: readonly { readonly path: RegExp; readonly reason: string }[] = [
  { path: /^\/consumers/, reason: 'Consumer instances are not there yet.' },
  { path: /^\/(healthy|ready)$/, reason: 'GET /health says more.' },
  { path: /^\/openapi/, reason: 'GET /openapi.json is the description.' },
]

const topic = '/topics/{topicname}'
const partition = `${topic}/partitions/{partitionid}`
const deliberateDifferences: readonly DeliberateDifference[] = [
  {
    operations: ['POST /admin/topics'],
    differs: 'status 400 is not described',
    reason: 'The description says nothing of a topic that cannot be created.',
  },
  {
    operations: [`GET ${partition}`, `GET ${partition}/offsets`],
    differs: 'status 400 is not described',
    reason: 'The description says nothing of a partition that is no number.',
  },
]

const json = { 'content-type': 'application/vnd.kafka.json.v2+json' }
const binary = { 'content-type': 'application/vnd.kafka.binary.v2+json' }
const text = { 'content-type': 'application/vnd.kafka.text.v2+json' }
const headers = [{ key: 'h', value: 'AQI=' }]

const steps: readonly (readonly [string, number, string, unknown?, Record<string, string>?])[] = [
  ['GET /', 200, '/'],
  ['GET /metrics', 200, '/metrics'],
  [
    'POST /admin/topics',
    201,
    '/admin/topics',
    { topic_name: 't', partitions_count: 2, replication_factor: 1 },
    json,
  ],
  ['POST /admin/topics', 400, '/admin/topics', { topic_name: 't' }, json],
  ['POST /admin/topics', 400, '/admin/topics', { topic_name: 'u', unknown: 1 }, json],
  ['GET /topics', 200, '/topics'],
  [`GET ${topic}`, 200, '/topics/t'],
  [`GET ${topic}`, 404, '/topics/gone'],
  [`GET ${topic}/partitions`, 200, '/topics/t/partitions'],
  [`GET ${topic}/partitions`, 404, '/topics/gone/partitions'],
  [`GET ${partition}`, 200, '/topics/t/partitions/1'],
  [`GET ${partition}`, 404, '/topics/t/partitions/2'],
  [`GET ${partition}`, 400, '/topics/t/partitions/one'],
  [
    `POST ${topic}`,
    200,
    '/topics/t',
    { records: [{ key: 'k', value: { a: 1 }, headers, timestamp: 5 }] },
    json,
  ],
  [`POST ${topic}`, 200, '/topics/t', { records: [{ value: 'AQI=', partition: 1 }] }, binary],
  [`POST ${topic}`, 200, '/topics/t', { records: [{ value: 'text' }, { value: null, key: 'k' }] }, text],
  [`POST ${topic}`, 404, '/topics/gone', { records: [{ value: 1 }] }, json],
  [`POST ${partition}`, 200, '/topics/t/partitions/0', { records: [{ value: 1 }] }, json],
  [`POST ${partition}`, 200, '/topics/t/partitions/7', { records: [{ value: 1 }] }, json],
  [`GET ${partition}/offsets`, 200, '/topics/t/partitions/0/offsets'],
  [`GET ${partition}/offsets`, 404, '/topics/t/partitions/7/offsets'],
  [`GET ${partition}/offsets`, 400, '/topics/t/partitions/1e0/offsets'],
]

test('every answer is as Strimzi describes it, but for the differences that are meant', {
  skip,
}, async () => {
  assert.ok(spec !== undefined)
  const { app, failures } = createTestApp()
  const call = createCall(app)
  const found: string[] = []
  for (const [operation, status, path, body, headers] of steps) {
    const [method = ''] = operation.split(' ')
    const answer = await call(method, path, body, headers)
    assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`)
    found.push(...spec.differences(operation, answer).map((line) => renderDifference(operation, line)))
  }
  assertOnly(found, deliberateDifferences)
  assert.deepEqual(failures, [])
})

test('every operation that Strimzi describes is checked above, or is known not to be served', {
  skip,
}, async () => {
  assert.ok(spec !== undefined)
  const call = createCall(createTestApp().app)
  const checked = new Set(steps.map(([operation]) => operation))
  const used = new Set<RegExp>()
  for (const operation of spec.operations.filter((name) => !checked.has(name))) {
    const [method = '', path = ''] = operation.split(' ')
    const group = notServed.find((row) => row.path.test(path))
    assert.ok(group !== undefined, `${operation} is neither checked nor listed`)
    used.add(group.path)
    const answer = await call(method, path.replaceAll(/[{}]/g, ''))
    assert.equal(answer.body?.message, 'HTTP 404 Not Found', `${operation} is served: check its answers`)
  }
  assert.deepEqual(
    notServed.filter(({ path }) => !used.has(path)),
    [],
  )
})
