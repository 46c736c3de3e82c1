// The tenants that one process serves, each made when it is first asked for. Their clusters share the memory of cached
// blocks; the one that was not asked for the longest goes, once nothing of it is under way and what it used is stored.

import { createBlockCaches } from '../log/blockCache.ts'
import type { LogDeps } from '../log/deps.ts'
import { createScope } from '../metadata/scope.ts'
import type { AclIndexes } from './aclIndexes.ts'
import { type ClusterSettings, createCluster, type RunningCluster } from './createCluster.ts'
import { createTenant, type Tenant } from './tenantCluster.ts'

export interface ClusterPool {
  tenant(clusterId: string): Tenant
  /** Its cluster as it is: for the deployment's own use. */
  get(clusterId: string): RunningCluster
  /** Resolves when everything that was asked for is stored. */
  idle(): Promise<void>
  /** And what was used: for a process that ends. */
  close(): Promise<void>
}

/** What a cluster remembers of topics and positions is some MiB at most. */
const tenantsMax = 200

export function createClusterPool(
  deps: Omit<LogDeps, 'scope'> & Pick<AclIndexes, 'aclsOf'>,
  settings: ClusterSettings,
): ClusterPool {
  const tenants = new Map<string, Tenant>()
  const leaving = new Set<Promise<void>>()
  const newBlockCache = createBlockCaches(settings.fetch.cacheBytesMax, deps.clock)

  const create = (clusterId: string): Tenant => {
    const scoped = { ...deps, scope: createScope(clusterId) }
    const cluster = createCluster(scoped, clusterId, settings, newBlockCache())
    return createTenant(scoped, cluster, deps.aclsOf(clusterId))
  }

  const end = async ({ cluster, meter }: Tenant) => {
    await cluster.idle()
    // What is lost of it is the same as after a crash.
    await meter.store().catch(deps.reportBackgroundFailure)
  }

  const dropOldest = () => {
    const [oldest] = tenants
    if (tenants.size <= tenantsMax || oldest === undefined) return
    tenants.delete(oldest[0])
    const left = end(oldest[1]).finally(() => leaving.delete(left))
    leaving.add(left)
  }

  const all = async (settle: (tenant: Tenant) => Promise<void>) => {
    await Promise.all([...leaving, ...Array.from(tenants.values(), settle)])
  }

  const tenantOf = (clusterId: string): Tenant => {
    const tenant = tenants.get(clusterId) ?? create(clusterId)
    tenants.delete(clusterId)
    tenants.set(clusterId, tenant)
    dropOldest()
    return tenant
  }

  return {
    tenant: tenantOf,
    get: (clusterId) => tenantOf(clusterId).cluster,
    idle: () =>
      all(async ({ cluster, meter }) => {
        await cluster.idle()
        await meter.storeDue().catch(deps.reportBackgroundFailure)
      }),
    close: () => all(end),
  }
}
