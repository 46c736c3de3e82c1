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
import { type AclStore, createAclStore } from '../security/aclStore.ts'
import type { ApiKeys } from '../security/apiKeys.ts'
import type { IdentityProviders } from '../security/identityProviders.ts'
import type { ClusterRegistry } from '../tenants/clusters.ts'
import type { ServiceAccounts } from '../tenants/serviceAccounts.ts'
import type { Rights } from './ask.ts'
import type { Identity } from './authenticate.ts'
import { createAuthorizedCluster } from './authorizedCluster.ts'
import type { Acls, Cluster } from './cluster.ts'
import type { Compaction } from './compaction.ts'
import { type OpenCluster, openTenantCluster, type Tenant, type TenantCaller } from './tenantCluster.ts'

export interface Access {
  /** What operators may do with the deployment itself; undefined: nothing. */
  readonly operator: Operator | undefined
  /** Told of a caller who wanted it and is none; absent: nobody wants to know. */
  readonly noteNoOperator?: () => void
  /** The caller's own first. */
  readonly clusterIds: readonly string[]
  /** undefined: no such cluster for this caller. Error: CLUSTER_AUTHORIZATION_FAILED where it is suspended. */
  cluster(clusterId: string): Cluster | undefined
  /** undefined: this process runs no compactor for that cluster. */
  compaction(clusterId: string): Compaction | undefined
  /** How long this request's calls said to wait; 0: not at all. */
  throttledMs(): number
}

/** The tenants, who owns keys, the keys, and whose tokens are good for keys. */
export interface Operator {
  readonly clusters: ClusterRegistry
  readonly accounts: ServiceAccounts
  readonly apiKeys: ApiKeys
  readonly identityProviders: IdentityProviders
}

export interface AccessDeps extends Operator {
  readonly table: Table
  readonly clock: Clock
  readonly random: Random
  readonly tenant: (clusterId: string) => Tenant
  readonly compaction: (clusterId: string) => Compaction | undefined
  /** Principals that may do everything in the cluster they belong to: Kafka's super.users. */
  readonly superUsers: ReadonlySet<string>
}

/**
 * `identify` is asked again where a request goes on for long; `host`: the client's address, as bindings name it;
 * `clientId`: what the client calls itself, as quotas name it.
 */
export type OpenAccess = (
  identify: () => Promise<Identity>,
  host: string,
  clientId: string,
) => Promise<Access>

const maxAgeMs = 4000
const tenantsRemembered = 1000
/** Of a long request: with maxAgeMs and the time of a read, what is taken away is gone within 5 s. */
const renewedEveryMs = 500

export function createAccess(deps: AccessDeps): OpenAccess {
  const settings = { clock: deps.clock, maxAgeMs, entriesMax: tenantsRemembered }
  const items = createRemembered(settings, (clusterId) => deps.clusters.get(clusterId))
  const everyId = createRemembered(settings, async () => idsOf(await deps.clusters.list()))
  const stores = createRemembered({ ...settings, maxAgeMs: Number.POSITIVE_INFINITY }, async (clusterId) =>
    createAclStore({ ...deps, scope: createScope(clusterId) }),
  )
  const acls = createRemembered(settings, async (clusterId) => (await stores.get(clusterId)).index())

  const clusters = noticing(deps.clusters, (clusterId) => {
    items.forget(clusterId)
    everyId.forget('all')
  })

  /** A change is seen at once where it was made. */
  const aclsOf = (clusterId: string): Acls => {
    const changed = async <T>(change: (store: AclStore) => Promise<T>): Promise<T> => {
      const done = await change(await stores.get(clusterId))
      acls.forget(clusterId)
      return done
    }
    return {
      list: async (filter) => (await stores.get(clusterId)).list(filter),
      create: (bindings) => changed((store) => store.create(bindings)),
      delete: (filter) => changed((store) => store.delete(filter)),
    }
  }

  /** What the caller may do there now. Errors: NOT_FOUND, CLUSTER_AUTHORIZATION_FAILED (suspended). */
  const rightsNow = async (clusterId: string, identity: Identity, host: string): Promise<Rights> => {
    const [item, index] = await Promise.all([items.get(clusterId), acls.get(clusterId)])
    if (item === undefined || !isThere(item))
      throw new KafkaError('NOT_FOUND', `Cluster ${clusterId} is gone.`)
    if (identity.clusterId === undefined) return everything
    if (item.state === 'SUSPENDED') throw suspended(clusterId)
    return deps.superUsers.has(identity.principal) ? everything : rightsOf(index, identity.principal, host)
  }

  return async (identify, host, clientId) => {
    const identity = await identify()
    const { clusterId } = identity
    const renewing = (id: string, rights: Rights) =>
      renewingRights(deps.clock, rights, async () => rightsNow(id, await identify(), host))
    if (clusterId === undefined) {
      const ids = await everyId.get('all')
      const caller = { principal: identity.principal, clientId, limits: undefined }
      const open = (id: string) => ({ acls: aclsOf(id), rights: renewing(id, everything) })
      return operatorAccess({ ...deps, clusters }, ids, open, caller)
    }
    const [item, index] = await Promise.all([items.get(clusterId), acls.get(clusterId)])
    const isSuper = deps.superUsers.has(identity.principal)
    const rights = isSuper ? everything : rightsOf(index, identity.principal, host)
    const limits = async () => (await items.get(clusterId))?.limits ?? {}
    const caller = { principal: identity.principal, clientId, limits }
    return tenantAccess(deps, item, aclsOf(clusterId), renewing(clusterId, rights), caller)
  }
}

/** Of a deployment, however many: made once in a while and not for each request. */
interface ClusterIds {
  readonly all: readonly string[]
  has(clusterId: string): boolean
}

/** The oldest first: it stays the one that is meant where none is named, whatever is made later. */
function idsOf(items: readonly ClusterItem[]): ClusterIds {
  const there = items.filter(isThere).sort((a, b) => a.createdMs - b.createdMs)
  const all = there.map(({ clusterId }) => clusterId)
  const known = new Set(all)
  return { all, has: (clusterId) => known.has(clusterId) }
}

/** A cluster that was made or changed here is seen so at once. */
function noticing(clusters: ClusterRegistry, notice: (clusterId: string) => void): ClusterRegistry {
  const noticed = async (change: Promise<ClusterItem>): Promise<ClusterItem> => {
    const cluster = await change
    notice(cluster.clusterId)
    return cluster
  }
  return {
    ...clusters,
    create: (wanted, clusterId) => noticed(clusters.create(wanted, clusterId)),
    update: (clusterId, change) => noticed(clusters.update(clusterId, change)),
  }
}

function operatorAccess(
  deps: AccessDeps,
  { all, has }: ClusterIds,
  open: (clusterId: string) => { readonly acls: Acls; readonly rights: Rights },
  caller: TenantCaller,
): Access {
  return {
    operator: deps,
    clusterIds: all,
    cluster(clusterId) {
      if (!has(clusterId)) return undefined
      const { cluster } = openTenantCluster(deps, deps.tenant(clusterId), caller)
      const { acls, rights } = open(clusterId)
      return createAuthorizedCluster(cluster, acls, rights)
    },
    throttledMs: () => 0,
    compaction: (clusterId) => (has(clusterId) ? deps.compaction(clusterId) : undefined),
  }
}

function tenantAccess(
  deps: AccessDeps,
  item: ClusterItem | undefined,
  acls: Acls,
  rights: Rights,
  caller: TenantCaller,
): Access {
  if (item === undefined || !isThere(item)) return nothing
  let opened: OpenCluster | undefined
  return {
    operator: undefined,
    clusterIds: [item.clusterId],
    cluster(clusterId) {
      if (clusterId !== item.clusterId) return undefined
      if (item.state === 'SUSPENDED') throw suspended(clusterId)
      opened ??= openTenantCluster(deps, deps.tenant(clusterId), caller)
      return createAuthorizedCluster(opened.cluster, acls, rights)
    },
    throttledMs: () => opened?.throttledMs() ?? 0,
    // Compaction is the operators'.
    compaction: () => undefined,
  }
}

const nothing: Access = {
  operator: undefined,
  clusterIds: [],
  cluster: () => undefined,
  compaction: () => undefined,
  throttledMs: () => 0,
}

const isThere = ({ state }: ClusterItem): boolean => state !== 'DELETING'

const everything: Rights = {
  isAllowed: () => true,
  isAllowedSomewhere: () => true,
  renewed: () => Promise.resolve(everything),
}

function renewingRights(clock: Clock, first: Rights, renew: () => Promise<Rights>): Rights {
  let rights = first
  let renewedMs = clock.now()
  return {
    ...first,
    async renewed() {
      const nowMs = clock.now()
      if (nowMs - renewedMs < renewedEveryMs) return rights
      rights = await renew()
      renewedMs = nowMs
      return rights
    },
  }
}

function rightsOf(index: AclIndex, principal: string, host: string): Rights {
  const requester = { principals: [principal], host }
  const rights: Rights = {
    isAllowed: (operation, resource) => isAllowed(index, requester, operation, resource),
    isAllowedSomewhere: (operation, type) => isAllowedSomewhere(index, requester, operation, type),
    renewed: () => Promise.resolve(rights),
  }
  return rights
}

const suspended = (clusterId: string): KafkaError =>
  new KafkaError(
    'CLUSTER_AUTHORIZATION_FAILED',
    `Cluster ${clusterId} is suspended: its data is kept, and nobody may use it.`,
  )
