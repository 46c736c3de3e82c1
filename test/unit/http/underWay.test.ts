import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessTo } from '../../../shared/http/clusters.ts'
import { createUnderWay } from '../../../shared/http/underWay.ts'
import { kafkaError } from '../../support/logTools.ts'
import { createTestApp, createTestCluster } from '../../support/testCluster.ts'

test('a tenant has its number of requests under way, whatever others have, and an ended one makes room once', () => {
  const begin = createUnderWay(2)
  const [end] = [begin('a'), begin('a')]
  assert.throws(() => begin('a'), kafkaError('THROTTLING_QUOTA_EXCEEDED'))
  begin('b')
  for (let i = 0; i < 10; i++) begin(undefined)
  end()
  end()
  begin('a')
  assert.throws(() => begin('a'), kafkaError('THROTTLING_QUOTA_EXCEEDED'))
})

const requestsPerTenantMax = 1000

test('streams of one tenant take its requests and nobody else’s, until they end', async () => {
  const cluster = createTestCluster()
  await cluster.createTopic({ name: 't', partitionCount: 1, configs: [], validateOnly: false })
  const { app } = createTestApp({
    authenticate: ({ headers }) =>
      Promise.resolve({ ...accessTo(cluster), tenant: headers.get('tenant') ?? undefined }),
  })
  const records = '/v3/clusters/local/topics/t/partitions/0/records'
  const get = (tenant: string, accept: string, method = 'GET') =>
    app.request(records, { method, headers: { tenant, accept } })
  const follow = (method?: string) => get('greedy', 'text/event-stream', method)

  for (let i = 0; i < 10; i++) assert.equal((await follow('HEAD')).status, 200)
  const streams = await Promise.all(Array.from({ length: requestsPerTenantMax }, () => follow()))
  assert.ok(streams.every(({ status }) => status === 200))
  const refused = await get('greedy', 'application/json')
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '1'])
  assert.equal((await get('neighbour', 'application/json')).status, 200)
  await streams[0]?.body?.cancel()
  assert.equal((await get('greedy', 'application/json')).status, 200, 'a request that has ended is none')
  assert.equal((await get('greedy', 'application/json')).status, 200)
  await Promise.all(streams.map(async ({ body }) => body?.cancel()))
})

test('a stream that is refused or fails is under way no more', async () => {
  const cluster = createTestCluster()
  const { app } = createTestApp({
    authenticate: () => Promise.resolve({ ...accessTo(cluster), tenant: 'a' }),
  })
  const path = '/v3/clusters/local/topics/missing/records'
  for (let i = 0; i <= requestsPerTenantMax; i++) {
    const answer = await app.request(path, { headers: { accept: 'text/event-stream' } })
    assert.equal(answer.status, 404)
  }
})
