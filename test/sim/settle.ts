// After the faults: enough passes and collections, and enough time between them, that everything that is not
// needed any more is gone, and everything that is needed is still there.

import { limits } from '../../shared/base/limits.ts'
import { verify } from '../../shared/compaction/verify.ts'
import { parseSequencer } from '../../shared/metadata/sequencer.ts'
import { ask } from './client.ts'
import { finale } from './finale.ts'
import { begin, type Sim } from './sim.ts'
import type { Watch } from './watch.ts'

/**
 * Index items wait for the grace from when they are seen to be overtaken, flushes for the index, segments
 * from when they are retired; what a late pass cleans begins with the last of these.
 */
const rounds = 5
const roundMs = limits.graceMs + 600_000

export async function settle(sim: Sim, watch: Watch): Promise<void> {
  await findFlaws(sim, watch, false)
  const process = sim.fleet.startNew()
  for (let round = 0; round < rounds; round++) {
    await sim.world.sleep(roundMs)
    const deadlineMs = process.clock.now() + roundMs
    const passed = await ask(sim, process, 'compact', begin(sim), () => process.compactor.run({ deadlineMs }))
    const collected = await ask(sim, process, 'collect', begin(sim), () =>
      process.compactor.collect({ deadlineMs, dryRun: false }),
    )
    if (passed.kind !== 'ok' || collected.kind !== 'ok')
      return sim.report('a pass fails after the faults are over')
    if (passed.value.unfinished) sim.report('a pass does not come to its end after the faults are over')
    for (const { name, reason } of collected.value.unreadable) sim.report(`${name} is unreadable: ${reason}`)
  }
  for (const [name, why] of process.compactor.report.uncleanable) sim.report(`${name} is uncleanable: ${why}`)
  await findFlaws(sim, watch, true)
  await findLeftovers(sim, watch)
  await findOverlooked(sim, watch)
  await finale(sim)
}

/** Holes, overlaps, names without bytes; in the end bytes without a name too. */
async function findFlaws(sim: Sim, { table, objects }: Watch, orphansToo: boolean): Promise<void> {
  const { world, scope } = sim
  const clock = { now: () => Math.floor(world.now()), sleep: (ms: number) => world.sleep(ms) }
  await verify(
    { table, objects, scope, clock, random: world.random },
    {
      finding({ kind, place, what }) {
        if (kind === 'orphan' && !orphansToo) return
        sim.report(`${kind}: ${place}: ${what}`)
      },
      progress: () => undefined,
    },
  )
}

/**
 * Covered segments, index items that segments have overtaken, retirements, leases and notes of topics that
 * are gone.
 */
async function findLeftovers({ report, scope }: Sim, { table, incarnations }: Watch): Promise<void> {
  const skOf = async (pk: string) => (await table.query({ pk, limit: 10_000 })).items.map(({ key }) => key.sk)
  for (const sk of await skOf(scope.deletedPk)) report(`the deleted topic ${sk} is still noted`)
  const dead = incarnations.filter(({ diedAt }) => diedAt !== Number.POSITIVE_INFINITY)
  for (const sk of await skOf(scope.leasesPk)) {
    if (dead.some(({ topicId }) => sk.includes(topicId))) report(`lease ${sk} is left of a deleted topic`)
  }
  for (const { topicId } of dead) {
    for (let partition = 0; partition < 40; partition++) {
      for (const sk of await skOf(scope.indexPk(topicId, partition)))
        report(`${topicId}/${partition} ${sk} is left`)
    }
  }
}

/** Flushes that no pass has ever merged, because whoever committed them died before he could mark them. */
async function findOverlooked({ report, scope }: Sim, { table, incarnations }: Watch): Promise<void> {
  for (const { topicName, topicId } of incarnations.filter(
    (one) => one.diedAt === Number.POSITIVE_INFINITY,
  )) {
    for (let group = 0; ; group++) {
      const item = await table.get(scope.sequencer(topicId, group))
      if (!item) break
      const { tail } = parseSequencer(item)
      if (tail.length > 0) report(`${tail.length} flushes of ${topicName} (group ${group}) are in no segment`)
    }
  }
}
