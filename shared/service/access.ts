// What a caller can reach, from who it is: its clusters, each with its rights. Operators reach every cluster and may do
// everything; the holder of an organisation's own key administers it and reaches none; everybody else reaches one, and
// may do there what its bindings say. What is known of all of that is some seconds old at most.

import { KafkaError } from '../base/errors.ts'
import type { ClusterItem } from '../metadata/clusterItem.ts'
import { createScope } from '../metadata/scope.ts'
import { type HourOfUsage, readUsage } from '../metering/readUsage.ts'
import { createRemembered } from '../ports/remembered.ts'
import type { Table } from '../ports/table.ts'
import type { Clock, Random } from '../ports/world.ts'
import { type AclIndex, clusterResource, decide, isAllowedSomewhere } from '../security/acl.ts'
import { type ClusterRegistry, clusterNotFound } from '../tenants/clusters.ts'
import { type Organisation, organisationSuspended } from '../tenants/organisations.ts'
import type { AclIndexes } from './aclIndexes.ts'
import {
  type Administration,
  type AdministrationDeps,
  createAdministration,
  createOperator,
  type Operator,
} from './administration.ts'
import { RefusedError, type Rights } from './ask.ts'
import { type Identity, isOperator } from './authenticate.ts'
import { createAuthorizedCluster } from './authorizedCluster.ts'
import type { Cluster } from './cluster.ts'
import type { Compaction } from './compaction.ts'
import { type OpenCluster, openTenantCluster, type Tenant, type TenantCaller } from './tenantCluster.ts'

export interface Access {
  /** What operators alone may do with the deployment itself; undefined: nothing. */
  readonly operator: Operator | undefined
  /** Of all organisations, or of one; undefined: of none. */
  readonly administration: Administration | undefined
  /** Told of a caller who wanted one of them and may not; absent: nobody wants to know. */
  readonly noteNoOperator?: () => void
  /** The oldest first. */
  readonly clusterIds: readonly string[]
  /** Whose share of what a process has this request takes; undefined: nobody else uses the process. */
  readonly tenant: string | undefined
  /** undefined: no such cluster for this caller. Error: CLUSTER_AUTHORIZATION_FAILED where it is suspended. */
  cluster(clusterId: string): Cluster | undefined
  /** undefined: this process runs no compactor for that cluster. */
  compaction(clusterId: string): Compaction | undefined
  /** Of whatever cluster, without opening it for an operator; undefined: nobody counts. */
  readonly usage: UsageOf | undefined
  /** How long this request's calls said to wait; 0: not at all. */
  throttledMs(): number
  /** What this request worked beside its calls is compute time, too. */
  noteWork(ms: number): void
}

/** In the hours that begin in [fromMs, toMs). Errors: NOT_FOUND, CLUSTER_AUTHORIZATION_FAILED. */
type UsageOf = (clusterId: string, fromMs: number, toMs: number) => Promise<readonly HourOfUsage[]>

export interface AccessDeps extends AdministrationDeps, AclIndexes {
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
 * `clientId`: what the client calls itself, as quotas name it; `watch`: sees what the caller's rights answer, but not
 * those that were renewed since.
 */
export type OpenAccess = (
  identify: () => Promise<Identity>,
  host: string,
  clientId: string,
  watch: (rights: Rights) => Rights,
) => Promise<Access>

const maxAgeMs = 4000
const tenantsRemembered = 1000
/** Of a long request: with maxAgeMs and the time of a read, what is taken away is gone within 5 s. */
const renewedEveryMs = 500

export function createAccess(deps: AccessDeps): OpenAccess {
  const settings = { clock: deps.clock, maxAgeMs, entriesMax: tenantsRemembered }
  const items = createRemembered(settings, (clusterId) => readCluster(deps, clusterId))
  const organisations = createRemembered(settings, (id) => deps.organisations.get(id))
  const everyId = createRemembered(settings, async () => idsOf(await deps.clusters.list()))

  const clusters = noticing(deps.clusters, (clusterId) => {
    items.forget(clusterId)
    everyId.forget('all')
  })

  /** What the caller may do there now. Errors: NOT_FOUND, CLUSTER_AUTHORIZATION_FAILED (suspended). */
  const rightsNow = async (clusterId: string, identity: Identity, host: string): Promise<Rights> => {
    const [item, index] = await Promise.all([items.get(clusterId), deps.acls.get(clusterId)])
    if (item === undefined || !isThere(item))
      throw new KafkaError('NOT_FOUND', `Cluster ${clusterId} is gone.`)
    if (isOperator(identity)) return everything
    if (item.state === 'SUSPENDED') throw suspended(clusterId)
    return deps.superUsers.has(identity.principal) ? everything : rightsOf(index, identity.principal, host)
  }

  const administered = { ...deps, clusters }
  const operator = createOperator(administered)

  return async (identify, host, clientId, watch) => {
    const identity = await identify()
    const { clusterId, organisationId } = identity
    const renewing = (id: string, rights: Rights) =>
      watch(renewingRights(deps.clock, rights, async () => rightsNow(id, await identify(), host)))
    if (clusterId === undefined && organisationId !== undefined) {
      return organisationAccess(administered, await organisations.get(organisationId))
    }
    if (clusterId === undefined) {
      const ids = await everyId.get('all')
      const caller = { principal: identity.principal, clientId, limits: undefined }
      return operatorAccess(deps, operator, ids, (id) => renewing(id, everything), caller)
    }
    const [item, index] = await Promise.all([items.get(clusterId), deps.acls.get(clusterId)])
    const isSuper = deps.superUsers.has(identity.principal)
    const rights = isSuper ? everything : rightsOf(index, identity.principal, host)
    const limits = async () => (await items.get(clusterId))?.limits ?? {}
    const caller = { principal: identity.principal, clientId, limits }
    return tenantAccess(deps, item, renewing(clusterId, rights), caller)
  }
}

/** As it is for whoever uses it: suspended, also where its organisation is. */
async function readCluster(
  { clusters, organisations }: AccessDeps,
  clusterId: string,
): Promise<ClusterItem | undefined> {
  const item = await clusters.get(clusterId)
  if (item === undefined || item.state !== 'ACTIVE') return item
  const organisation = await organisations.get(item.organisationId)
  return organisation?.state === 'SUSPENDED' ? { ...item, state: 'SUSPENDED' } : item
}

/** Of a deployment, however many: made once in a while and not for each request. */
interface ClusterIds {
  readonly all: readonly string[]
  has(clusterId: string): boolean
}

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

/** Error: CLUSTER_AUTHORIZATION_FAILED where it is suspended. */
function organisationAccess(deps: AdministrationDeps, organisation: Organisation | undefined): Access {
  if (organisation === undefined) return nothing
  const { id, state } = organisation
  if (state === 'SUSPENDED') throw organisationSuspended(id)
  return { ...nothing, tenant: id, administration: createAdministration(deps, id) }
}

function operatorAccess(
  deps: AccessDeps,
  operator: Operator,
  { all, has }: ClusterIds,
  rightsIn: (clusterId: string) => Rights,
  caller: TenantCaller,
): Access {
  return {
    operator,
    administration: operator,
    clusterIds: all,
    tenant: 'operators',
    cluster(clusterId) {
      if (!has(clusterId)) return undefined
      const { cluster } = openTenantCluster(deps, deps.tenant(clusterId), caller)
      return createAuthorizedCluster(cluster, rightsIn(clusterId))
    },
    async usage(clusterId, fromMs, toMs) {
      if (!has(clusterId)) throw clusterNotFound(clusterId)
      return readUsage({ ...deps, scope: createScope(clusterId) }, fromMs, toMs)
    },
    throttledMs: () => 0,
    noteWork: () => {},
    compaction: (clusterId) => (has(clusterId) ? deps.compaction(clusterId) : undefined),
  }
}

function tenantAccess(
  deps: AccessDeps,
  item: ClusterItem | undefined,
  rights: Rights,
  caller: TenantCaller,
): Access {
  if (item === undefined || !isThere(item)) return nothing
  let opened: OpenCluster | undefined
  const cluster = (clusterId: string): Cluster | undefined => {
    if (clusterId !== item.clusterId) return undefined
    if (item.state === 'SUSPENDED') throw suspended(clusterId)
    opened ??= openTenantCluster(deps, deps.tenant(clusterId), caller)
    return createAuthorizedCluster(opened.cluster, rights)
  }
  return {
    operator: undefined,
    administration: undefined,
    clusterIds: [item.clusterId],
    tenant: item.clusterId,
    cluster,
    async usage(clusterId, fromMs, toMs) {
      const usage = cluster(clusterId)?.usage
      if (usage === undefined) throw clusterNotFound(clusterId)
      return usage(fromMs, toMs)
    },
    throttledMs: () => opened?.throttledMs() ?? 0,
    noteWork: (ms) => opened?.noteWork(ms),
    // Compaction is the operators'.
    compaction: () => undefined,
  }
}

const nothing: Access = {
  operator: undefined,
  administration: undefined,
  clusterIds: [],
  tenant: 'nobody',
  cluster: () => undefined,
  compaction: () => undefined,
  usage: (clusterId) => Promise.reject(clusterNotFound(clusterId)),
  throttledMs: () => 0,
  noteWork: () => {},
}

const isThere = ({ state }: ClusterItem): boolean => state !== 'DELETING'

const everything: Rights = {
  decide: () => 'SUPER_USER',
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
    decide: (operation, resource) => decide(index, requester, operation, resource),
    isAllowedSomewhere: (operation, type) => isAllowedSomewhere(index, requester, operation, type),
    renewed: () => Promise.resolve(rights),
  }
  return rights
}

const suspended = (clusterId: string): RefusedError =>
  new RefusedError(
    'CLUSTER_AUTHORIZATION_FAILED',
    `Cluster ${clusterId} is suspended: its data is kept, and nobody may use it.`,
    { operation: 'CLUSTER_ACTION', resource: clusterResource, decision: undefined },
  )
