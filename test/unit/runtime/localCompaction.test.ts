// The clockwork of one machine: every cluster has its turn, and what is left of deleted ones goes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../../shared/base/limits.ts'
import { systemRandom } from '../../../shared/runtime/clock.ts'
import { startCompactions } from '../../../shared/runtime/localCompaction.ts'
import { createClusterRegistry } from '../../../shared/tenants/clusters.ts'
import { createOrganisations } from '../../../shared/tenants/organisations.ts'
import { memoryPorts } from '../../support/testCluster.ts'
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
