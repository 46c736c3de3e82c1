// What one tenant may have: refused by the name of the limit, raised by the operator.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { ClusterSettings } from '../../../shared/service/createCluster.ts'
import { boundOf, limitNames, tenantLimits } from '../../../shared/tenants/limits.ts'
import { createTestTenants } from '../../support/testTenants.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

async function createWorld(cluster: Partial<ClusterSettings> = {}) {
  const clock = createVirtualClock()
  const { callAs, operatorKey, operator, keyOf, makeAccount } = await createTestTenants({ clock, cluster })
  const everything = ['TOPIC', 'GROUP'].map((resource_type) => ({
    ...{ resource_type, resource_name: '*', pattern_type: 'LITERAL', principal: 'User:sa-1', host: '*' },
    ...{ operation: 'ALL', permission: 'ALLOW' },
  }))
  await operator('POST', '/acls:batch', { data: everything })
  const root = callAs(operatorKey)
  /** And five seconds later. */
  const limit = async (limits: Record<string, number | null>) => {
    const answer = await root('PATCH', '/cmk/v2/clusters/local', { spec: { limits } })
    clock.advance(5000)
    return answer
  }
  return { root, operator, keyOf, caller: await keyOf('User:sa-1'), limit, makeAccount }
}

test('topics and partitions are refused beyond their limits, and taken when the operator raises them', async () => {
  const { caller, limit } = await createWorld()
  await limit({ topics: 2, partitions: 5 })
  const create = (topic_name: string, partitions_count = 1) =>
    caller('POST', '/topics', { topic_name, partitions_count })
  assert.equal((await create('a', 2)).status, 201)
  const many = await create('b', 4)
  assert.deepEqual([many.status, many.body.error_code], [400, 40002])
  assert.match(many.body.message, /^The limit partitions of this cluster is 5/)
  assert.equal((await create('b', 3)).status, 201)
  assert.match((await create('c')).body.message, /The limit topics of this cluster is 2/)
  const grown = await caller('PATCH', '/topics/a', { partitions_count: 3 })
  assert.match(grown.body.message, /limit partitions/)
  await limit({ topics: null, partitions: 6 })
  assert.equal((await create('c')).status, 201)
})

test('configs, request sizes, groups and keys have limits', async () => {
  const { root, caller, limit, makeAccount } = await createWorld()
  await limit({
    message_bytes: 1_048_588,
    retention_ms: 604_800_000,
    request_bytes: 1000,
    groups: 1,
    api_keys: 2,
  })
  const create = (name: string, value: string) =>
    caller('POST', '/topics', { topic_name: 't', configs: [{ name, value }] })
  assert.match((await create('max.message.bytes', '2000000')).body.message, /limit message_bytes/)
  assert.match((await create('retention.ms', '-1')).body.message, /limit retention_ms/)
  assert.equal((await create('retention.ms', '1000')).status, 201)
  const altered = await caller('PUT', '/topics/t/configs/retention.ms', { value: '604800001' })
  assert.match(altered.body.message, /limit retention_ms/)
  const large = await caller('POST', '/topics/t/records', {
    value: { type: 'STRING', data: 'x'.repeat(1001) },
  })
  assert.match(large.body.message, /limit request_bytes/)
  const join = (group: string) =>
    caller('POST', `/consumer-groups/${group}:heartbeat`, {
      ...{ member_id: 'm', member_epoch: 0, rebalance_timeout_ms: 60_000, topic_partitions: [] },
      subscribed_topic_names: ['t'],
    })
  assert.equal((await join('g')).status, 200)
  assert.match((await join('h')).body.message, /limit groups/)
  assert.equal((await join('g')).status, 200)
  const owner = { id: await makeAccount('shop') }
  const key = () => root('POST', '/iam/v2/api-keys', { spec: { owner, resource: { id: 'local' } } })
  assert.equal((await key()).status, 202)
  assert.match((await key()).body.message, /limit api_keys/)
})

test('a topic that does not say how many partitions it has counts with as many as it gets', async () => {
  const { caller, limit } = await createWorld({ numPartitions: 6 })
  await limit({ partitions: 11 })
  assert.equal((await caller('POST', '/topics', { topic_name: 'a' })).status, 201)
  assert.match((await caller('POST', '/topics', { topic_name: 'b' })).body.message, /limit partitions/)
})

test('a topic that says nothing of what is limited below its default gets the limit', async () => {
  const { caller, limit } = await createWorld()
  await limit({ retention_ms: 3_600_000, message_bytes: 1000 })
  const create = (topic_name: string, configs?: unknown) => caller('POST', '/topics', { topic_name, configs })
  const shown = async (topic: string, name: string) => {
    const { value, is_default } = (await caller('GET', `/topics/${topic}/configs/${name}`)).body
    return [value, is_default]
  }
  assert.equal((await create('silent')).status, 201)
  assert.deepEqual(await shown('silent', 'retention.ms'), ['3600000', false])
  assert.deepEqual(await shown('silent', 'max.message.bytes'), ['1000', false])
  assert.match(
    (await create('more', [{ name: 'retention.ms', value: '3600001' }])).body.message,
    /limit retention_ms/,
  )
  assert.equal((await create('less', [{ name: 'retention.ms', value: '1000' }])).status, 201)
  assert.deepEqual(await shown('less', 'retention.ms'), ['1000', false])
  assert.equal((await caller('DELETE', '/topics/less/configs/retention.ms')).status, 204)
  assert.deepEqual(await shown('less', 'retention.ms'), ['3600000', false])
  await limit({ retention_ms: 700_000_000, message_bytes: null })
  assert.equal((await create('roomy')).status, 201)
  assert.deepEqual(await shown('roomy', 'retention.ms'), ['604800000', true])
})

test('a consumer instance is refused beyond the limit, whatever its group, until another one is gone', async () => {
  const { keyOf, limit } = await createWorld()
  const atRoot = await keyOf('User:sa-1', 'local', '')
  await limit({ consumer_instances: 2 })
  const headers = { 'content-type': 'application/vnd.kafka.v2+json' }
  const create = (group: string, name: string) => atRoot('POST', `/consumers/${group}`, { name }, headers)
  assert.equal((await create('g', 'a')).status, 200)
  assert.equal((await create('h', 'b')).status, 200)
  const refused = await create('g', 'c')
  assert.deepEqual([refused.status, refused.body.error_code], [400, 40002])
  assert.match(refused.body.message, /^The limit consumer_instances of this cluster is 2/)
  // It counts no more than once.
  assert.equal((await create('g', 'a')).status, 409)
  assert.equal((await atRoot('DELETE', '/consumers/h/instances/b', undefined, headers)).status, 204)
  await limit({})
  assert.equal((await create('g', 'c')).status, 200)
})

test('a group that was deleted counts no more', async () => {
  const { caller, limit } = await createWorld()
  await limit({ groups: 1 })
  const heartbeat = (group: string, member_epoch: number) =>
    caller('POST', `/consumer-groups/${group}:heartbeat`, {
      ...{ member_id: 'm', member_epoch, rebalance_timeout_ms: 60_000, topic_partitions: [] },
      subscribed_topic_names: ['t'],
    })
  assert.equal((await heartbeat('g', 0)).status, 200)
  assert.match((await heartbeat('h', 0)).body.message, /limit groups/)
  assert.equal((await heartbeat('g', -1)).status, 200)
  assert.equal((await caller('DELETE', '/consumer-groups/g')).status, 204)
  await limit({ groups: 1 })
  assert.equal((await heartbeat('h', 0)).status, 200)
})

test('an operator sees the limits that hold, and changes only such as there are', async () => {
  const { root, limit } = await createWorld()
  const { body } = await root('GET', '/cmk/v2/clusters/local')
  assert.deepEqual(Object.keys(body.spec.limits), limitNames)
  assert.equal(body.spec.limits.topics, tenantLimits.topics.defaultValue)
  assert.equal(body.spec.limits.retention_ms, null)
  assert.equal((await limit({ topics: 7 })).body.spec.limits.topics, 7)
  assert.equal((await limit({ topics: null })).body.spec.limits.topics, tenantLimits.topics.defaultValue)
  assert.match((await limit({ wishes: 3 })).body.message, /wishes/)
  assert.equal((await limit({ topics: 0 })).status, 400)
})

test('the documentation lists every limit with its default', async () => {
  const text = await readFile(new URL('../../../docs/OPERATIONS.md', import.meta.url), 'utf8')
  for (const name of limitNames) {
    const shown = boundOf({}, name) ?? 'none'
    assert.ok(text.includes(`| \`${name}\` | ${shown} |`), `${name} ${shown}`)
  }
})
