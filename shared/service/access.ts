// What a caller can reach, from who it is: its clusters, each with its rights. Operators reach every cluster and may do
// everything; everybody else reaches one, and may do there what its bindings say. What is known of clusters and
// bindings is some seconds old at most.

import { KafkaError } from '../base/errors.ts'
import type { ClusterItem } from '../metadata/clusterItem.ts'
import { createScope } from '../metadata/scope.ts'
import { createRemembered } from '../ports/remembered.ts'
import type { Table } from '../ports/table.ts'
import type { Clock, Random } from '../ports/world.ts'
import { type AclIndex, isAllowed, isAllowedSomewhere } from '../security/acl.ts'
import { createAclStore } from '../security/aclStore.ts'
import type { ApiKeys } from '../security/apiKeys.ts'
import type { ClusterRegistry } from '../tenants/clusters.ts'
import type { ServiceAccounts } from '../tenants/serviceAccounts.ts'
import type { Identity } from './authenticate.ts'
import { createAuthorizedCluster, type Rights } from './authorizedCluster.ts'
import type { Acls, Cluster } from './cluster.ts'
import type { Compaction } from './compaction.ts'

export interface Access {
  /** What operators may do with the deployment itself; undefined: nothing. */
  readonly operator: Operator | undefined
  /** The caller's own first. */
  readonly clusterIds: readonly string[]
  /** undefined: no such cluster for this caller. Error: CLUSTER_AUTHORIZATION_FAILED where it is suspended. */
  cluster(clusterId: string): Cluster | undefined
  /** undefined: this process runs no compactor for that cluster. */
  compaction(clusterId: string): Compaction | undefined
}

/** The tenants, who owns keys, and the keys. */
export interface Operator {
  readonly clusters: ClusterRegistry
  readonly accounts: ServiceAccounts
  readonly apiKeys: ApiKeys
}

export interface AccessDeps extends Operator {
  readonly table: Table
  readonly clock: Clock
  readonly random: Random
  readonly cluster: (clusterId: string) => Cluster
  readonly compaction: (clusterId: string) => Compaction | undefined
  /** Principals that may do everything in the cluster they belong to: Kafka's super.users. */
  readonly superUsers: ReadonlySet<string>
}

/** `host`: the client's address, as bindings name it. */
export type OpenAccess = (identity: Identity, host: string) => Promise<Access>

const maxAgeMs = 4000
const tenantsRemembered = 1000

export function createAccess(deps: AccessDeps): OpenAccess {
  const settings = { clock: deps.clock, maxAgeMs, entriesMax: tenantsRemembered }
  const items = createRemembered(settings, (clusterId) => deps.clusters.get(clusterId))
  const everyItem = createRemembered(settings, () => deps.clusters.list())
  const stores = createRemembered({ ...settings, maxAgeMs: Number.POSITIVE_INFINITY }, async (clusterId) =>
    createAclStore({ ...deps, scope: createScope(clusterId) }),
  )
  const acls = createRemembered(settings, async (clusterId) => (await stores.get(clusterId)).index())

  /** A change is seen at once where it was made. */
  const aclsOf = async (clusterId: string): Promise<Acls> => {
    const store = await stores.get(clusterId)
    const seen = async <T>(change: Promise<T>): Promise<T> => {
      const done = await change
      acls.forget(clusterId)
      return done
    }
    return {
      list: store.list,
      create: (bindings) => seen(store.create(bindings)),
      delete: (filter) => seen(store.delete(filter)),
    }
  }

  return async ({ clusterId, principal }, host) => {
    if (clusterId === undefined) {
      // The oldest first: it stays the one that is meant where none is named, whatever is made later.
      const there = (await everyItem.get('all')).filter(isThere).sort((a, b) => a.createdMs - b.createdMs)
      const stored = await Promise.all(
        there.map(async (item) => [item.clusterId, await aclsOf(item.clusterId)] as const),
      )
      return operatorAccess(deps, new Map(stored))
    }
    const [item, index, store] = await Promise.all([
      items.get(clusterId),
      acls.get(clusterId),
      aclsOf(clusterId),
    ])
    const rights = deps.superUsers.has(principal) ? everything : rightsOf(index, principal, host)
    return tenantAccess(deps, item, store, rights)
  }
}

function operatorAccess(deps: AccessDeps, there: ReadonlyMap<string, Acls>): Access {
  return {
    operator: deps,
    clusterIds: [...there.keys()],
    cluster(clusterId) {
      const acls = there.get(clusterId)
      return acls && createAuthorizedCluster(deps.cluster(clusterId), acls, everything)
    },
    compaction: (clusterId) => (there.has(clusterId) ? deps.compaction(clusterId) : undefined),
  }
}

function tenantAccess(deps: AccessDeps, item: ClusterItem | undefined, acls: Acls, rights: Rights): Access {
  if (item === undefined || !isThere(item)) return nothing
  return {
    operator: undefined,
    clusterIds: [item.clusterId],
    cluster(clusterId) {
      if (clusterId !== item.clusterId) return undefined
      if (item.state === 'SUSPENDED') throw suspended(clusterId)
      return createAuthorizedCluster(deps.cluster(clusterId), acls, rights)
    },
    // Compaction is the operators'.
    compaction: () => undefined,
  }
}

const nothing: Access = {
  operator: undefined,
  clusterIds: [],
  cluster: () => undefined,
  compaction: () => undefined,
}

const isThere = ({ state }: ClusterItem): boolean => state !== 'DELETING'

const everything: Rights = { isAllowed: () => true, isAllowedSomewhere: () => true }

function rightsOf(index: AclIndex, principal: string, host: string): Rights {
  const requester = { principals: [principal], host }
  return {
    isAllowed: (operation, resource) => isAllowed(index, requester, operation, resource),
    isAllowedSomewhere: (operation, type) => isAllowedSomewhere(index, requester, operation, type),
  }
}

const suspended = (clusterId: string): KafkaError =>
  new KafkaError(
    'CLUSTER_AUTHORIZATION_FAILED',
    `Cluster ${clusterId} is suspended: its data is kept, and nobody may use it.`,
  )
