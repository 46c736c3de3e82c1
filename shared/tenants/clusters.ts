// The clusters of a deployment, each of them one tenant: made, suspended, resumed, marked for deletion, limited.

import { base32 } from '../base/bytes.ts'
import { KafkaError } from '../base/errors.ts'
import { type ClusterItem, clusterAttributes, parseClusterItem } from '../metadata/clusterItem.ts'
import { clusterKey, clustersPk, isTenantId } from '../metadata/scope.ts'
import { queryAll } from '../ports/queryAll.ts'
import { retryRepeatable, retryRepeatableWrite } from '../ports/retry.ts'
import type { Table } from '../ports/table.ts'
import type { Clock, Random } from '../ports/world.ts'

export interface ClusterRegistryDeps {
  readonly table: Table
  readonly clock: Clock
  readonly random: Random
}

export interface WantedCluster extends Pick<ClusterItem, 'organisationId' | 'name'> {
  readonly kmsKeyArn?: string | undefined
}

/** Never the key: what is stored would stay under the one before, and nobody could tell what lies under which. */
export type ClusterChange = (cluster: ClusterItem) => Partial<Pick<ClusterItem, 'name' | 'state' | 'limits'>>

export interface ClusterRegistry {
  /** With this id, where one is given: the local server's has a name of its own. */
  create(wanted: WantedCluster, clusterId?: string): Promise<ClusterItem>
  get(clusterId: string): Promise<ClusterItem | undefined>
  /** By id. */
  list(): Promise<readonly ClusterItem[]>
  /** Reads, lets `change` decide, writes if nobody has changed it meanwhile; else again. Error: NOT_FOUND. */
  update(clusterId: string, change: ClusterChange): Promise<ClusterItem>
  /** When nothing of it is left. */
  remove(clusterId: string): Promise<void>
}

const changeAttemptsMax = 10

export function createClusterRegistry(deps: ClusterRegistryDeps): ClusterRegistry {
  return {
    create: (wanted, clusterId) => create(deps, wanted, clusterId ?? newClusterId(deps.random)),
    get: (clusterId) => get(deps, clusterId),
    list: () => list(deps),
    update: (clusterId, change) => update(deps, clusterId, change),
    remove: async (clusterId) => {
      const remove = { kind: 'delete', key: clusterKey(clusterId) } as const
      await retryRepeatable(deps, () => deps.table.write(remove))
    },
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
  const put = { kind: 'put', key: clusterKey(clusterId), attributes: clusterAttributes(cluster) } as const
  const outcome = await retryRepeatableWrite(deps, () =>
    deps.table.write({ ...put, when: [{ kind: 'itemAbsent' }] }),
  )
  if (outcome.ok) return cluster
  // A lost answer repeated finds what it wrote itself.
  const there = outcome.current && parseClusterItem(outcome.current)
  if (there?.createdMs === createdMs && there.name === name) return there
  throw new KafkaError('INVALID_REQUEST', `There is a cluster ${clusterId} already.`)
}

async function get(deps: ClusterRegistryDeps, clusterId: string): Promise<ClusterItem | undefined> {
  if (!isTenantId(clusterId)) return undefined
  const item = await retryRepeatable(deps, () => deps.table.get(clusterKey(clusterId)))
  return item && parseClusterItem(item)
}

const list = async (deps: ClusterRegistryDeps): Promise<readonly ClusterItem[]> =>
  (await queryAll(deps, { pk: clustersPk })).map(parseClusterItem)

async function update(
  deps: ClusterRegistryDeps,
  clusterId: string,
  change: ClusterChange,
): Promise<ClusterItem> {
  for (let attempt = 0; attempt < changeAttemptsMax; attempt++) {
    const before = await get(deps, clusterId)
    if (before === undefined) throw new KafkaError('NOT_FOUND', `Cluster ${clusterId} cannot be found.`)
    const changed = { ...before, ...change(before), version: before.version + 1 }
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
