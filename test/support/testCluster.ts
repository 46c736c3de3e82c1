// A cluster on the memory adapters, and the app on it, for tests: nothing is mocked, nothing is shared between two of
// them.

import { createApp } from '../../shared/http/app.ts'
import { accessTo } from '../../shared/http/clusters.ts'
import type { HttpDeps } from '../../shared/http/context.ts'
import type { LogDeps } from '../../shared/log/deps.ts'
import { createScope } from '../../shared/metadata/scope.ts'
import type { ObjectStore } from '../../shared/ports/objectStore.ts'
import type { Table } from '../../shared/ports/table.ts'
import type { Clock } from '../../shared/ports/world.ts'
import { systemClock, systemRandom } from '../../shared/runtime/clock.ts'
import { createCompaction } from '../../shared/service/compaction.ts'
import { createCompactor, defaultCompactionSettings } from '../../shared/service/compactor.ts'
import { type ClusterSettings, createCluster } from '../../shared/service/createCluster.ts'
import { defaultClusterSettings } from '../../shared/service/settings.ts'
import { createMemoryObjectStore } from '../../shared/storage/memory/objectStore.ts'
import { createMemoryTable } from '../../shared/storage/memory/table.ts'
import { createEdge } from './edgeDeps.ts'

export interface TestPorts {
  readonly objects: ObjectStore
  readonly table: Table
  readonly clock: Clock
}

export const memoryPorts = (): TestPorts => ({
  objects: createMemoryObjectStore(),
  table: createMemoryTable(),
  clock: systemClock,
})

/** A failure in the background fails the test: an unhandled exception. */
const logDeps = (ports: TestPorts, tenant: string): LogDeps => ({
  ...ports,
  random: systemRandom,
  scope: createScope(tenant),
  reportBackgroundFailure: (error: unknown) => {
    throw error
  },
})

export function createTestCluster(
  ports: TestPorts = memoryPorts(),
  settings: Partial<ClusterSettings> = {},
  tenant = 'test',
) {
  return createCluster(logDeps(ports, tenant), 'local', { ...defaultClusterSettings, ...settings })
}

/**
 * The whole app on a cluster `local` in memory. `failures`: what it reported as a failure of ours. Two apps on the same
 * ports are two processes.
 */
export function createTestApp(
  changes: Partial<HttpDeps> = {},
  settings: Partial<ClusterSettings> = {},
  ports = memoryPorts(),
  tenant = 'test',
) {
  const cluster = createTestCluster(ports, settings, tenant)
  const compactor = createCompactor(logDeps(ports, tenant), defaultCompactionSettings)
  const compaction = createCompaction(compactor, systemClock, 10_000)
  const { deps, failures } = createEdge({
    authenticate: () => Promise.resolve(accessTo(cluster, compaction)),
    clock: ports.clock,
    random: systemRandom,
    limits: {
      bodyBytesMax: 20 * 1024 * 1024,
      bodiesBytesMax: 64 * 1024 * 1024,
      answersBytesMax: 128 * 1024 * 1024,
      bodyIdleMsMax: 10_000,
      fetchWaitMsMax: 30_000,
      batchEntriesMax: 10,
      streamMsMax: 60_000,
    },
    ...changes,
  })
  return { app: createApp(deps), cluster, failures }
}
