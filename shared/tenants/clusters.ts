// The clusters of a deployment, each of them one tenant of an organisation: made, as many as its organisation may have,
// suspended, resumed, marked for deletion, limited.

import { base32 } from '../base/bytes.ts'
import { createLimiter } from '../base/concurrency.ts'
import { invariant, KafkaError } from '../base/errors.ts'
import { type ClusterItem, clusterAttributes, parseClusterItem } from '../metadata/clusterItem.ts'
import {
  clusterKey,
  clustersPk,
  isTenantId,
  organisationClusterKey,
  organisationClustersPk,
  organisationKey,
} from '../metadata/scope.ts'
import { queryAll } from '../ports/queryAll.ts'
import { type ListPage, type PageWanted, queryPage } from '../ports/queryPage.ts'
import { retryRepeatable, retryRepeatableWrite } from '../ports/retry.ts'
import type { Item, Table, TransactOutcome, TransactWrite } from '../ports/table.ts'
import type { Clock, Random } from '../ports/world.ts'
import { ofOrganisation } from './limits.ts'
import {
  createOrganisations,
  type Organisation,
  organisationNotFound,
  organisationSuspended,
  parseOrganisation,
} from './organisations.ts'

export interface ClusterRegistryDeps {
  readonly table: Table
  readonly clock: Clock
  readonly random: Random
  /** That cannot be deleted, because a start would make it again; undefined: each can be. */
  readonly lastingClusterId?: string | undefined
}

export interface WantedCluster extends Pick<ClusterItem, 'organisationId' | 'name'> {
  readonly kmsKeyArn?: string | undefined
}

/** Never the key: what is stored would stay under the one before, and nobody could tell what lies under which. */
export type ClusterChange = (cluster: ClusterItem) => Partial<Pick<ClusterItem, 'name' | 'state' | 'limits'>>

export interface ClusterRegistry {
  /**
   * With this id, where one is given: the local server's has a name of its own. Errors: NOT_FOUND (the organisation),
   * CLUSTER_AUTHORIZATION_FAILED (it is suspended), POLICY_VIOLATION (it has as many as it may have).
   */
  create(wanted: WantedCluster, clusterId?: string): Promise<ClusterItem>
  get(clusterId: string): Promise<ClusterItem | undefined>
  /** By id; undefined: of all organisations. */
  list(organisationId?: string): Promise<readonly ClusterItem[]>
  listPage(organisationId: string | undefined, wanted: PageWanted): Promise<ListPage<ClusterItem>>
  /** Reads, lets `change` decide, writes if nobody has changed it meanwhile; else again. Error: NOT_FOUND. */
  update(clusterId: string, change: ClusterChange): Promise<ClusterItem>
  /** When nothing of it is left. */
  remove(clusterId: string): Promise<void>
}

const changeAttemptsMax = 10
const readsAtOnce = 16

export function createClusterRegistry(deps: ClusterRegistryDeps): ClusterRegistry {
  return {
    create: (wanted, clusterId) => create(deps, wanted, clusterId ?? newClusterId(deps.random)),
    get: (clusterId) => get(deps, clusterId),
    list: (organisationId) => (organisationId === undefined ? listAll(deps) : listOf(deps, organisationId)),
    listPage: (organisationId, wanted) => listPage(deps, organisationId, wanted),
    update: (clusterId, change) => update(deps, clusterId, change),
    remove: (clusterId) => remove(deps, clusterId),
  }
}

/** Confluent's form: lkc- and some letters and digits; 50 random bits, and the put says when one is taken. */
const newClusterId = (random: Random): string => `lkc-${base32(random.bytes(10)).slice(0, 10).toLowerCase()}`

async function create(
  deps: ClusterRegistryDeps,
  { organisationId, name, kmsKeyArn }: WantedCluster,
  clusterId: string,
): Promise<ClusterItem> {
  const createdMs = deps.clock.now()
  const cluster = {
    clusterId,
    organisationId,
    name,
    state: 'ACTIVE',
    createdMs,
    deletedMs: undefined,
    limits: {},
    kmsKeyArn,
    version: 1,
  } as const
  const organisation = await createOrganisations(deps).get(organisationId)
  if (organisation === undefined) throw organisationNotFound(organisationId)
  const writes = writesOf(cluster, ofOrganisation.limitOf(organisation.limits, 'clusters'))
  const outcome = await retryRepeatableWrite(deps, () => deps.table.transact(writes))
  if (outcome.ok) return cluster
  const refusedBy = (index: number) => outcome.failed.find((one) => one.index === index)
  const taken = refusedBy(0)
  // A lost answer repeated finds what it wrote itself.
  const there = taken?.current && parseClusterItem(taken.current)
  if (there?.createdMs === createdMs && there.name === name) return there
  if (taken !== undefined) throw new KafkaError('INVALID_REQUEST', `There is a cluster ${clusterId} already.`)
  const now = refusedBy(2)?.current
  throw refusalBy(organisationId, now && parseOrganisation(now))
}

/** The cluster, that it is its organisation's, and that this has one more: all or nothing. */
function writesOf(cluster: ClusterItem, clustersMax: number): readonly TransactWrite[] {
  const { clusterId, organisationId } = cluster
  const listed = organisationClusterKey(organisationId, clusterId)
  return [
    {
      kind: 'put',
      key: clusterKey(clusterId),
      attributes: clusterAttributes(cluster),
      when: [{ kind: 'itemAbsent' }],
    },
    { kind: 'put', key: listed, attributes: { id: clusterId } },
    {
      kind: 'update',
      key: organisationKey(organisationId),
      actions: [{ kind: 'add', attribute: 'clusters', value: 1 }],
      when: [
        { kind: 'equals', attribute: 'state', value: 'ACTIVE' },
        { kind: 'below', attribute: 'clusters', value: clustersMax },
      ],
    },
  ]
}

function refusalBy(organisationId: string, organisation: Organisation | undefined): KafkaError {
  if (organisation === undefined) return organisationNotFound(organisationId)
  if (organisation.state === 'SUSPENDED') return organisationSuspended(organisationId)
  return ofOrganisation.refusal(organisation.limits, 'clusters', organisation.clusterCount + 1)
}

async function remove(deps: ClusterRegistryDeps, clusterId: string): Promise<void> {
  const cluster = await get(deps, clusterId)
  if (cluster === undefined) return
  const { organisationId } = cluster
  const writes: readonly TransactWrite[] = [
    { kind: 'delete', key: clusterKey(clusterId), when: [{ kind: 'itemExists' }] },
    { kind: 'delete', key: organisationClusterKey(organisationId, clusterId) },
    {
      kind: 'update',
      key: organisationKey(organisationId),
      actions: [{ kind: 'add', attribute: 'clusters', value: -1 }],
      when: [{ kind: 'itemExists' }],
    },
  ]
  const outcome: TransactOutcome = await retryRepeatable(deps, () => deps.table.transact(writes))
  const isGone = outcome.ok || outcome.failed.some(({ index }) => index === 0)
  invariant(isGone, 'an organisation is there while it has clusters')
}

async function get(deps: ClusterRegistryDeps, clusterId: string): Promise<ClusterItem | undefined> {
  if (!isTenantId(clusterId)) return undefined
  const item = await retryRepeatable(deps, () => deps.table.get(clusterKey(clusterId)))
  return item && parseClusterItem(item)
}

/** The same whether it is not there or not the caller's. */
export const clusterNotFound = (clusterId: string): KafkaError =>
  new KafkaError('NOT_FOUND', `Cluster ${clusterId} cannot be found.`)

const isLasting = (clusterId: string): KafkaError =>
  new KafkaError(
    'POLICY_VIOLATION',
    `Cluster ${clusterId} cannot be deleted: every start would make it again. Delete its topics, or suspend it.`,
  )

const listAll = async (deps: ClusterRegistryDeps): Promise<readonly ClusterItem[]> =>
  (await queryAll(deps, { pk: clustersPk })).map(parseClusterItem)

async function listOf(deps: ClusterRegistryDeps, organisationId: string): Promise<readonly ClusterItem[]> {
  const listed = await queryAll(deps, { pk: organisationClustersPk(organisationId) })
  const clusters = await Promise.all(listed.map(getListed(deps)))
  return clusters.filter((cluster) => cluster !== undefined)
}

const listPage = (deps: ClusterRegistryDeps, organisationId: string | undefined, wanted: PageWanted) =>
  organisationId === undefined
    ? queryPage(deps, { pk: clustersPk }, wanted, parseClusterItem)
    : queryPage(deps, { pk: organisationClustersPk(organisationId) }, wanted, getListed(deps))

function getListed(deps: ClusterRegistryDeps): (listed: Item) => Promise<ClusterItem | undefined> {
  const limiter = createLimiter(readsAtOnce)
  return ({ key }) => limiter(() => get(deps, key.sk))
}

async function update(
  deps: ClusterRegistryDeps,
  clusterId: string,
  change: ClusterChange,
): Promise<ClusterItem> {
  for (let attempt = 0; attempt < changeAttemptsMax; attempt++) {
    const before = await get(deps, clusterId)
    if (before === undefined) throw clusterNotFound(clusterId)
    const changed = { ...before, ...change(before), version: before.version + 1 }
    if (changed.state === 'DELETING' && clusterId === deps.lastingClusterId) throw isLasting(clusterId)
    const deletedMs = changed.state === 'DELETING' ? (before.deletedMs ?? deps.clock.now()) : undefined
    const after = { ...changed, deletedMs }
    const outcome = await retryRepeatableWrite(deps, () =>
      deps.table.write({
        kind: 'put',
        key: clusterKey(clusterId),
        attributes: clusterAttributes(after),
        when: [{ kind: 'equals', attribute: 'version', value: before.version }],
      }),
    )
    if (outcome.ok) return after
  }
  throw new KafkaError(
    'KAFKA_STORAGE_ERROR',
    `Cluster ${clusterId} is being changed by many at once. Try again.`,
  )
}
