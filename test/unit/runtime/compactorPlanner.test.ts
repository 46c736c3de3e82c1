// How a planner shares its time between the clusters of a deployment, and what becomes of those that are deleted.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../../shared/base/limits.ts'
import { acquireLease } from '../../../shared/leases/lease.ts'
import { createScope } from '../../../shared/metadata/scope.ts'
import { systemRandom } from '../../../shared/runtime/clock.ts'
import { createPlanner } from '../../../shared/runtime/compactorPlanner.ts'
import { createClusterRegistry } from '../../../shared/tenants/clusters.ts'
import { createOrganisations } from '../../../shared/tenants/organisations.ts'
import { memoryPorts } from '../../support/testCluster.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

const minute = 60_000

async function start(names: readonly string[]) {
  const clock = createVirtualClock()
  const failures: string[] = []
  const deps = {
    ...memoryPorts(),
    clock,
    // The first one comes first.
    random: { ...systemRandom, float: () => 0 },
    reportBackgroundFailure: (error: unknown) => failures.push(String(error)),
  }
  const clusters = createClusterRegistry(deps)
  await createOrganisations(deps).create('first', 'org-1')
  for (const name of names) await clusters.create({ organisationId: 'org-1', name }, name)
  const turns: { readonly clusterId: string; readonly ms: number }[] = []
  /** What a cluster's turn does with its time. */
  const plan = (work: (clusterId: string, ms: number) => number) =>
    createPlanner({ ...deps, clusters }, async (clusterId, deadlineMs) => {
      const ms = deadlineMs - clock.now()
      turns.push({ clusterId, ms })
      clock.advance(work(clusterId, ms))
      return { sequencers: 1, unfinished: false, collected: 2 }
    })
  return { clock, deps, clusters, failures, turns, plan }
}

test('each has its share of what is left, and time that nobody needed goes to those who come later', async () => {
  const { clock, turns, plan } = await start(['a', 'b', 'c'])
  const run = plan((clusterId, ms) => (clusterId === 'b' ? ms : 0))
  const outcome = await run(clock.now() + 12 * minute, 14 * minute)
  assert.deepEqual(outcome, { sequencers: 3, unfinished: false, collected: 6 })
  assert.deepEqual(turns, [
    { clusterId: 'a', ms: 4 * minute },
    { clusterId: 'b', ms: 6 * minute },
    { clusterId: 'c', ms: 6 * minute },
  ])
})

test('a share is long enough for some work, and who has no turn then is left for the next pass', async () => {
  const { clock, turns, plan } = await start(['a', 'b', 'c', 'd'])
  const outcome = await plan((_, ms) => ms)(clock.now() + 2 * minute, 3 * minute)
  assert.deepEqual(
    turns.map(({ ms }) => ms),
    [minute, minute],
  )
  assert.deepEqual(outcome, { sequencers: 2, unfinished: true, collected: 4 })
})

test('a cluster that fails is reported and stops no other; one that another planner has is left to it', async () => {
  const { clock, deps, failures, turns, plan } = await start(['a', 'b', 'c'])
  await acquireLease({ ...deps, scope: createScope('b') }, 'planner', 'another', minute)
  const run = plan((clusterId) => {
    if (clusterId === 'a') throw new Error('broken')
    return 0
  })
  const outcome = await run(clock.now() + minute, minute)
  assert.deepEqual(failures, ['Error: cluster a: broken'])
  assert.deepEqual(
    turns.map(({ clusterId }) => clusterId),
    ['a', 'c'],
  )
  assert.deepEqual(outcome, { sequencers: 1, unfinished: true, collected: 2 })
})

test('a deleted cluster has no turn, and is gone when the grace has passed', async () => {
  const { clock, clusters, turns, plan } = await start(['a', 'b'])
  await clusters.update('a', () => ({ state: 'DELETING' }))
  const run = plan(() => 0)
  await run(clock.now() + minute, minute)
  assert.equal((await clusters.get('a'))?.state, 'DELETING')
  clock.advance(limits.graceMs)
  await run(clock.now() + minute, minute)
  assert.equal(await clusters.get('a'), undefined)
  assert.deepEqual(
    turns.map(({ clusterId }) => clusterId),
    ['b', 'b'],
  )
})
