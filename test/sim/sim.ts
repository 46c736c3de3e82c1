// What every actor works with.
import type { Scope } from '../../shared/metadata/scope.ts'
import type { Caller } from './client.ts'
import type { Counters } from './counters.ts'
import type { Op, SentRecord, Span } from './history.ts'
import type { Fleet, SimProcess } from './process.ts'
import type { CompactionRules } from './topicRules.ts'
import type { World } from './world.ts'

export interface Sim extends Caller {
  readonly world: World
  readonly fleet: Fleet
  readonly scope: Scope
  readonly counters: Counters
  readonly history: Op[]
  readonly sent: Map<string, SentRecord>
  /** What may become of a topic's records. */
  rulesOf(topicName: string): CompactionRules
  /** Clients rest until then, and hours pass. */
  nightUntil(): number
  beginNight(untilMs: number): void
  /** The faults are over: actors finish what they have begun and begin nothing. */
  isEnding(): boolean
}

export interface Actor {
  readonly name: string
  /** Ends when it has nothing more to do. */
  run(sim: Sim): Promise<void>
}

export const begin = (sim: Sim): Span => ({ invoked: sim.world.order(), ended: Number.POSITIVE_INFINITY })

/** Mostly the same process, so that requests meet in a flush; sometimes another one. */
export function createRoute(sim: Sim): () => SimProcess {
  let process = sim.fleet.any()
  return () => {
    if (!process.isRunning() || sim.world.random.chance(0.2)) process = sim.fleet.any()
    return process
  }
}

/** A pause between two calls, mostly short, but for the night. */
export async function pause(sim: Sim, msMax: number): Promise<void> {
  const { world } = sim
  await world.sleep(world.random.float() ** 2 * msMax)
  while (world.now() < sim.nightUntil() && !sim.isEnding()) {
    await world.sleep(sim.nightUntil() - world.now() + world.random.float() * 1000)
  }
}
