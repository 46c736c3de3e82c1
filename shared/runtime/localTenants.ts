// Who may use a server on one machine. Without security: whoever reaches it, and there is one cluster. With it: the
// holders of API keys, and as many clusters as operators make; the first key is an operator's and is made at the first
// start.

import { accessTo } from '../http/clusters.ts'
import type { HttpDeps } from '../http/context.ts'
import { createScope } from '../metadata/scope.ts'
import type { ApiKeys } from '../security/apiKeys.ts'
import type { ClusterSettings } from '../service/createCluster.ts'
import { createCluster } from '../service/createCluster.ts'
import { makeFirstCluster } from '../tenants/firstCluster.ts'
import type { LocalConfig } from './config.ts'
import { clusterId } from './dataFolder.ts'
import { createIssuerNetwork } from './issuerNetwork.ts'
import { type CompactionConfig, type LocalCompactionDeps, startCompactions } from './localCompaction.ts'
import { logAudit } from './logger.ts'
import { loadPepper } from './pepper.ts'
import { createTenants } from './tenants.ts'

export interface LocalTenants {
  readonly authenticate: HttpDeps['authenticate']
  /** An operator's key, where there is none yet. Asked for by whoever can show it: that is once. */
  makeFirstKey(): Promise<FirstKey | undefined>
  /** Waits for what is under way. */
  stop(): Promise<void>
}

export interface FirstKey {
  readonly id: string
  readonly secret: string
}

type Deps = LocalCompactionDeps

export function openTenant(deps: Deps, settings: ClusterSettings, config: CompactionConfig): LocalTenants {
  const only = { clusterId, state: 'ACTIVE', deletedMs: undefined } as const
  const compactions = startCompactions(deps, () => Promise.resolve([only]), config)
  const cluster = createCluster({ ...deps, scope: createScope(clusterId) }, clusterId, settings)
  const access = Promise.resolve(accessTo(cluster, compactions.of(clusterId)))
  return {
    authenticate: () => access,
    makeFirstKey: () => Promise.resolve(undefined),
    stop: async () => {
      await Promise.all([cluster.idle(), compactions.stop()])
    },
  }
}

export async function openTenants(
  deps: Deps,
  settings: ClusterSettings,
  config: CompactionConfig & Pick<LocalConfig, 'dataDirectory'>,
): Promise<LocalTenants> {
  const pepper = await loadPepper(config.dataDirectory)
  const tenants = createTenants(deps, {
    // Who may write to a topic may not for that reason make one, and nobody knows of whom a write is down there.
    cluster: { ...settings, autoCreateTopics: false },
    pepper,
    lastingClusterId: clusterId,
    network: createIssuerNetwork(true),
    tellAudit: logAudit,
    compaction: (id) => compactions.of(id),
  })
  const { organisations, registry, apiKeys } = tenants
  // The cluster that is there without security: what it holds is still there with it.
  await makeFirstCluster({ organisations, clusters: registry }, clusterId)
  const compactions = startCompactions(deps, registry.list, config)
  return {
    authenticate: tenants.authenticate,
    makeFirstKey: () => makeFirstKey(apiKeys),
    stop: async () => {
      await Promise.all([tenants.close(), compactions.stop()])
    },
  }
}

async function makeFirstKey(apiKeys: ApiKeys): Promise<FirstKey | undefined> {
  if ((await apiKeys.list({ clusterId: undefined })).length > 0) return undefined
  const wanted = {
    clusterId: undefined,
    owner: 'User:operator',
    description: 'the first key',
    expiresMs: undefined,
  }
  const { key, secret } = await apiKeys.create(wanted)
  return { id: key.keyId, secret }
}
