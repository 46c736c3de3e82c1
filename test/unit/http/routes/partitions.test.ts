import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCall } from '../../../support/call.ts'
import { createTestApp } from '../../../support/testCluster.ts'

async function start() {
  const { app, cluster } = createTestApp()
  const { clusterId } = cluster
  const prefix = `/v3/clusters/${clusterId}`
  const call = createCall(app, prefix)
  await call('POST', '/topics', { topic_name: 't', partitions_count: 2 })
  const append = async (...timestamps: number[]): Promise<void> => {
    const value = Buffer.from('v')
    const records = timestamps.map((timestamp) => ({
      partition: 1,
      timestamp,
      key: null,
      value,
      headers: [],
    }))
    const outcomes = await cluster.produceRecords('t', records)
    assert.ok(outcomes.every(({ ok }) => ok))
  }
  return { call, append, self: `http://localhost${prefix}/topics/t/partitions`, clusterId }
}

test('partitions are listed by number and each links to its leader', async () => {
  const { call, self, clusterId } = await start()
  const list = await call('GET', '/topics/t/partitions')
  assert.equal(list.body.kind, 'KafkaPartitionList')
  assert.deepEqual(list.body.metadata, { self, next: null })
  const one = await call('GET', '/topics/t/partitions/1')
  assert.deepEqual(list.body.data[1], one.body)
  assert.deepEqual(one.body, {
    kind: 'KafkaPartition',
    metadata: { self: `${self}/1`, resource_name: `crn:///kafka=${clusterId}/topic=t/partition=1` },
    cluster_id: clusterId,
    topic_name: 't',
    partition_id: 1,
    leader: { related: `${self}/1/replicas/1` },
    replicas: { related: `${self}/1/replicas` },
    reassignment: { related: `${self}/1/reassignment` },
  })
})

test('the one replica leads and is in sync', async () => {
  const { call } = await start()
  const list = await call('GET', '/topics/t/partitions/1/replicas')
  const one = await call('GET', '/topics/t/partitions/1/replicas/1')
  assert.deepEqual(list.body.data, [one.body])
  assert.equal(one.body.is_leader, true)
  assert.equal(one.body.is_in_sync, true)
  assert.equal((await call('GET', '/topics/t/partitions/1/replicas/2')).status, 404)
})

test('the pair of offsets follows what is appended', async () => {
  const { call, append } = await start()
  const offsets = async (query = '') => {
    const { body } = await call('GET', `/topics/t/partitions/1/offset${query}`)
    return [body.earliest_offset, body.latest_offset]
  }
  assert.deepEqual(await offsets(), [0, 0])
  await append(100, 300, 200)
  assert.deepEqual(await offsets(), [0, 3])
  assert.deepEqual(await offsets('?offset_type=earliest_and_latest'), [0, 3])
})

test('one offset is found by its place or by a timestamp, and -1 says that there is none', async () => {
  const { call, append } = await start()
  const find = async (query: string) => {
    const { status, body } = await call('GET', `/topics/t/partitions/1/offset?${query}`)
    assert.equal(status, 200, query)
    assert.ok(!('earliest_offset' in body))
    return [body.offset, body.timestamp]
  }
  assert.deepEqual(await find('timestamp=0'), [-1, -1])
  assert.deepEqual(await find('offset_type=max_timestamp'), [-1, -1])
  const now = 1_700_000_000_000
  await append(now + 100, now + 300, now + 200)
  assert.deepEqual(await find('timestamp=0'), [0, now + 100])
  assert.deepEqual(await find(`timestamp=${now + 101}`), [1, now + 300])
  assert.deepEqual(await find(`timestamp=${now + 301}`), [-1, -1])
  assert.deepEqual(await find('offset_type=max_timestamp'), [1, now + 300])
  assert.deepEqual(await find('offset_type=earliest'), [0, -1])
  assert.deepEqual(await find('offset_type=latest'), [3, -1])
})

test('records before an offset are deleted and the log begins there', async () => {
  const { call, append } = await start()
  await append(1, 2, 3)
  const remove = (before: unknown) =>
    call('POST', '/topics/t/partitions/1/records:delete', { before_offset: before })
  const two = await remove(2)
  assert.equal(two.status, 200)
  assert.equal(two.body.kind, 'KafkaDeletedRecords')
  assert.equal(two.body.low_watermark, 2)
  const { body } = await call('GET', '/topics/t/partitions/1/offset')
  assert.deepEqual([body.earliest_offset, body.latest_offset], [2, 3])
  assert.equal((await remove(-1)).body.low_watermark, 3)
  const beyond = await remove(4)
  assert.equal(beyond.status, 416)
  for (const before of [-2, 1.5, '2', null, undefined, 1e300]) {
    const refused = await remove(before)
    assert.equal(refused.status, 400, String(before))
    assert.match(refused.body.message, /"before_offset"/)
  }
})

test('records of a topic that only compacts are not deleted', async () => {
  const { call } = await start()
  await call('PUT', '/topics/t/configs/cleanup.policy', { value: 'compact' })
  const refused = await call('POST', '/topics/t/partitions/1/records:delete', { before_offset: -1 })
  assert.equal(refused.body.error_code, 40002)
})

test('an unknown partition is 40402 and an unknown topic 40403, under every route', async () => {
  const { call } = await start()
  const cases = [
    ['/topics/t/partitions/2', 40402],
    ['/topics/t/partitions/9007199254740991', 40402],
    ['/topics/gone/partitions/0', 40403],
  ] as const
  for (const [place, code] of cases) {
    for (const path of ['', '/offset', '/offset?timestamp=1', '/replicas', '/replicas/1']) {
      const answer = await call('GET', `${place}${path}`)
      assert.equal(answer.status, 404, `${place}${path}`)
      assert.equal(answer.body.error_code, code, `${place}${path}`)
    }
    const answer = await call('POST', `${place}/records:delete`, { before_offset: 0 })
    assert.equal(answer.body.error_code, code, place)
  }
  assert.equal((await call('GET', '/topics/gone/partitions')).body.error_code, 40403)
})

test('a number that is not written in plain decimal digits is 400', async () => {
  const { call } = await start()
  for (const number of ['1e0', '+1', '%201', '01', '0x1', '-1', '1.0', '9007199254740992', 'one']) {
    const answer = await call('GET', `/topics/t/partitions/${number}`)
    assert.equal(answer.status, 400, number)
    assert.match(answer.body.message, /"partition_id"/)
    const timestamp = await call(
      'GET',
      `/topics/t/partitions/0/offset?timestamp=${encodeURIComponent(number)}`,
    )
    assert.equal(timestamp.status, 400, number)
  }
  for (const query of ['offset_type=', 'offset_type=LATEST', 'offset_type=latest&timestamp=1']) {
    assert.equal((await call('GET', `/topics/t/partitions/0/offset?${query}`)).status, 400, query)
  }
})
