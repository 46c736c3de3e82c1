// Every answer of the v3 routes against Confluent Cloud's own description of them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCall } from '../support/call.ts'
import { assertOnly, type DeliberateDifference, renderDifference } from './differences.ts'
import { absent, loadSpec } from './spec.ts'
import { openTarget } from './target.ts'

const spec = loadSpec('kafka-rest-v3-cloud.openapi.yaml')
const skip = spec === undefined ? absent : false

// Groups of operations that are not served, by what follows the cluster's id.
const notServed: readonly { readonly path: RegExp; readonly reason: string }[] = [
  { path: /^\/broker-configs/, reason: 'There are no brokers to configure.' },
  { path: /^\/links/, reason: 'Cluster linking is a product of its own.' },
  { path: /^\/share-groups/, reason: 'Share groups are not there yet.' },
  { path: /^\/streams-groups/, reason: 'Streams groups are not there yet.' },
]

const cluster = '/kafka/v3/clusters/{cluster_id}'
const topic = `${cluster}/topics/{topic_name}`
const config = `${topic}/configs/{name}`
const group = `${cluster}/consumer-groups/{consumer_group_id}`
const acls = `${cluster}/acls`
const lag = `${group}/lags/{topic_name}/partitions/{partition_id}`
// Not Confluent's: joins, commits and leaves, so that there is something to see.
const own = 'POST own'
const deliberateDifferences: readonly DeliberateDifference[] = [
  {
    operations: [
      `GET ${cluster}`,
      `GET ${cluster}/topics`,
      `POST ${cluster}/topics`,
      `GET ${cluster}/topics/-/configs`,
    ],
    differs: 'status 404 is not described',
    reason:
      'Cloud tells clusters apart before it comes to these; here an unknown cluster is a 404 everywhere.',
  },
  {
    operations: [`PATCH ${topic}`],
    differs: 'status 404 is not described',
    reason: 'The description forgets that the topic may not exist.',
  },
  {
    operations: [
      `GET ${cluster}/consumer-groups`,
      `GET ${group}`,
      `GET ${group}/consumers`,
      `GET ${group}/consumers/{consumer_id}`,
      `GET ${group}/lags`,
      `GET ${group}/lag-summary`,
      `GET ${lag}`,
    ],
    differs: 'status 404 is not described',
    reason: 'The description forgets that cluster, group, consumer or lag may not exist.',
  },
  {
    operations: [`GET ${acls}`, `POST ${acls}`, `POST ${acls}:batch`, `DELETE ${acls}`],
    differs: 'status 404 is not described',
    reason: 'As above: an unknown cluster is a 404 everywhere.',
  },
  {
    operations: [
      `POST ${cluster}/topics`,
      `POST ${topic}/configs:alter`,
      `POST ${acls}`,
      `POST ${acls}:batch`,
    ],
    differs: 'status 415 is not described',
    reason: 'A body that does not say it is JSON is refused as such, and not as malformed JSON.',
  },
]

const record = { value: { type: 'STRING', data: 'v' } }
const base64 = { type: 'BINARY', data: 'AQI=' }

const joins = {
  member_id: 'm',
  member_epoch: 0,
  topic_partitions: [],
  rebalance_timeout_ms: 1000,
  subscribed_topic_names: ['t'],
}
const commits = {
  member_id: 'm',
  member_epoch: 1,
  offsets: [{ topic_name: 't', partition_id: 0, offset: 0 }],
}

const acl = {
  resource_type: 'TOPIC',
  resource_name: 't-',
  pattern_type: 'PREFIXED',
  principal: 'User:alice',
  host: '*',
  operation: 'ALL',
  permission: 'ALLOW',
}
const misnamed = { ...acl, resource_type: 'CLUSTER', pattern_type: 'LITERAL' }
const anyAcl = '?resource_type=ANY&pattern_type=ANY&operation=ANY&permission=ANY'
const text = { 'content-type': 'text/plain' }

// [operation, status, path, body, headers], in an order in which each finds what it needs.
const steps: readonly (readonly [string, number, string, unknown?, Record<string, string>?])[] = [
  [`GET ${cluster}`, 200, '/local'],
  [`GET ${cluster}`, 404, '/elsewhere'],
  [`GET ${cluster}/topics`, 200, '/local/topics'],
  [`POST ${cluster}/topics`, 200, '/local/topics', { topic_name: 't', validate_only: true }],
  [
    `POST ${cluster}/topics`,
    201,
    '/local/topics',
    { topic_name: 't', replication_factor: 3, partitions_count: 2 },
  ],
  [`POST ${cluster}/topics`, 400, '/local/topics', { topic_name: 't' }],
  [`POST ${cluster}/topics`, 400, '/local/topics', { topic_name: 5 }],
  [`POST ${cluster}/topics`, 404, '/elsewhere/topics', { topic_name: 't' }],
  [`POST ${cluster}/topics`, 415, '/local/topics', '{}', { 'content-type': 'text/plain' }],
  [`GET ${cluster}/topics`, 200, '/local/topics?includeAuthorizedOperations=true'],
  [`GET ${cluster}/topics`, 404, '/elsewhere/topics'],
  [`GET ${topic}`, 200, '/local/topics/t'],
  [`GET ${topic}`, 200, '/local/topics/t?include_authorized_operations=true'],
  [`GET ${topic}`, 400, '/local/topics/t?include_authorized_operations=maybe'],
  [`GET ${topic}`, 404, '/local/topics/gone'],
  [`PATCH ${topic}`, 200, '/local/topics/t', { partitions_count: 3 }],
  [`PATCH ${topic}`, 400, '/local/topics/t', { partitions_count: 1 }],
  [`PATCH ${topic}`, 404, '/local/topics/gone', { partitions_count: 3 }],
  [`GET ${topic}/partitions`, 200, '/local/topics/t/partitions'],
  [`GET ${topic}/partitions`, 404, '/local/topics/gone/partitions'],
  [`GET ${topic}/partitions/{partition_id}`, 200, '/local/topics/t/partitions/1'],
  [`GET ${topic}/partitions/{partition_id}`, 400, '/local/topics/t/partitions/one'],
  [`GET ${topic}/partitions/{partition_id}`, 404, '/local/topics/t/partitions/9'],
  [`PUT ${config}`, 204, '/local/topics/t/configs/cleanup.policy', { value: 'compact' }],
  [`PUT ${config}`, 400, '/local/topics/t/configs/cleanup.policy', { value: 'shrink' }],
  [`PUT ${config}`, 404, '/local/topics/gone/configs/cleanup.policy', { value: 'compact' }],
  [`GET ${config}`, 200, '/local/topics/t/configs/cleanup.policy'],
  [`GET ${config}`, 404, '/local/topics/t/configs/no.such.config'],
  [`GET ${topic}/configs`, 200, '/local/topics/t/configs'],
  [`GET ${topic}/configs`, 404, '/local/topics/gone/configs'],
  [`GET ${cluster}/topics/-/configs`, 200, '/local/topics/-/configs'],
  [`GET ${cluster}/topics/-/configs`, 404, '/elsewhere/topics/-/configs'],
  [`GET ${topic}/default-configs`, 200, '/local/topics/later/default-configs'],
  [`GET ${topic}/default-configs`, 400, '/local/topics/a%20b/default-configs'],
  [`GET ${topic}/default-configs`, 404, '/elsewhere/topics/later/default-configs'],
  [`DELETE ${config}`, 204, '/local/topics/t/configs/cleanup.policy'],
  [`DELETE ${config}`, 400, '/local/topics/t/configs/no.such.config'],
  [`DELETE ${config}`, 404, '/local/topics/gone/configs/cleanup.policy'],
  [
    `POST ${topic}/configs:alter`,
    204,
    '/local/topics/t/configs:alter',
    { data: [{ name: 'retention.ms', value: '5' }] },
  ],
  [
    `POST ${topic}/configs:alter`,
    400,
    '/local/topics/t/configs:alter',
    { data: [{ name: 'no.such.config' }] },
  ],
  [`POST ${topic}/configs:alter`, 404, '/local/topics/gone/configs:alter', { data: [] }],
  [
    `POST ${topic}/configs:alter`,
    415,
    '/local/topics/t/configs:alter',
    '{}',
    { 'content-type': 'text/plain' },
  ],
  [`POST ${topic}/records`, 200, '/local/topics/t/records', record],
  [`POST ${topic}/records`, 200, '/local/topics/t/records', { partition_id: 1, key: base64, value: base64 }],
  [
    `POST ${topic}/records`,
    200,
    '/local/topics/t/records',
    { value: { type: 'BINARY', data: 'not base64' } },
  ],
  [`POST ${topic}/records`, 200, '/local/topics/t/records', { timestamp: '2026-01-01T00:00:00Z', ...record }],
  [`POST ${topic}/records`, 404, '/elsewhere/topics/t/records', record],
  [`POST ${topic}/records`, 415, '/local/topics/t/records', '{}', { 'content-type': 'text/plain' }],
  [`POST ${topic}/records`, 422, '/local/topics/t/records', '', { 'content-length': '0' }],
  [own, 200, '/local/consumer-groups/g:heartbeat', joins],
  [own, 200, '/local/consumer-groups/g/offsets:commit', commits],
  [`GET ${cluster}/consumer-groups`, 200, '/local/consumer-groups'],
  [`GET ${cluster}/consumer-groups`, 404, '/elsewhere/consumer-groups'],
  [`GET ${group}`, 200, '/local/consumer-groups/g'],
  [`GET ${group}`, 404, '/local/consumer-groups/gone'],
  [`GET ${group}/consumers`, 200, '/local/consumer-groups/g/consumers'],
  [`GET ${group}/consumers`, 404, '/local/consumer-groups/gone/consumers'],
  [`GET ${group}/consumers/{consumer_id}`, 200, '/local/consumer-groups/g/consumers/m'],
  [`GET ${group}/consumers/{consumer_id}`, 404, '/local/consumer-groups/g/consumers/gone'],
  [`GET ${group}/lags`, 200, '/local/consumer-groups/g/lags'],
  [`GET ${group}/lags`, 404, '/local/consumer-groups/gone/lags'],
  [`GET ${lag}`, 200, '/local/consumer-groups/g/lags/t/partitions/0'],
  [`GET ${lag}`, 400, '/local/consumer-groups/g/lags/t/partitions/zero'],
  [`GET ${lag}`, 404, '/local/consumer-groups/g/lags/t/partitions/2'],
  [`GET ${group}/lag-summary`, 200, '/local/consumer-groups/g/lag-summary'],
  [`GET ${group}/lag-summary`, 404, '/local/consumer-groups/gone/lag-summary'],
  [own, 200, '/local/consumer-groups/g:heartbeat', { member_id: 'm', member_epoch: -1 }],
  [`POST ${acls}`, 201, '/local/acls', acl],
  [`POST ${acls}`, 400, '/local/acls', misnamed],
  [`POST ${acls}`, 400, '/local/acls', { ...acl, operation: 'FLY' }],
  [`POST ${acls}`, 404, '/elsewhere/acls', acl],
  [`POST ${acls}`, 415, '/local/acls', '{}', text],
  [`POST ${acls}:batch`, 201, '/local/acls:batch', { data: [acl, { ...acl, permission: 'DENY' }] }],
  [`POST ${acls}:batch`, 400, '/local/acls:batch', { data: [acl, misnamed] }],
  [`POST ${acls}:batch`, 404, '/elsewhere/acls:batch', { data: [acl] }],
  [`POST ${acls}:batch`, 415, '/local/acls:batch', '{}', text],
  [`GET ${acls}`, 200, '/local/acls?resource_type=TOPIC&resource_name=t-1&pattern_type=MATCH'],
  [`GET ${acls}`, 400, '/local/acls?pattern_type=NEARLY'],
  [`GET ${acls}`, 404, '/elsewhere/acls'],
  [`DELETE ${acls}`, 400, '/local/acls?resource_type=TOPIC'],
  [`DELETE ${acls}`, 200, `/local/acls${anyAcl}`],
  [`DELETE ${acls}`, 404, `/elsewhere/acls${anyAcl}`],
  [`DELETE ${topic}`, 204, '/local/topics/t'],
  [`DELETE ${topic}`, 404, '/local/topics/t'],
]

test('every answer is as Confluent describes it, but for the differences that are meant', {
  skip,
}, async () => {
  assert.ok(spec !== undefined)
  const { app, failures } = await openTarget()
  const call = createCall(app, '/kafka/v3/clusters')
  const found: string[] = []
  for (const [operation, status, path, body, headers] of steps) {
    const [method = ''] = operation.split(' ')
    const answer = await call(method, path, body, headers)
    assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`)
    if (operation === own) continue
    found.push(...spec.differences(operation, answer).map((line) => renderDifference(operation, line)))
  }
  assertOnly(found, deliberateDifferences)
  assert.deepEqual(failures, [])
})

test('every operation that Confluent describes is checked above, or is known not to be served', {
  skip,
}, async () => {
  assert.ok(spec !== undefined)
  const call = createCall((await openTarget()).app)
  const checked = new Set(steps.map(([operation]) => operation))
  const used = new Set<RegExp>()
  for (const operation of spec.operations.filter((name) => !checked.has(name))) {
    const [method = '', path = ''] = operation.split(' ')
    const group = notServed.find((row) => row.path.test(path.slice(cluster.length)))
    assert.ok(group !== undefined, `${operation} is neither checked nor listed`)
    used.add(group.path)
    const answer = await call(method, path.replace('{cluster_id}', 'local').replaceAll(/[{}]/g, ''))
    assert.equal(answer.body?.message, 'HTTP 404 Not Found', `${operation} is served: check its answers`)
  }
  assert.deepEqual(
    notServed.filter(({ path }) => !used.has(path)),
    [],
  )
})
