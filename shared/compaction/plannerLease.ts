// One planner at a time: the schedule wakes one each minute, and a pass may take a quarter of an hour. Two would change
// nothing twice, because partitions have leases of their own, but would invoke a worker twice for each of them.

import { acquireLease, type LeaseDeps, releaseLease } from '../leases/lease.ts'

const plannerLeaseName = 'planner'

/**
 * undefined: another one is at it. `msMax`: how long the caller can live, so that the lease needs no renewal; of a
 * planner that was killed it stays until then.
 */
export async function asOnlyPlanner<T>(
  deps: LeaseDeps,
  msMax: number,
  plan: () => Promise<T>,
): Promise<T | undefined> {
  const owner = Buffer.from(deps.random.bytes(12)).toString('hex')
  const lease = await acquireLease(deps, plannerLeaseName, owner, msMax)
  return lease && plan().finally(() => releaseLease(deps, lease))
}
