// The composition root of one machine: the app on the embedded storage, with one cluster, `local`, whose owner is
// whoever can reach a loopback address.

import { createApp } from '../http/app.ts'
import type { App } from '../http/context.ts'
import { createScope } from '../metadata/scope.ts'
import { createCluster } from '../service/createCluster.ts'
import { defaultClusterSettings } from '../service/settings.ts'
import { openEmbeddedStorage } from '../storage/embedded/open.ts'
import { systemClock, systemRandom } from './clock.ts'
import type { LocalConfig } from './config.ts'
import { loadDocsAssets } from './docsAssets.ts'
import { logFailure } from './logger.ts'
import { packageVersion } from './version.ts'

export interface LocalServices {
  readonly app: App
  /** Waits for what is under way and closes the storage. */
  close(): Promise<void>
}

const clusterId = 'local'
const mebibyte = 1024 * 1024

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
  const app = createApp({
    cluster: (id) => (id === clusterId ? cluster : undefined),
    clusterIds: () => [clusterId],
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
      await cluster.idle()
      await storage.close()
    },
  }
}
