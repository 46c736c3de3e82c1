// A cluster of the deployment: the tenant whose topics, groups and keys lie under its id. Attributes (names are
// stored): org, name, state, created (ms), limits (those that are not the default's, JSON), version (grows with every
// change), deleted (ms; absent while nobody has asked for it), kmsKey (absent where it has no key of its own).

import { invariant } from '../base/errors.ts'
import type { Attributes, Item } from '../ports/table.ts'

/** SUSPENDED: reads and writes are refused, data is kept. DELETING: everything goes, in the background. */
export type ClusterState = 'ACTIVE' | 'SUSPENDED' | 'DELETING'

export interface ClusterItem {
  /** `lkc-…`, and the tenant id of everything that is its own. */
  readonly clusterId: string
  readonly organisationId: string
  readonly name: string
  readonly state: ClusterState
  readonly createdMs: number
  /** When its deletion was asked for. */
  readonly deletedMs: number | undefined
  readonly limits: Readonly<Record<string, number>>
  /** Under which its objects are encrypted, from its making on; undefined: the deployment's. */
  readonly kmsKeyArn: string | undefined
  readonly version: number
}

/** No alias: what an alias means may change, and what IAM allows is said by key. */
export const kmsKeyArnPattern = /^arn:aws[a-z-]{0,16}:kms:[a-z0-9-]{1,32}:\d{12}:key\/[A-Za-z0-9-]{1,64}$/

export function clusterAttributes(cluster: ClusterItem): Attributes {
  return {
    org: cluster.organisationId,
    name: cluster.name,
    state: cluster.state,
    created: cluster.createdMs,
    limits: JSON.stringify(cluster.limits),
    version: cluster.version,
    ...(cluster.deletedMs === undefined ? {} : { deleted: cluster.deletedMs }),
    ...(cluster.kmsKeyArn === undefined ? {} : { kmsKey: cluster.kmsKeyArn }),
  }
}

export function parseClusterItem({ key, attributes }: Item): ClusterItem {
  const { org, name, state, created, limits, version, deleted, kmsKey } = attributes
  invariant(typeof org === 'string' && typeof name === 'string', 'a cluster item has its names')
  invariant(state === 'ACTIVE' || state === 'SUSPENDED' || state === 'DELETING', 'a cluster item has a state')
  invariant(typeof created === 'number' && typeof version === 'number', 'a cluster item has its numbers')
  invariant(typeof limits === 'string', 'a cluster item has limits')
  const parsed: Readonly<Record<string, number>> = JSON.parse(limits)
  return {
    clusterId: key.sk,
    organisationId: org,
    name,
    state,
    createdMs: created,
    deletedMs: typeof deleted === 'number' ? deleted : undefined,
    limits: parsed,
    kmsKeyArn: typeof kmsKey === 'string' ? kmsKey : undefined,
    version,
  }
}
