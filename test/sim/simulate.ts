// One run: the plan of a seed, carried out under faults for a number of steps, then without faults until nothing is left to
// do, then checked.

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
import { createFleet } from './process.ts'
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

interface Run extends Sim {
  faults: Faults
  ending: boolean
}

/** Steps that a run may take, after the faults are over, to come to its end. */
const endingStepsMax = 300_000

export async function simulate(options: RunOptions): Promise<RunResult> {
  const world = createWorld(options.seed, options.onTrace)
  const plan = drawPlan(world.random)
  options.onPlan?.(plan)
  const scope = createScope('tenant')
  const counters = createCounters()
  const objects = (options.spoilObjects ?? same)(createMemoryObjectStore())
  const watch = createWatch((options.spoilTable ?? same)(createMemoryTable()), scope, world.order, counters)
  const violations: string[] = []
  const run = createRun(world, plan, { objects, table: watch.table, scope, counters, violations })
  const began = world.now()

  await perform(run, plan, options.steps, violations)
  if (violations.length === 0) {
    const stored = await readStoredLogs({ table: watch.table, objects, scope }, watch.incarnations)
    violations.push(...checkHistory(run.history, stored, watch.incarnations))
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

function createRun(
  world: World,
  plan: Plan,
  {
    violations,
    ...parts
  }: Pick<Sim, 'scope' | 'counters'> & {
    readonly objects: ObjectStore
    readonly table: Table
    readonly violations: string[]
  },
): Run {
  const report = (violation: string) => {
    world.trace(`VIOLATION ${violation}`)
    violations.push(violation)
  }
  const faultsNow = { now: noFaults }
  const deps = { ...parts, world, settings: plan.settings, report, faults: () => faultsNow.now }
  return {
    ...parts,
    world,
    report,
    fleet: createFleet(deps, plan.processes),
    history: [],
    sent: new Map(),
    outstanding: new Set(),
    timeoutMs: plan.timeoutMs,
    ending: false,
    isEnding() {
      return this.ending
    },
    get faults() {
      return faultsNow.now
    },
    set faults(faults) {
      faultsNow.now = faults
    },
  }
}

async function perform(run: Run, plan: Plan, steps: number, violations: readonly string[]): Promise<void> {
  const { world } = run
  await drive(run, createTopics(run, plan), violations, endingStepsMax)
  run.faults = plan.faults
  const acting = Promise.all(plan.actors.map((actor) => actor.run(run)))
  void trouble(run, plan.faults.crashMs, () => run.fleet.crashOne())
  void trouble(run, plan.faults.freezeMs, () =>
    run.fleet.freezeOne(world.random.float() * plan.faults.freezeMsMax),
  )
  const end = world.steps() + steps
  while (world.steps() < end && violations.length === 0 && (await world.step()));
  world.trace('the faults are over')
  run.faults = noFaults
  run.ending = true
  run.fleet.thawAll()
  await drive(run, acting, violations, endingStepsMax)
  while (violations.length === 0 && (await world.step()));
  await drive(run, finale(run), violations, endingStepsMax)
}

const createTopics = (run: Run, plan: Plan): Promise<unknown> =>
  Promise.all(plan.topics.map((topic) => ensureTopic(run, topic)))

/** Again and again, `meanMs` apart, while there are faults. */
async function trouble(run: Run, meanMs: number, make: () => void): Promise<void> {
  if (meanMs === 0) return
  for (;;) {
    await run.world.sleep(run.world.random.float() * 2 * meanMs)
    if (run.ending) return
    make()
  }
}

/** Lets the world go on until `work` is done. That it never is would be a violation too. */
async function drive(
  run: Run,
  work: Promise<unknown>,
  violations: readonly string[],
  stepsMax: number,
): Promise<void> {
  const { world } = run
  let done = false
  work.then(
    () => {
      done = true
    },
    (error: unknown) =>
      run.report(`an actor failed: ${error instanceof Error ? error.stack : String(error)}`),
  )
  const end = world.steps() + stepsMax
  while (!done && violations.length === 0) {
    const goesOn = await world.step()
    if (done || (goesOn && world.steps() < end)) continue
    run.report(`nothing comes to an end: ${[...run.outstanding].slice(0, 5).join('; ')}`)
  }
}
