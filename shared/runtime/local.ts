// The composition root of one machine: the app on the embedded storage.

import { createApp } from '../http/app.ts'
import type { App } from '../http/context.ts'
import { deploymentKey } from '../metadata/scope.ts'
import { defaultClusterSettings } from '../service/settings.ts'
import { openEmbeddedStorage } from '../storage/embedded/open.ts'
import { systemClock, systemRandom } from './clock.ts'
import { createCompactionThread } from './compactionThread.ts'
import type { LocalConfig } from './config.ts'
import { loadDocsAssets } from './docsAssets.ts'
import { createLocalDeps } from './localDeps.ts'
import { type LocalTenants, openTenant, openTenants } from './localTenants.ts'
import { logFailure } from './logger.ts'
import { packageVersion } from './version.ts'

export interface LocalServices {
  readonly app: App
  readonly makeFirstKey: LocalTenants['makeFirstKey']
  /** How the storage ended, if it did before `close`: nothing more can be stored. */
  readonly storageEnded: Promise<Error>
  /** Waits for what is under way and closes the storage. */
  close(): Promise<void>
}

const mebibyte = 1024 * 1024

export async function openLocalServices(config: LocalConfig): Promise<LocalServices> {
  const storage = await openEmbeddedStorage(config.dataDirectory)
  const deps = {
    ...createLocalDeps(storage),
    startPartitionWorkers: createCompactionThread(storage.connect),
  }
  const settings = {
    ...defaultClusterSettings,
    flush: { ...defaultClusterSettings.flush, lingerMs: config.lingerMs },
    groups: { ...defaultClusterSettings.groups, ...config.groups },
    numPartitions: config.numPartitions,
    autoCreateTopics: config.autoCreateTopics,
  }
  const tenants = config.secure
    ? await openTenants(deps, settings, config)
    : openTenant(deps, settings, config)
  const app = createApp({
    authenticate: tenants.authenticate,
    clock: systemClock,
    random: systemRandom,
    limits: {
      bodyBytesMax: config.bodyBytesMax,
      bodiesBytesMax: Math.max(64 * mebibyte, config.bodyBytesMax),
      answersBytesMax: 128 * mebibyte,
      bodyIdleMsMax: 30_000,
      fetchWaitMsMax: 60_000,
      batchEntriesMax: 10,
      streamMsMax: 24 * 3600_000,
    },
    version: packageVersion,
    loopbackOnly: config.tls === undefined,
    probeStorage: async () => {
      await storage.table.get(deploymentKey)
    },
    docsAssets: await loadDocsAssets(),
    reportFailure: (error, request) => logFailure('request failed', error, request),
  })
  return {
    app,
    makeFirstKey: tenants.makeFirstKey,
    storageEnded: storage.ended,
    async close() {
      await tenants.stop()
      await storage.close()
    },
  }
}
