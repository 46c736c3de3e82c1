// The composition root of one machine: the app on the embedded storage, with one cluster, `local`, whose owner is
// whoever can reach a loopback address.

import { createApp } from '../http/app.ts'
import { accessTo } from '../http/clusters.ts'
import type { App } from '../http/context.ts'
import type { LogDeps } from '../log/deps.ts'
import { createScope } from '../metadata/scope.ts'
import { type Compaction, createCompaction } from '../service/compaction.ts'
import { createCompactor, defaultCompactionSettings } from '../service/compactor.ts'
import { createCluster } from '../service/createCluster.ts'
import { defaultClusterSettings } from '../service/settings.ts'
import { openEmbeddedStorage } from '../storage/embedded/open.ts'
import { systemClock, systemRandom } from './clock.ts'
import { runCompactionTimer } from './compactionTimer.ts'
import type { LocalConfig } from './config.ts'
import { clusterId } from './dataFolder.ts'
import { loadDocsAssets } from './docsAssets.ts'
import { logFailure } from './logger.ts'
import { packageVersion } from './version.ts'

export interface LocalServices {
  readonly app: App
  /** Waits for what is under way and closes the storage. */
  close(): Promise<void>
}

const mebibyte = 1024 * 1024
const collectIntervalMs = 10 * 60_000

export async function openLocalServices(config: LocalConfig): Promise<LocalServices> {
  const storage = await openEmbeddedStorage(config.dataDirectory)
  const scope = createScope(clusterId)
  const deps = {
    objects: storage.objects,
    table: storage.table,
    clock: systemClock,
    random: systemRandom,
    scope,
    reportBackgroundFailure: (error: unknown) => logFailure('background work failed', error),
  }
  const cluster = createCluster(deps, clusterId, {
    ...defaultClusterSettings,
    flush: { ...defaultClusterSettings.flush, lingerMs: config.lingerMs },
    numPartitions: config.numPartitions,
    autoCreateTopics: config.autoCreateTopics,
  })
  const compaction = startCompaction(deps, config.compactionIntervalMs)
  const access = Promise.resolve(accessTo(cluster, compaction))
  const app = createApp({
    authenticate: () => access,
    clock: systemClock,
    random: systemRandom,
    limits: {
      bodyBytesMax: config.bodyBytesMax,
      bodiesBytesMax: Math.max(64 * mebibyte, config.bodyBytesMax),
      bodyIdleMsMax: 30_000,
      fetchWaitMsMax: 60_000,
      batchEntriesMax: 10,
      streamMsMax: 24 * 3600_000,
    },
    version: packageVersion,
    loopbackOnly: true,
    probeStorage: async () => {
      await storage.table.get(scope.producerIds())
    },
    docsAssets: await loadDocsAssets(),
    reportFailure: (error, request) => logFailure('request failed', error, request),
  })
  return {
    app,
    async close() {
      await Promise.all([cluster.idle(), compaction.stop()])
      await storage.close()
    },
  }
}

interface LocalCompaction extends Compaction {
  /** The pass under way ends at its next clean point; resolves when it has. */
  stop(): Promise<void>
}

/** Long enough to get on, short enough for a request that waits for the pass before it. */
const passMsMax = 120_000

function startCompaction(deps: LogDeps, intervalMs: number): LocalCompaction {
  const stopping = new AbortController()
  const compactor = createCompactor({ ...deps, stopping: stopping.signal }, defaultCompactionSettings)
  const compaction = createCompaction(compactor, deps.clock, passMsMax)
  const timer = runCompactionTimer(
    {
      compaction,
      clock: deps.clock,
      stopping: stopping.signal,
      reportFailure: (error) => logFailure('compaction failed', error),
    },
    { passMs: intervalMs, collectMs: collectIntervalMs },
  )
  return {
    ...compaction,
    async stop() {
      stopping.abort()
      await timer
      await compaction.idle()
    },
  }
}
