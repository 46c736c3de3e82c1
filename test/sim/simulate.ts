// One run: the plan of a seed, carried out under faults for a number of steps, then without faults until nothing is
// left to do, then checked.

import { createScope } from '../../shared/metadata/scope.ts'
import type { ObjectStore } from '../../shared/ports/objectStore.ts'
import type { Table } from '../../shared/ports/table.ts'
import { createMemoryObjectStore } from '../../shared/storage/memory/objectStore.ts'
import { createMemoryTable } from '../../shared/storage/memory/table.ts'
import { ensureTopic } from './actors/admin.ts'
import { checkHistory } from './checkers/check.ts'
import { readStoredLogs } from './checkers/storedLog.ts'
import { type Counters, createCounters } from './counters.ts'
import { type Faults, noFaults } from './faults.ts'
import { finale } from './finale.ts'
import { drawPlan, type Plan } from './plan.ts'
import { createFleet, stackOf } from './process.ts'
import type { Sim } from './sim.ts'
import { createWatch } from './watch.ts'
import { createWorld, type World } from './world.ts'

export interface RunOptions {
  readonly seed: number
  readonly steps: number
  /** For tests of the simulation itself: stores that are broken on purpose. */
  readonly spoilTable?: (table: Table) => Table
  readonly spoilObjects?: (objects: ObjectStore) => ObjectStore
  readonly onPlan?: (plan: Plan) => void
  readonly onTrace?: (line: string) => void
}

export interface RunResult {
  readonly violations: readonly string[]
  readonly steps: number
  readonly virtualMs: number
  readonly traceHash: string
  readonly traceTail: readonly string[]
  readonly counters: Counters
}

/** What changes when the faults are over. */
interface Phase {
  faults: Faults
  ending: boolean
}

interface Parts extends Pick<Sim, 'scope' | 'counters' | 'report'> {
  readonly objects: ObjectStore
  readonly table: Table
}

/** Steps that a run may take, after the faults are over, to come to its end. */
const endingStepsMax = 300_000
/** Without faults everything is answered; a client that waits this long waits for nothing. */
const patienceMs = 3_600_000

export async function simulate(options: RunOptions): Promise<RunResult> {
  const world = createWorld(options.seed, options.onTrace)
  const plan = drawPlan(world.random)
  options.onPlan?.(plan)
  const scope = createScope('tenant')
  const counters = createCounters()
  const objects = (options.spoilObjects ?? same)(createMemoryObjectStore())
  const watch = createWatch((options.spoilTable ?? same)(createMemoryTable()), scope, world.order, counters)
  const violations: string[] = []
  const report = (violation: string) => {
    world.trace(`VIOLATION ${violation}`)
    violations.push(violation)
  }
  const phase: Phase = { faults: noFaults, ending: false }
  const sim = createSim(world, plan, phase, { objects, table: watch.table, scope, counters, report })
  const began = world.now()

  await perform({ sim, phase, plan, violations }, options.steps)
  if (violations.length === 0) {
    const stored = await readStoredLogs({ table: watch.table, objects, scope }, watch.incarnations)
    violations.push(...checkHistory(sim.history, stored, watch.incarnations))
  }
  return {
    violations,
    steps: world.steps(),
    virtualMs: world.now() - began,
    traceHash: world.traceHash(),
    traceTail: world.traceTail(),
    counters,
  }
}

function same<T>(value: T): T {
  return value
}

function createSim(world: World, plan: Plan, phase: Phase, parts: Parts): Sim {
  const { scope, counters, report } = parts
  const fleetDeps = { ...parts, world, settings: plan.settings, faults: () => phase.faults }
  return {
    world,
    scope,
    counters,
    report,
    fleet: createFleet(fleetDeps, plan.processes),
    history: [],
    sent: new Map(),
    outstanding: new Set(),
    timeoutMs: () => (phase.ending ? patienceMs : plan.timeoutMs),
    isEnding: () => phase.ending,
  }
}

interface Run {
  readonly sim: Sim
  readonly phase: Phase
  readonly plan: Plan
  readonly violations: readonly string[]
}

async function perform(run: Run, steps: number): Promise<void> {
  const { sim, phase, plan, violations } = run
  const { world, fleet } = sim
  await drive(run, Promise.all(plan.topics.map((topic) => ensureTopic(sim, topic))))
  phase.faults = plan.faults
  const acting = Promise.all(plan.actors.map((actor) => actor.run(sim)))
  const { crashMs, freezeMs, freezeMsMax } = plan.faults
  void trouble(sim, crashMs, () => fleet.crashOne())
  void trouble(sim, freezeMs, () => fleet.freezeOne(world.random.float() * freezeMsMax))
  const end = world.steps() + steps
  while (world.steps() < end && violations.length === 0 && (await world.step()));
  world.trace('the faults are over')
  phase.faults = noFaults
  phase.ending = true
  fleet.thawAll()
  await drive(run, acting)
  while (violations.length === 0 && (await world.step()));
  await drive(run, finale(sim))
}

/** Again and again, `meanMs` apart, while there are faults. */
async function trouble(sim: Sim, meanMs: number, make: () => void): Promise<void> {
  if (meanMs === 0) return
  for (;;) {
    await sim.world.sleep(sim.world.random.float() * 2 * meanMs)
    if (sim.isEnding()) return
    make()
  }
}

/** Lets the world go on until `work` is done. That it never is would be a violation too. */
async function drive({ sim, violations }: Run, work: Promise<unknown>): Promise<void> {
  const { world, report, outstanding } = sim
  let done = false
  work.then(
    () => {
      done = true
    },
    (error: unknown) => report(`an actor failed: ${stackOf(error)}`),
  )
  const end = world.steps() + endingStepsMax
  while (!done && violations.length === 0) {
    const goesOn = await world.step()
    if (done || (goesOn && world.steps() < end)) continue
    report(`nothing comes to an end: ${[...outstanding].slice(0, 5).join('; ')}`)
  }
}
