// The clockwork of one machine: every cluster has its turn, and what is left of deleted ones goes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../../shared/base/limits.ts'
import { systemRandom } from '../../../shared/runtime/clock.ts'
import { startCompactions } from '../../../shared/runtime/localCompaction.ts'
import { createClusterRegistry } from '../../../shared/tenants/clusters.ts'
import { createOrganisations } from '../../../shared/tenants/organisations.ts'
import { createTopic, record, virtualPorts } from '../../support/logTools.ts'
import { createTestCluster, memoryPorts } from '../../support/testCluster.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

test('a deleted cluster goes when its grace has passed, while others are compacted', async () => {
  const clock = createVirtualClock()
  const failures: unknown[] = []
  const deps = {
    ...memoryPorts(),
    clock,
    random: systemRandom,
    reportBackgroundFailure: (error: unknown) => failures.push(error),
  }
  const registry = createClusterRegistry(deps)
  await createOrganisations(deps).create('first', 'org-1')
  for (const id of ['kept', 'doomed']) await registry.create({ organisationId: 'org-1', name: id }, id)
  await registry.update('doomed', () => ({ state: 'DELETING' }))
  const deletedMs = clock.now()
  const config = { compactionIntervalMs: 10 * 60_000, dedupeBufferBytes: 1024 * 1024 }
  const compactions = startCompactions(deps, registry.list, config)
  while (await registry.get('doomed')) await clock.sleep(60_000)
  assert.ok(clock.now() >= deletedMs + limits.graceMs)
  assert.ok(clock.now() <= deletedMs + limits.graceMs + 12 * 60_000)
  assert.ok(compactions.of('kept').sinceLastRunMs() !== undefined)
  await compactions.stop()
  assert.deepEqual(failures, [])
})

/** Clusters `greedy`, where each segment takes four seconds to store, and `quiet`; both have something to merge. */
async function createNeighbours() {
  const ports = virtualPorts()
  const { clock } = ports
  const startMs = clock.now()
  const storedMs = new Map<string, number>()
  const objects: typeof ports.objects = {
    ...ports.objects,
    async putIfAbsent(name, parts) {
      if (name.startsWith('greedy/segment/')) await clock.sleep(4000)
      const [tenant = ''] = name.split('/')
      if (name.includes('/segment/')) storedMs.set(tenant, clock.now() - startMs)
      return ports.objects.putIfAbsent(name, parts)
    },
  }
  const partitionCount = 24
  for (const tenant of ['greedy', 'quiet']) {
    const cluster = createTestCluster(ports, {}, tenant)
    await createTopic(cluster, 't', partitionCount)
    await cluster.produceRecords(
      't',
      Array.from({ length: tenant === 'greedy' ? partitionCount : 1 }, (_, i) => record('v', i)),
    )
    await cluster.idle()
  }
  const deps = {
    ...ports,
    objects,
    random: systemRandom,
    reportBackgroundFailure: (error: unknown) => assert.fail(String(error)),
  }
  return { deps, clock, startMs, storedMs }
}

const due = 20 * 60_000

const active = (...ids: readonly string[]) =>
  Promise.resolve(ids.map((clusterId) => ({ clusterId, state: 'ACTIVE', deletedMs: undefined }) as const))

const config = { compactionIntervalMs: due, dedupeBufferBytes: 1024 * 1024 }

test('a cluster with much to do keeps its neighbour waiting for a short turn, and comes again at once', async () => {
  const { deps, clock, startMs, storedMs } = await createNeighbours()
  const compactions = startCompactions(deps, () => active('greedy', 'quiet'), config)
  while (clock.now() < startMs + due + 200_000) await clock.sleep(1000)
  await compactions.stop()
  const waitedMs = (storedMs.get('quiet') ?? Number.NaN) - due
  assert.ok(waitedMs <= 15_000, `${waitedMs} ms`)
  assert.equal(compactions.of('greedy').report.counters.segmentsWritten, 24)
  const tookMs = (storedMs.get('greedy') ?? Number.NaN) - due
  assert.ok(tookMs <= 100_000, `${tookMs} ms`)
})

test('a cluster that is alone has the time of a pass that somebody asked for', async () => {
  for (const ask of [true, false]) {
    const { deps, clock, startMs } = await createNeighbours()
    const compactions = startCompactions(deps, () => active('greedy', ...(ask ? ['quiet'] : [])), {
      ...config,
      compactionIntervalMs: ask ? 0 : due,
    })
    const { report, run } = compactions.of('greedy')
    clock.advance(due)
    if (ask) assert.equal((await run({ collect: false, dryRun: false })).unfinished, false)
    while (report.counters.segmentsWritten < 24) await clock.sleep(1000)
    assert.ok(clock.now() <= startMs + due + 100_000)
    await compactions.stop()
  }
})
