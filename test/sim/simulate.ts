// One run: the plan of a seed, carried out under faults for a number of steps, then without faults until nothing is
// left to do, then checked.

import type { LogDeps } from '../../shared/log/deps.ts'
import { createScope } from '../../shared/metadata/scope.ts'
import type { ObjectStore } from '../../shared/ports/objectStore.ts'
import type { Table } from '../../shared/ports/table.ts'
import { createMemoryObjectStore } from '../../shared/storage/memory/objectStore.ts'
import { createMemoryTable } from '../../shared/storage/memory/table.ts'
import { ensureTopic } from './actors/admin.ts'
import { checkHistory } from './checkers/check.ts'
import { checkGroups } from './checkers/groups.ts'
import { readStoredLogs } from './checkers/storedLog.ts'
import { type Counters, createCounters } from './counters.ts'
import { type Faults, noFaults } from './faults.ts'
import { finale } from './finale.ts'
import { findLeftovers, type GroupReads, groupFinale } from './groups/finale.ts'
import { drawGroupsPlan } from './groups/plan.ts'
import { watchGroups } from './groups/watch.ts'
import { drawPlan, type Plan } from './plan.ts'
import { createFleet, stackOf } from './process.ts'
import { settle } from './settle.ts'
import type { Sim } from './sim.ts'
import { keepsAll } from './topicRules.ts'
import { createWatch, isAlive, type Watch } from './watch.ts'
import { createWorld, type World } from './world.ts'

export interface RunOptions {
  readonly seed: number
  readonly steps: number
  /** Whether there are compactors; true where it is absent. */
  readonly compacts?: boolean
  /** Whether there are consumer groups, and little else; false where it is absent. */
  readonly groups?: boolean
  /** For tests of the simulation itself: stores that are broken on purpose. */
  readonly spoilTable?: (table: Table) => Table
  readonly spoilObjects?: (objects: ObjectStore) => ObjectStore
  readonly spoilCompactor?: (deps: LogDeps) => LogDeps
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
  nightUntil: number
}

interface Parts extends Pick<Sim, 'scope' | 'counters' | 'report' | 'rulesOf'> {
  readonly watch: Watch
  readonly spoilCompactor: (deps: LogDeps) => LogDeps
}

/** Steps that a run may take, after the faults are over, to come to its end. */
const endingStepsMax = 300_000
/** Without faults everything is answered; a client that waits this long waits for nothing. */
const patienceMs = 3_600_000

export async function simulate(options: RunOptions): Promise<RunResult> {
  const world = createWorld(options.seed, options.onTrace)
  const { compacts = true } = options
  const plan: Plan = options.groups ? drawGroupsPlan(world.random) : drawPlan(world.random, compacts)
  options.onPlan?.(plan)
  const scope = createScope('tenant')
  const counters = createCounters()
  const violations: string[] = []
  const report = (violation: string) => {
    world.trace(`VIOLATION ${violation}`)
    violations.push(violation)
  }
  const rulesOf = (name: string) => plan.topics.find(({ topicName }) => topicName === name)?.rules ?? keepsAll
  const watch = createWatch({
    table: createTable(options, plan, world, report),
    objects: (options.spoilObjects ?? same)(createMemoryObjectStore()),
    scope,
    counters,
    world,
    rulesOf,
    report,
    lateMsMax: plan.faults.lateMsMax + 10_000,
  })
  const phase: Phase = { faults: noFaults, ending: false, nightUntil: 0 }
  const { spoilCompactor = same } = options
  const sim = createSim(world, plan, phase, { watch, scope, counters, report, rulesOf, spoilCompactor })
  const began = world.now()

  const run = { sim, phase, plan, violations, watch }
  await perform(run, options.steps)
  let groupReads: GroupReads = new Map()
  if (violations.length === 0 && plan.groups) {
    const { runOf, end } = plan.groups
    const finish = async () => {
      groupReads = await groupFinale(runOf(sim), end)
      await findLeftovers(sim, end.seats, watch.table)
    }
    await drive(run, finish())
  } else if (violations.length === 0 && compacts) await drive(run, settle(sim, watch))
  if (violations.length === 0) {
    const stored = await readStoredLogs({ ...watch, scope }, watch)
    violations.push(...checkHistory(sim.history, stored, watch.incarnations))
    if (plan.groups) violations.push(...checkGroups({ ...plan.groups, reads: groupReads }, stored.logs))
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

function createTable(
  { spoilTable = same }: RunOptions,
  { groups }: Plan,
  world: World,
  report: (violation: string) => void,
): Table {
  const stored = createMemoryTable()
  const table = spoilTable(stored)
  if (!groups) return table
  const { history, times } = groups
  return watchGroups({ table, stored, history, skewMs: times.skewMs, world, report })
}

function same<T>(value: T): T {
  return value
}

function createSim(world: World, plan: Plan, phase: Phase, parts: Parts): Sim {
  const { scope, counters, report, rulesOf, watch } = parts
  const fleetDeps = {
    ...parts,
    world,
    table: watch.table,
    objects: watch.objects,
    settings: plan.settings,
    compaction: plan.compaction,
    allTopicsLive: () => watch.incarnations.every(isAlive),
    faults: () => phase.faults,
  }
  return {
    world,
    scope,
    counters,
    report,
    rulesOf,
    nightUntil: () => phase.nightUntil,
    beginNight(untilMs) {
      phase.nightUntil = untilMs
    },
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
  if (!plan.groups) await drive(run, finale(sim))
}

const nightMeanMs = 1_800_000

/** Again and again, `meanMs` apart, while there are faults; at night, which is long, rarely. */
async function trouble(sim: Sim, meanMs: number, make: () => void): Promise<void> {
  if (meanMs === 0) return
  for (;;) {
    const isNight = sim.world.now() < sim.nightUntil()
    await sim.world.sleep(sim.world.random.float() * 2 * (isNight ? Math.max(meanMs, nightMeanMs) : meanMs))
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
