// A deployment of many tenants, put together: who calls, which clusters that opens, and what belongs to each of them.
// The same on one machine and on AWS.

import type { HttpDeps } from '../http/context.ts'
import type { LogDeps } from '../log/deps.ts'
import { type ApiKeys, createApiKeys } from '../security/apiKeys.ts'
import { parseAuthorization } from '../security/credentials.ts'
import { createAccess } from '../service/access.ts'
import { createAuthenticator } from '../service/authenticate.ts'
import { type ClusterPool, createClusterPool } from '../service/clusterPool.ts'
import type { Compaction } from '../service/compaction.ts'
import type { ClusterSettings } from '../service/createCluster.ts'
import { type ClusterRegistry, createClusterRegistry } from '../tenants/clusters.ts'
import { createServiceAccounts } from '../tenants/serviceAccounts.ts'

export interface TenantsSettings {
  readonly cluster: ClusterSettings
  /** Under which secrets of API keys are hashed; 32 bytes. */
  readonly pepper: Uint8Array
  /** undefined: this process runs no compactor for that cluster. */
  readonly compaction: (clusterId: string) => Compaction | undefined
}

export interface Tenants {
  readonly registry: ClusterRegistry
  readonly apiKeys: ApiKeys
  readonly pool: ClusterPool
  readonly authenticate: HttpDeps['authenticate']
}

export function createTenants(deps: Omit<LogDeps, 'scope'>, settings: TenantsSettings): Tenants {
  const registry = createClusterRegistry(deps)
  const accounts = createServiceAccounts(deps)
  const apiKeys = createApiKeys({ ...deps, pepper: settings.pepper })
  const pool = createClusterPool(deps, settings.cluster)
  const identify = createAuthenticator({
    ...deps,
    apiKeys,
    pepper: settings.pepper,
    verifyToken: () => Promise.resolve(undefined),
  })
  const { compaction } = settings
  const open = createAccess({
    ...deps,
    clusters: registry,
    accounts,
    apiKeys,
    compaction,
    cluster: pool.get,
    superUsers: new Set(),
  })
  return {
    registry,
    apiKeys,
    pool,
    async authenticate(request, clientHost) {
      const identity = await identify(parseAuthorization(request.headers.get('authorization')))
      return open(identity, clientHost)
    },
  }
}
