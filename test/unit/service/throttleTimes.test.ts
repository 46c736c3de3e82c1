// Compute time as quotas count it, on a cluster whose calls take as long as a test says.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLimiter } from '../../../shared/base/concurrency.ts'
import { createScope } from '../../../shared/metadata/scope.ts'
import { createCounters } from '../../../shared/quotas/counters.ts'
import { indexQuotas, type QuotaValues } from '../../../shared/quotas/entity.ts'
import { createThrottle } from '../../../shared/quotas/throttle.ts'
import { createThrottledCluster } from '../../../shared/service/throttledCluster.ts'
import { createMemoryTable } from '../../../shared/storage/memory/table.ts'
import { fetchRequest, record, virtualPorts } from '../../support/logTools.ts'
import { createTestCluster } from '../../support/testCluster.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

function createWorld(values: QuotaValues) {
  const clock = createVirtualClock()
  const counters = createCounters({
    table: createMemoryTable(),
    clock,
    scope: createScope('lkc-1'),
    reportBackgroundFailure: (error) => {
      throw error
    },
  })
  const told: number[] = []
  const index = indexQuotas([{ entity: { user: 'alice' }, values }])
  const real = createTestCluster(virtualPorts())
  /** Half a second of work for each look at the topics. */
  const slow = {
    ...real,
    async listTopics() {
      clock.advance(500)
      return real.listTopics()
    },
    async fetch() {
      return []
    },
  }
  const cluster = createThrottledCluster(slow, {
    clock,
    throttle: async () => createThrottle(counters, index, {}, { user: 'alice', clientId: '' }, () => {}),
    mutateInOrder: createLimiter(1),
    tellWait: (ms) => told.push(ms),
  })
  return { clock, cluster, told }
}

test('who used up the compute time is refused everything, for a second at a time', async () => {
  const { clock, cluster, told } = createWorld({ request_percentage: 10 })
  // Ten percent of ten seconds are a second: two calls, and the third overdraws.
  for (let i = 0; i < 2; i++) await cluster.listTopics()
  assert.deepEqual(told, [0, 0])
  await cluster.listTopics()
  assert.equal(told.at(-1), 1000)
  for (const call of [
    () => cluster.listTopics(),
    () => cluster.produceRecords('t', [record('x')]),
    () => cluster.admitProduce('t'),
    () => cluster.fetch(fetchRequest([[0, 0]])),
    () => cluster.groups.listGroups(),
  ]) {
    await assert.rejects(call, { code: 'THROTTLING_QUOTA_EXCEEDED', details: { retryAfterMs: 1000 } })
  }
  clock.advance(5000)
  await cluster.listTopics()
})
