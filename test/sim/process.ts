// Processes: Lambda environments or machines that share the stores and nothing else, each with a cluster of its own
// (caches, appender). One may crash at any await, freeze for long and go on, or come back as a new one.

import { KafkaError } from '../../shared/base/errors.ts'
import type { App } from '../../shared/http/context.ts'
import type { Scope } from '../../shared/metadata/scope.ts'
import type { ObjectStore } from '../../shared/ports/objectStore.ts'
import type { Table } from '../../shared/ports/table.ts'
import type { Clock } from '../../shared/ports/world.ts'
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
  freezeOne(ms: number): void
  /** Whoever is frozen goes on. */
  thawAll(): void
  /** A process that has seen nothing yet. */
  startNew(): SimProcess
  all(): readonly SimProcess[]
}

interface Controlled {
  readonly process: SimProcess
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
    freezeOne(ms) {
      const slot = slots[anySlot()]
      world.trace(`freeze ${slot?.process.name} ${ms.toFixed(0)} ms`)
      counters.count('freeze')
      slot?.freezeUntil(world.now() + ms)
    },
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
  const cluster = createCluster(
    {
      objects: createFaultyObjectStore(deps.objects, courier),
      table: createFaultyTable(deps.table, courier),
      clock,
      random: world.random,
      scope,
      reportBackgroundFailure: (error) => {
        if (!(error instanceof KafkaError)) report(`${name} failed in the background: ${stackOf(error)}`)
      },
    },
    'sim',
    settings,
  )
  let app: App | undefined
  return {
    process: {
      ...owner,
      cluster,
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

export const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error)
