// The answers of the v2 routes against the Strimzi bridge's description of them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCall } from '../support/call.ts'
import { assertOnly, type DeliberateDifference, renderDifference } from './differences.ts'
import { absent, loadSpec } from './spec.ts'
import { openTarget } from './target.ts'

const spec = loadSpec('strimzi-bridge.openapi.json')
const skip = spec === undefined ? absent : false

const notServed: readonly { readonly path: RegExp; readonly reason: string }[] = [
  { path: /^\/(healthy|ready)$/, reason: 'GET /health says more.' },
  { path: /^\/openapi/, reason: 'GET /openapi.json is the description.' },
]

const topic = '/topics/{topicname}'
const partition = `${topic}/partitions/{partitionid}`
const consumers = '/consumers/{groupid}'
const instance = `${consumers}/instances/{name}`
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
  {
    operations: [`DELETE ${instance}/subscription`],
    differs: 'type application/vnd.kafka.v2+json is not described for status 404',
    reason: 'The description has application/json in this one place; an error has one type everywhere.',
  },
  {
    operations: [`GET ${instance}/subscription`],
    differs: 'body.topics must be object',
    reason: "The schema is the one of the request; the description's own example is a list of names.",
  },
  ...['must be array', 'must be object', 'must be string', 'must match exactly one schema in oneOf'].map(
    (differs) => ({
      operations: [`GET ${instance}/records`],
      differs: `body[].key ${differs}`,
      reason: 'The description forgets that a record may have no key.',
    }),
  ),
]

const json = { 'content-type': 'application/vnd.kafka.json.v2+json' }
const binary = { 'content-type': 'application/vnd.kafka.binary.v2+json' }
const text = { 'content-type': 'application/vnd.kafka.text.v2+json' }
const v2 = { 'content-type': 'application/vnd.kafka.v2+json' }
const acceptText = { accept: text['content-type'] }
const headers = [{ key: 'h', value: 'AQI=' }]
const strimzis = {
  'auto.offset.reset': 'earliest',
  'enable.auto.commit': false,
  'isolation.level': 'read_committed',
}
const newConsumer = { name: 'i', format: 'text', ...strimzis }
const place = { topic: 'bridged', partition: 1 }
const partitions = [place]
const elsewhere = { topic: 'bridged', partition: 9, offset: 0 }

const steps: readonly (readonly [string, number, string, unknown?, Record<string, string>?])[] = [
  ['GET /', 200, '/'],
  ['GET /metrics', 200, '/metrics'],
  [
    'POST /admin/topics',
    201,
    '/admin/topics',
    { topic_name: 'bridged', partitions_count: 2, replication_factor: 1 },
    json,
  ],
  ['POST /admin/topics', 400, '/admin/topics', { topic_name: 'bridged' }, json],
  ['POST /admin/topics', 400, '/admin/topics', { topic_name: 'u', unknown: 1 }, json],
  ['GET /topics', 200, '/topics'],
  [`GET ${topic}`, 200, '/topics/bridged'],
  [`GET ${topic}`, 404, '/topics/gone'],
  [`GET ${topic}/partitions`, 200, '/topics/bridged/partitions'],
  [`GET ${topic}/partitions`, 404, '/topics/gone/partitions'],
  [`GET ${partition}`, 200, '/topics/bridged/partitions/1'],
  [`GET ${partition}`, 404, '/topics/bridged/partitions/2'],
  [`GET ${partition}`, 400, '/topics/bridged/partitions/one'],
  [
    `POST ${topic}`,
    200,
    '/topics/bridged',
    { records: [{ key: 'k', value: { a: 1 }, headers, timestamp: 5 }] },
    json,
  ],
  [`POST ${topic}`, 200, '/topics/bridged', { records: [{ value: 'AQI=', partition: 1 }] }, binary],
  [
    `POST ${topic}`,
    200,
    '/topics/bridged',
    { records: [{ value: 'text' }, { value: null, key: 'k' }] },
    text,
  ],
  [`POST ${topic}`, 404, '/topics/gone', { records: [{ value: 1 }] }, json],
  [`POST ${partition}`, 200, '/topics/bridged/partitions/0', { records: [{ value: 1 }] }, json],
  [`POST ${partition}`, 200, '/topics/bridged/partitions/7', { records: [{ value: 1 }] }, json],
  [`GET ${partition}/offsets`, 200, '/topics/bridged/partitions/0/offsets'],
  [`GET ${partition}/offsets`, 404, '/topics/bridged/partitions/7/offsets'],
  [`GET ${partition}/offsets`, 400, '/topics/bridged/partitions/1e0/offsets'],
  [`POST ${consumers}`, 200, '/consumers/bridge', newConsumer, v2],
  [`POST ${consumers}`, 200, '/consumers/bridge', { name: 'hand', ...strimzis }, v2],
  [`POST ${consumers}`, 409, '/consumers/bridge', newConsumer, v2],
  [`POST ${consumers}`, 422, '/consumers/bridge', { ...newConsumer, format: 'xml' }, v2],
  [
    `POST ${instance}/subscription`,
    204,
    '/consumers/bridge/instances/i/subscription',
    { topics: ['bridged'] },
    v2,
  ],
  [
    `POST ${instance}/subscription`,
    404,
    '/consumers/bridge/instances/gone/subscription',
    { topics: ['bridged'] },
    v2,
  ],
  [
    `POST ${instance}/subscription`,
    409,
    '/consumers/bridge/instances/i/subscription',
    { topic_pattern: 'bridged' },
    v2,
  ],
  [`POST ${instance}/subscription`, 422, '/consumers/bridge/instances/i/subscription', {}, v2],
  [`GET ${instance}/subscription`, 200, '/consumers/bridge/instances/i/subscription'],
  [`GET ${instance}/subscription`, 404, '/consumers/bridge/instances/gone/subscription'],
  [`POST ${instance}/assignments`, 204, '/consumers/bridge/instances/hand/assignments', { partitions }, v2],
  [`POST ${instance}/assignments`, 404, '/consumers/bridge/instances/gone/assignments', { partitions }, v2],
  [`POST ${instance}/assignments`, 409, '/consumers/bridge/instances/i/assignments', { partitions }, v2],
  [
    `GET ${instance}/records`,
    200,
    '/consumers/bridge/instances/i/records?timeout=1000',
    undefined,
    acceptText,
  ],
  [`GET ${instance}/records`, 404, '/consumers/bridge/instances/gone/records'],
  [
    `GET ${instance}/records`,
    406,
    '/consumers/bridge/instances/i/records',
    undefined,
    { accept: json['content-type'] },
  ],
  [
    `POST ${instance}/offsets`,
    204,
    '/consumers/bridge/instances/i/offsets',
    { offsets: [{ ...place, offset: 1 }] },
    v2,
  ],
  [`POST ${instance}/offsets`, 204, '/consumers/bridge/instances/i/offsets'],
  [`POST ${instance}/offsets`, 404, '/consumers/bridge/instances/gone/offsets'],
  [
    `POST ${instance}/positions`,
    204,
    '/consumers/bridge/instances/i/positions',
    { offsets: [{ ...place, offset: 0 }] },
    v2,
  ],
  [
    `POST ${instance}/positions`,
    404,
    '/consumers/bridge/instances/i/positions',
    { offsets: [elsewhere] },
    v2,
  ],
  [
    `POST ${instance}/positions/beginning`,
    204,
    '/consumers/bridge/instances/i/positions/beginning',
    { partitions },
    v2,
  ],
  [
    `POST ${instance}/positions/beginning`,
    404,
    '/consumers/bridge/instances/gone/positions/beginning',
    { partitions },
    v2,
  ],
  [`POST ${instance}/positions/end`, 204, '/consumers/bridge/instances/i/positions/end', { partitions }, v2],
  [
    `POST ${instance}/positions/end`,
    404,
    '/consumers/bridge/instances/gone/positions/end',
    { partitions },
    v2,
  ],
  [`DELETE ${instance}/subscription`, 204, '/consumers/bridge/instances/i/subscription'],
  [`DELETE ${instance}/subscription`, 404, '/consumers/bridge/instances/gone/subscription'],
  [`DELETE ${instance}`, 204, '/consumers/bridge/instances/i'],
  [`DELETE ${instance}`, 204, '/consumers/bridge/instances/hand'],
  [`DELETE ${instance}`, 404, '/consumers/bridge/instances/gone'],
]

test('every answer is as Strimzi describes it, but for the differences that are meant', {
  skip,
}, async () => {
  assert.ok(spec !== undefined)
  const { app, failures } = await openTarget()
  const call = createCall(app)
  const found: string[] = []
  for (const [operation, status, path, body, headers] of steps) {
    const [method = ''] = operation.split(' ')
    const answer = await call(method, path, body, headers)
    assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`)
    found.push(...spec.differences(operation, answer).map((line) => renderDifference(operation, line)))
  }
  assert.equal((await call('DELETE', '/v3/clusters/local/topics/bridged')).status, 204)
  assertOnly(found, deliberateDifferences)
  assert.deepEqual(failures, [])
})

test('every operation that Strimzi describes is checked above, or is known not to be served', {
  skip,
}, async () => {
  assert.ok(spec !== undefined)
  const call = createCall((await openTarget()).app)
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
