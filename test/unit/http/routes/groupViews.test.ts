import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startGroups } from '../../../support/groupCalls.ts'

const base = 'http://localhost/v3/clusters/local'

async function start() {
  const groups = await startGroups()
  const epoch = await groups.join('g', 'm 1', { instance_id: 's', subscribed_topic_names: ['t'] })
  const offsets = [
    { topic_name: 't', partition_id: 0, offset: 2 },
    { topic_name: 't', partition_id: 1, offset: 5 },
  ]
  const committed = await groups.commit('g', { member_id: 'm 1', member_epoch: epoch, offsets })
  assert.equal(committed.body.offsets[0].error_code, null)
  return groups
}

const lag = (partition: number, current: number, behind: number) => ({
  kind: 'KafkaConsumerLag',
  metadata: {
    self: `${base}/consumer-groups/g/lags/t/partitions/${partition}`,
    resource_name: `crn:///kafka=local/consumer-group=g/lag=t/partition=${partition}`,
  },
  cluster_id: 'local',
  consumer_group_id: 'g',
  topic_name: 't',
  partition_id: partition,
  consumer_id: 'm 1',
  instance_id: 's',
  client_id: 'client of m 1',
  current_offset: current,
  log_end_offset: 5,
  lag: behind,
})

test('a group is shown as Confluent shows it, under the prefix it was asked with', async () => {
  const { app, call } = await start()
  const expected = {
    kind: 'KafkaConsumerGroup',
    metadata: { self: `${base}/consumer-groups/g`, resource_name: 'crn:///kafka=local/consumer-group=g' },
    cluster_id: 'local',
    consumer_group_id: 'g',
    is_simple: false,
    partition_assignor: 'uniform',
    state: 'STABLE',
    type: 'CONSUMER',
    is_mixed_consumer_group: false,
    coordinator: { related: `${base}/brokers/1` },
    consumers: { related: `${base}/consumer-groups/g/consumers` },
    lag_summary: { related: `${base}/consumer-groups/g/lag-summary` },
  }
  assert.deepEqual((await call('GET', '/consumer-groups/g')).body, expected)
  assert.deepEqual((await call('GET', '/consumer-groups')).body, {
    kind: 'KafkaConsumerGroupList',
    metadata: { self: `${base}/consumer-groups`, next: null },
    data: [expected],
  })
  const cloud = await app.request('/kafka/v3/clusters/local/consumer-groups/g')
  assert.match(
    JSON.parse(await cloud.text()).metadata.self,
    /\/kafka\/v3\/clusters\/local\/consumer-groups\/g$/,
  )
})

test('members and what they are assigned', async () => {
  const { call } = await start()
  const path = `${base}/consumer-groups/g/consumers/m%201`
  const member = {
    kind: 'KafkaConsumer',
    metadata: { self: path, resource_name: 'crn:///kafka=local/consumer-group=g/consumer=m 1' },
    cluster_id: 'local',
    consumer_group_id: 'g',
    consumer_id: 'm 1',
    instance_id: 's',
    client_id: 'client of m 1',
    assignments: { related: `${path}/assignments` },
  }
  assert.deepEqual((await call('GET', '/consumer-groups/g/consumers')).body.data, [member])
  assert.deepEqual((await call('GET', '/consumer-groups/g/consumers/m%201')).body, member)
  const { body } = await call('GET', '/consumer-groups/g/consumers/m%201/assignments')
  assert.deepEqual([body.kind, body.data.length], ['KafkaConsumerAssignmentList', 2])
  const one = await call('GET', '/consumer-groups/g/consumers/m%201/assignments/t/partitions/1')
  assert.deepEqual(one.body, body.data[1])
  assert.deepEqual(one.body, {
    kind: 'KafkaConsumerAssignment',
    metadata: {
      self: `${path}/assignments/t/partitions/1`,
      resource_name: 'crn:///kafka=local/consumer-group=g/consumer=m 1/assignment=t/partition=1',
    },
    cluster_id: 'local',
    consumer_group_id: 'g',
    consumer_id: 'm 1',
    topic_name: 't',
    partition_id: 1,
    partition: { related: `${base}/topics/t/partitions/1` },
    lag: { related: `${base}/consumer-groups/g/lags/t/partitions/1` },
  })
  // Its links lead somewhere.
  for (const { related } of [one.body.partition, one.body.lag, member.assignments]) {
    assert.equal((await call('GET', related.slice(base.length))).status, 200, related)
  }
})

test('lags by partition, one by one and summed up', async () => {
  const { call } = await start()
  const lags = await call('GET', '/consumer-groups/g/lags')
  assert.deepEqual(lags.body, {
    kind: 'KafkaConsumerLagList',
    metadata: { self: `${base}/consumer-groups/g/lags`, next: null },
    data: [lag(0, 2, 3), lag(1, 5, 0)],
  })
  assert.deepEqual((await call('GET', '/consumer-groups/g/lags/t/partitions/0')).body, lag(0, 2, 3))
  assert.deepEqual((await call('GET', '/consumer-groups/g/lag-summary')).body, {
    kind: 'KafkaConsumerGroupLagSummary',
    metadata: {
      self: `${base}/consumer-groups/g/lag-summary`,
      resource_name: 'crn:///kafka=local/consumer-group=g/lag-summary',
    },
    cluster_id: 'local',
    consumer_group_id: 'g',
    max_lag_consumer_id: 'm 1',
    max_lag_instance_id: 's',
    max_lag_client_id: 'client of m 1',
    max_lag_topic_name: 't',
    max_lag_partition_id: 0,
    max_lag: 3,
    total_lag: 3,
    max_lag_consumer: { related: `${base}/consumer-groups/g/consumers/m%201` },
    max_lag_partition: { related: `${base}/topics/t/partitions/0` },
  })
})

test('a group of offsets alone is simple, and its lags have no consumer', async () => {
  const { call, commit } = await startGroups()
  assert.equal(
    (await commit('s', { offsets: [{ topic_name: 't', partition_id: 1, offset: 1 }] })).status,
    200,
  )
  const { body } = await call('GET', '/consumer-groups/s')
  assert.deepEqual([body.is_simple, body.state], [true, 'EMPTY'])
  const [only] = (await call('GET', '/consumer-groups/s/lags')).body.data
  assert.deepEqual([only.consumer_id, only.instance_id, only.client_id, only.lag], ['', null, '', 4])
  const summary = await call('GET', '/consumer-groups/s/lag-summary')
  assert.equal(summary.body.max_lag_consumer.related, `${base}/consumer-groups/s/consumers`)
})

test('what is not there is 404 and says what it is', async () => {
  const { call, join } = await start()
  await join('new', 'm')
  const cases = [
    ['/g/consumers/gone', 404, /Consumer gone/],
    ['/g/consumers/gone/assignments', 404, /Consumer gone/],
    ['/g/consumers/m%201/assignments/t/partitions/7', 404, /t-7/],
    ['/g/lags/t/partitions/7', 404, /t-7/],
    ['/g/lags/u/partitions/0', 404, /u-0/],
    ['/new/lag-summary', 404, /no offset/],
    ['/gone', 40405, /gone/],
    ['/gone/consumers', 40405, /gone/],
    ['/gone/consumers/m', 40405, /gone/],
    ['/gone/lags', 40405, /gone/],
    ['/gone/lag-summary', 40405, /gone/],
    ['/gone/offsets', 40405, /gone/],
  ] as const
  for (const [path, code, message] of cases) {
    const { status, body } = await call('GET', `/consumer-groups${path}`)
    assert.deepEqual([status, body.error_code], [404, code], path)
    assert.match(body.message, message, path)
  }
  assert.deepEqual((await call('GET', '/consumer-groups/new/lags')).body.data, [])
})
