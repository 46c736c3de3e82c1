import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCall } from '../../../support/call.ts'
import { createTestApp } from '../../../support/testCluster.ts'

async function start() {
  const { app, cluster } = createTestApp()
  const { clusterId } = cluster
  const prefix = `/v3/clusters/${clusterId}`
  const call = createCall(app, prefix)
  await call('POST', '/topics', { topic_name: 't', configs: [{ name: 'cleanup.policy', value: 'compact' }] })
  const value = async (name: string): Promise<string> =>
    (await call('GET', `/topics/t/configs/${name}`)).body.value
  return { call, value, self: `http://localhost${prefix}`, clusterId }
}

interface Config {
  readonly name: string
  readonly topic_name: string
  readonly is_default: boolean
}

test('a config says its value, where it comes from and what it would be otherwise', async () => {
  const { call, self, clusterId } = await start()
  const { status, body } = await call('GET', '/topics/t/configs/cleanup.policy')
  assert.equal(status, 200)
  assert.deepEqual(body, {
    kind: 'KafkaTopicConfig',
    metadata: {
      self: `${self}/topics/t/configs/cleanup.policy`,
      resource_name: `crn:///kafka=${clusterId}/topic=t/config=cleanup.policy`,
    },
    cluster_id: clusterId,
    topic_name: 't',
    name: 'cleanup.policy',
    value: 'compact',
    is_default: false,
    is_read_only: false,
    is_sensitive: false,
    source: 'DYNAMIC_TOPIC_CONFIG',
    synonyms: [
      { name: 'cleanup.policy', value: 'compact', source: 'DYNAMIC_TOPIC_CONFIG' },
      { name: 'log.cleanup.policy', value: 'delete', source: 'DEFAULT_CONFIG' },
    ],
  })
})

test('the list holds every config by name, and the one that was set is no default', async () => {
  const { call, self } = await start()
  const { body } = await call('GET', '/topics/t/configs')
  assert.equal(body.kind, 'KafkaTopicConfigList')
  assert.deepEqual(body.metadata, { self: `${self}/topics/t/configs`, next: null })
  const names = body.data.map((config: Config) => config.name)
  assert.ok(names.includes('retention.ms'))
  assert.deepEqual(names, [...names].sort())
  const set = body.data.filter((config: Config) => !config.is_default)
  assert.deepEqual(
    set.map((config: Config) => config.name),
    ['cleanup.policy'],
  )
})

test('the configs of all topics are those of each, one after the other', async () => {
  const { call } = await start()
  await call('POST', '/topics', { topic_name: 'a' })
  const { body } = await call('GET', '/topics/-/configs')
  const [a, t] = [await call('GET', '/topics/a/configs'), await call('GET', '/topics/t/configs')]
  assert.deepEqual(body.data, [...a.body.data, ...t.body.data])
})

test('default configs are those of a topic that does not exist yet', async () => {
  const { call, self } = await start()
  const { status, body } = await call('GET', '/topics/later/default-configs')
  assert.equal(status, 200)
  assert.equal(body.metadata.self, `${self}/topics/later/default-configs`)
  assert.ok(body.data.length > 10)
  assert.ok(body.data.every((config: Config) => config.is_default && config.topic_name === 'later'))
  assert.equal((await call('GET', '/topics/a%20b/default-configs')).body.error_code, 40002)
})

test('a config is set and reset', async () => {
  const { call, value } = await start()
  const before = await value('retention.ms')
  const set = await call('PUT', '/topics/t/configs/retention.ms', { value: '1000' })
  assert.equal(set.status, 204)
  assert.equal(await value('retention.ms'), '1000')
  assert.equal((await call('DELETE', '/topics/t/configs/retention.ms')).status, 204)
  assert.equal(await value('retention.ms'), before)
})

test('several configs change together or not at all', async () => {
  const { call, value } = await start()
  const alter = (data: unknown, more = {}) => call('POST', '/topics/t/configs:alter', { data, ...more })
  const changed = await alter([
    { name: 'retention.ms', value: '1000' },
    { name: 'segment.ms', value: '2000', operation: 'SET' },
    { name: 'cleanup.policy', operation: 'DELETE' },
  ])
  assert.equal(changed.status, 204)
  assert.deepEqual(
    [await value('retention.ms'), await value('segment.ms'), await value('cleanup.policy')],
    ['1000', '2000', 'delete'],
  )
  assert.equal((await alter([{ name: 'cleanup.policy', value: 'compact', operation: 'APPEND' }])).status, 204)
  assert.equal(await value('cleanup.policy'), 'delete,compact')
  const refused = await alter([
    { name: 'retention.ms', value: '5' },
    { name: 'segment.ms', value: 'soon' },
  ])
  assert.equal(refused.body.error_code, 40002)
  assert.equal(await value('retention.ms'), '1000')
  assert.equal((await alter([{ name: 'retention.ms', value: '7' }], { validate_only: true })).status, 204)
  assert.equal(await value('retention.ms'), '1000')
})

test('what cannot be changed is refused with its reason', async () => {
  const { call } = await start()
  const cases = [
    ['PUT', '/topics/t/configs/no.such.config', { value: '1' }, 400, 40002],
    ['PUT', '/topics/t/configs/retention.ms', { value: 'soon' }, 400, 40002],
    ['PUT', '/topics/t/configs/retention.ms', {}, 400, 40002],
    ['PUT', '/topics/t/configs/retention.ms', { value: 1000 }, 400, 400],
    ['PUT', '/topics/t/configs/retention.ms', '', 400, 400],
    ['DELETE', '/topics/t/configs/no.such.config', undefined, 400, 40002],
    ['GET', '/topics/t/configs/no.such.config', undefined, 404, 404],
    ['GET', '/topics/t/configs/__proto__', undefined, 404, 404],
    ['PUT', '/topics/gone/configs/retention.ms', { value: '1' }, 404, 40403],
    ['GET', '/topics/gone/configs', undefined, 404, 40403],
    ['GET', '/topics/gone/configs/retention.ms', undefined, 404, 40403],
    ['POST', '/topics/gone/configs:alter', { data: [{ name: 'retention.ms', value: '1' }] }, 404, 40403],
    ['POST', '/topics/t/configs:alter', { data: [{ name: 'retention.ms', operation: 'set' }] }, 400, 400],
    ['POST', '/topics/t/configs:alter', { data: {} }, 400, 400],
    ['POST', '/topics/t/configs:alter', {}, 400, 400],
    ['POST', '/topics/t/configs:alter', { data: [{ name: 'a' }, { name: 'a' }] }, 400, 40002],
  ] as const
  for (const [method, path, body, status, code] of cases) {
    const answer = await call(method, path, body)
    const name = `${method} ${path} ${JSON.stringify(body)}`
    assert.equal(answer.status, status, name)
    assert.equal(answer.body.error_code, code, name)
  }
})

test('configs that contradict each other are refused on every way in, and nothing changes', async () => {
  const { call, value } = await start()
  await call('PUT', '/topics/t/configs/max.compaction.lag.ms', { value: '1000' })
  const low = { name: 'min.compaction.lag.ms', value: '1001' }
  const remote = { name: 'remote.storage.enable', value: 'true' }
  const both = [low, { name: 'max.compaction.lag.ms', value: '1000' }]
  const ways = [
    ['PUT', '/topics/t/configs/min.compaction.lag.ms', { value: low.value }],
    ['PUT', '/topics/t/configs/remote.storage.enable', { value: 'true' }],
    ['POST', '/topics/t/configs:alter', { data: [low] }],
    ['POST', '/topics/t/configs:alter', { data: [{ name: 'retention.ms', value: '5' }, remote] }],
    ['POST', '/topics/t/configs:alter', { data: [low], validate_only: true }],
    ['POST', '/topics', { topic_name: 'new', configs: both }],
    ['POST', '/topics', { topic_name: 'new', configs: both, validate_only: true }],
  ] as const
  for (const [method, path, body] of ways) {
    const answer = await call(method, path, body)
    const name = `${method} ${path} ${JSON.stringify(body)}`
    assert.deepEqual([answer.status, answer.body.error_code], [400, 40002], name)
    assert.match(answer.body.message, /^[a-z.]+ \(\w+\) must .* with|must not be more than/, name)
  }
  assert.equal(await value('min.compaction.lag.ms'), '0')
  assert.equal(await value('remote.storage.enable'), 'false')
  assert.notEqual(await value('retention.ms'), '5')
  assert.equal((await call('GET', '/topics/new')).status, 404)
})
