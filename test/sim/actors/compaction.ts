// Compactors and collectors as schedules invoke them: in any process, two at once in one or in two, with as
// much time as chance gives them; and the night, in which clients rest, hours pass, and what was retired
// comes to be collected.

import { limits } from '../../../shared/base/limits.ts'
import { ask } from '../client.ts'
import type { SimProcess } from '../process.ts'
import { type Actor, begin, type Sim } from '../sim.ts'
import { fetchOnce, listOffset, timestampToSeek } from './reader.ts'

const hourMs = 3_600_000
/**
 * Who holds a name holds it no longer than the grace: that is the fault model. So the longest freeze is
 * shorter, by more than what a cache remembers and an operation takes, and nobody is frozen for long twice in
 * a row.
 */
const freezeMsMax = limits.graceMs - hourMs / 2

export const createCompactorActor = ({ pauseMsMax }: { readonly pauseMsMax: number }): Actor => ({
  name: `compactor every ${pauseMsMax} ms`,
  run: (sim) => again(sim, pauseMsMax, compactOnce),
})

export const createCollectorActor = ({ pauseMsMax }: { readonly pauseMsMax: number }): Actor => ({
  name: `collector every ${pauseMsMax} ms`,
  run: (sim) => again(sim, pauseMsMax, collectOnce),
})

/** At night everything takes its time: it is long. */
async function again(
  sim: Sim,
  pauseMsMax: number,
  work: (sim: Sim, process: SimProcess) => Promise<void>,
): Promise<void> {
  const { world, fleet } = sim
  while (!sim.isEnding()) {
    const isNight = world.now() < sim.nightUntil()
    await world.sleep(world.random.float() ** 2 * (isNight ? hourMs / 2 : pauseMsMax))
    if (sim.isEnding()) return
    const process = fleet.any()
    const twice = world.random.pick([[], [], [process], [fleet.any()]])
    await Promise.all([process, ...twice].map((one) => work(sim, one)))
  }
}

async function compactOnce(sim: Sim, process: SimProcess): Promise<void> {
  const ms = sim.world.random.pick([20, 300, 5_000, 60_000])
  const answer = await ask(sim, process, `compact for ${ms} ms`, begin(sim), () =>
    process.compactor.run({ deadlineMs: process.clock.now() + ms }),
  )
  if (answer.kind !== 'ok') return
  sim.counters.count(answer.value.unfinished ? 'passTimedOut' : 'pass')
}

async function collectOnce(sim: Sim, process: SimProcess): Promise<void> {
  const ms = sim.world.random.pick([100, 2_000, 60_000])
  const answer = await ask(sim, process, `collect for ${ms} ms`, begin(sim), () =>
    process.compactor.collect({ deadlineMs: process.clock.now() + ms, dryRun: false }),
  )
  if (answer.kind === 'ok') sim.counters.count('collect')
}

export const createNight = ({ dayMs, topicNames }: NightSettings): Actor => ({
  name: `a night after each ${dayMs} ms or so`,
  async run(sim) {
    const { world, fleet } = sim
    while (!sim.isEnding()) {
      await world.sleep(world.random.float() * 2 * dayMs)
      if (sim.isEnding()) return
      const nightMs = world.random.pick([hourMs / 2, 3.1 * hourMs, 4 * hourMs, 7 * hourMs])
      for (let i = world.random.between(0, 2); i > 0; i--) {
        const process = fleet.any()
        await beginToRead(sim, process, world.random.pick(topicNames))
        if (sim.isEnding()) return
        if (fleet.freeze(process, world.random.float() * freezeMsMax)) sim.counters.count('nightFreeze')
      }
      sim.counters.count('night')
      world.trace(`night for ${nightMs} ms`)
      sim.beginNight(world.now() + nightMs)
      await world.sleep(nightMs)
    }
  },
})

interface NightSettings {
  readonly dayMs: number
  readonly topicNames: readonly string[]
}

/** Reads from the beginning, and an offset search, that have come to some await and go on in the morning. */
async function beginToRead(sim: Sim, process: SimProcess, topicName: string): Promise<void> {
  const { random } = sim.world
  const { offset } = await listOffset(sim, sim.fleet.any(), { topicName, partition: 0, spec: 'earliest' })
  if (offset === undefined) return
  for (const maxBytes of [300, 1_000_000]) {
    const spec = { positions: new Map([[0, offset]]), maxBytes, minBytes: 0, maxWaitMs: 0 }
    void fetchOnce(sim, process, topicName, spec)
  }
  void listOffset(sim, process, { topicName, partition: 0, spec: timestampToSeek(sim) })
  await sim.world.sleep(random.float() * 60)
}
