// Processes: Lambda environments or machines that share the stores and nothing else, each with a cluster of its own
// (caches, appender). One may crash at any await, freeze for long and go on, or come back as a new one.

import { KafkaError } from '../../shared/base/errors.ts'
import type { CompactionSettings } from '../../shared/compaction/deps.ts'
import type { App } from '../../shared/http/context.ts'
import type { LogDeps } from '../../shared/log/deps.ts'
import type { Scope } from '../../shared/metadata/scope.ts'
import type { ObjectStore } from '../../shared/ports/objectStore.ts'
import type { Table } from '../../shared/ports/table.ts'
import type { Clock } from '../../shared/ports/world.ts'
import { type Compactor, createCompactor } from '../../shared/service/compactor.ts'
import {
  type ClusterSettings,
  createCluster,
  type RunningCluster,
} from '../../shared/service/createCluster.ts'
import type { Counters } from './counters.ts'
import type { Faults } from './faults.ts'
import { createFaultyObjectStore } from './faultyObjectStore.ts'
import { createFaultyTable } from './faultyTable.ts'
import { createSimApp } from './simApp.ts'
import type { Owner, World } from './world.ts'

export interface SimProcess extends Owner {
  readonly cluster: RunningCluster
  readonly compactor: Compactor
  /** As this process sees it. */
  readonly clock: Clock
  /** The HTTP app on this cluster, made when it is first asked for. */
  app(): App
  /** Called when the process crashes; answers a function that takes the call back. */
  onCrash(call: () => void): () => void
  isRunning(): boolean
}

export interface FleetDeps {
  readonly world: World
  readonly objects: ObjectStore
  readonly table: Table
  readonly scope: Scope
  readonly settings: ClusterSettings
  readonly compaction: CompactionSettings
  /** For tests of the simulation itself. */
  readonly spoilCompactor: (deps: LogDeps) => LogDeps
  /** No topic was ever deleted, so that nothing may be missing for a compactor. */
  readonly allTopicsLive: () => boolean
  readonly counters: Counters
  readonly faults: () => Faults
  /** What must never happen: a failure of ours. */
  readonly report: (violation: string) => void
}

export interface Fleet {
  /** One of them, by chance: frozen ones are asked like others. */
  any(): SimProcess
  /** Crashes one and starts another in its place. */
  crashOne(): void
  /** False: it was frozen for long just before, and shall first finish what it has begun. */
  freeze(process: SimProcess, ms: number): boolean
  freezeOne(ms: number): boolean
  /** Whoever is frozen goes on. */
  thawAll(): void
  /** A process that has seen nothing yet. */
  startNew(): SimProcess
  all(): readonly SimProcess[]
}

interface Controlled {
  readonly process: SimProcess
  /** When it was last frozen for long, until when. */
  wokeAt: number
  crash(): void
  freezeUntil(time: number): void
}

export function createFleet(deps: FleetDeps, size: number): Fleet {
  const { world, counters } = deps
  let started = 0
  const start = () => startProcess(deps, `p${++started}`)
  const slots = Array.from({ length: size }, start)
  const anySlot = () => world.random.between(0, slots.length - 1)
  const running = () => slots.map(({ process }) => process)
  const freeze = (slot: Controlled | undefined, ms: number): boolean => {
    if (!slot || world.now() < slot.wokeAt + restMs) return false
    world.trace(`freeze ${slot.process.name} ${ms.toFixed(0)} ms`)
    counters.count('freeze')
    slot.freezeUntil(world.now() + ms)
    if (ms > longMs) slot.wokeAt = world.now() + ms
    return true
  }
  return {
    any: () => world.random.pick(running()),
    all: running,
    crashOne() {
      const slot = anySlot()
      const process = slots[slot]
      world.trace(`crash ${process?.process.name}`)
      counters.count('crash')
      process?.crash()
      slots[slot] = start()
    },
    freezeOne: (ms) => freeze(slots[anySlot()], ms),
    freeze: (process, ms) =>
      freeze(
        slots.find((slot) => slot.process === process),
        ms,
      ),
    thawAll() {
      for (const slot of slots) slot.freezeUntil(world.now())
    },
    startNew() {
      const slot = start()
      slots.push(slot)
      return slot.process
    },
  }
}

function startProcess(deps: FleetDeps, name: string): Controlled {
  const { world, counters, faults, scope, settings, report } = deps
  let suspendedUntil: number | undefined
  const crashCalls = new Set<() => void>()
  const owner: Owner = { name, suspendedUntil: () => suspendedUntil }
  const skewMs = Math.floor((world.random.float() - 0.5) * faults().clockSkewMsMax)
  const clock = createClock(world, owner, skewMs)
  const courier = { world, owner, faults, counters }
  const logDeps: LogDeps = {
    objects: createFaultyObjectStore(deps.objects, courier),
    table: createFaultyTable(deps.table, courier),
    clock,
    random: world.random,
    scope,
    reportBackgroundFailure: (error) => {
      const isOurs = !(error instanceof KafkaError) || (deps.allTopicsLive() && damageOf(error) !== undefined)
      if (isOurs) report(`${name} failed in the background: ${stackOf(error)}`)
    },
  }
  const cluster = createCluster(logDeps, 'sim', settings)
  let compactor: Compactor | undefined
  let app: App | undefined
  return {
    wokeAt: 0,
    process: {
      ...owner,
      cluster,
      clock,
      get compactor() {
        compactor ??= createCompactor(deps.spoilCompactor(logDeps), deps.compaction)
        return compactor
      },
      app: () => {
        app ??= createSimApp(cluster, clock, world.random, (error) => report(`${name}: ${stackOf(error)}`))
        return app
      },
      onCrash(call) {
        crashCalls.add(call)
        return () => crashCalls.delete(call)
      },
      isRunning: () => suspendedUntil !== Number.POSITIVE_INFINITY,
    },
    crash() {
      suspendedUntil = Number.POSITIVE_INFINITY
      for (const call of crashCalls) call()
    },
    freezeUntil(time) {
      suspendedUntil = time
    },
  }
}

/** A freeze this long is one of the fault model's longest; what was begun before ends before the next one. */
const longMs = 400_000
const restMs = 600_000

function createClock(world: World, owner: Owner, skewMs: number): Clock {
  return {
    now: () => Math.floor(world.now()) + skewMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const takeBack = world.later(ms, resolve, owner)
        const wake = () => {
          takeBack()
          resolve()
        }
        signal?.addEventListener('abort', wake, { once: true })
      }),
  }
}

/** Trouble with the storage passes; what is damaged or gone does not. undefined: it is that, or another refusal. */
export const damageOf = ({ code, message }: KafkaError): string | undefined =>
  code === 'KAFKA_STORAGE_ERROR' && !message.endsWith('Try again.') ? message : undefined

export const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error)
