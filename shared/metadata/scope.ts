// The only builder of table keys and object names. A scope belongs to one tenant, so a key outside it cannot be written
// down. Shapes are stored: never change one without a new schema version.
//
//   pk <tenant>/topics              sk <name with '.' as '_'>       a topic
//   pk <tenant>/deleted             sk <topic id>                   a deleted topic, until its objects are collected
//   pk <tenant>/producers           sk next                         the next block of producer ids
//   pk <tenant>/<topic id>/<group>  sk sequencer                    16 partitions: next offsets, tail, producers
//   pk <tenant>/<topic id>/<group>  sk producer/<p>/<id>            a producer evicted from the sequencer
//   pk <tenant>/<topic id>/p<p>     sk index/<last offset>          extents of flushes, of one partition; 20 digits
//   pk <tenant>/<topic id>/p<p>     sk segment/<last offset>        a segment of one partition
//   pk <tenant>/<topic id>/p<p>     sk cleaner                      how far the partition is compacted by key
//   pk <tenant>/inline/<7 hex>/<x>  sk <object id>                  a small flush; x is the id's last digit
//   pk <tenant>/inline              sk <7 hex>                      there are inline items of this time
//   pk <tenant>/leases              sk <name>                       who may do what only one may do
//   pk <tenant>/work                sk <due>/<topic id>/<group>     a sequencer with work for the compactor; 15 digits
//   pk <tenant>/retired             sk <object id>                  an object that nothing names, and since when
//   pk <tenant>/groups              sk <group>                      a consumer group's life; its id in base64url
//   pk <tenant>/group/<group>       sk state                        members, topics, epochs, assignments
//   pk <tenant>/group/<group>       sk alive/<slots>                last heartbeats of 128 members; 4 digits
//   pk <tenant>/group/<group>       sk offsets/<topic id>/<n>       committed offsets of 64 partitions; 4 digits
//   pk <tenant>/group/<group>       sk instance/<name>              a v2 consumer instance; its name in base64url
//   pk <tenant>/instances           sk <group>/<name>               there is such an instance; both in base64url
//   pk <tenant>/keys                sk <key id>                     an API key of the cluster
//   pk <tenant>/acls                sk <hash>                       an ACL binding
//   pk <tenant>/acl-version         sk version                      grows with every change of the bindings
//   pk <tenant>/quotas              sk <hash>                       the client quotas of an entity
//   pk <tenant>/quota-version       sk version                      grows with every change of the quotas
//   pk <tenant>/used-quota          sk <hash>                       what an entity used of its quotas
//   pk <tenant>/usage               sk <hour>/<process>/<part>      what a process counted in an hour; see usageItem.ts
//   pk <tenant>/scram               sk <mechanism>/<user>           a SCRAM credential; the user in base64url
//   pk deployment                   sk deployment                   whose table this is, and of which version
//   pk deployment/clusters          sk <cluster id>                 a cluster, which is a tenant
//   pk deployment/organizations     sk <org id>                     an organisation: a customer
//   pk deployment/clusters/<org>    sk <cluster id>                 there is such a cluster of the organisation
//   pk deployment/key/<key id>      sk key                          an API key
//   pk deployment/keys              sk <key id>                     an API key of the operators
//   pk deployment/keys/<org>        sk <key id>                     an API key of the organisation itself
//   pk deployment/accounts          sk <org id>/<account id>        a service account, which owns API keys
//   pk deployment/providers         sk <provider id>                an identity provider: an issuer of tokens
//   pk deployment/pools/<provider>  sk <pool id>                    an identity pool: whose tokens open which cluster
//   object deployment                                               whose bucket this is; likewise
//   object <tenant>/log/<7 hex>/<25 hex>                            a flush; the name begins with its time
//   object <tenant>/segment/<7 hex>/<25 hex>                        a segment, likewise

import { hash as hashOf } from 'node:crypto'
import type { ItemKey } from '../ports/table.ts'

export interface Scope {
  readonly topicsPk: string
  readonly deletedPk: string
  topic(collisionKey: string): ItemKey
  deletedTopic(topicId: string): ItemKey
  producerIds(): ItemKey
  sequencer(topicId: string, group: number): ItemKey
  evictedProducer(topicId: string, group: number, partition: number, producerId: string): ItemKey
  indexPk(topicId: string, partition: number): string
  index(topicId: string, partition: number, lastOffset: number): ItemKey
  segment(topicId: string, partition: number, lastOffset: number): ItemKey
  cleaner(topicId: string, partition: number): ItemKey
  inlineData(objectId: string): ItemKey
  readonly inlinePrefixesPk: string
  inlinePrefix(objectId: string): ItemKey
  /** Where inline items of a time lie: `prefix` is the first 7 digits of their ids. */
  inlineShards(prefix: string): readonly string[]
  readonly leasesPk: string
  lease(name: string): ItemKey
  readonly workPk: string
  /** `dueMs` 0: as soon as possible. */
  work(topicId: string, group: number, dueMs: number): ItemKey
  readonly retiredPk: string
  retired(objectId: string): ItemKey
  /** Where items lie whose partition is known beforehand; the others are found from what lies here. */
  readonly fixedPks: readonly string[]
  /** Everything in the bucket. */
  readonly objects: string
  readonly logObjects: string
  readonly segmentObjects: string
  logObject(objectId: string): string
  segmentObject(objectId: string): string
  readonly consumerGroupsPk: string
  /** Of an item of `instancesPk`: the instance's own key. */
  readonly instancesPk: string
  instanceOf(listed: ItemKey): ItemKey
  consumerGroup(groupId: string): ConsumerGroupKeys
  readonly apiKeysPk: string
  /** In the list of the cluster's keys. */
  listedApiKey(keyId: string): ItemKey
  readonly aclsPk: string
  /** `text`: the binding in its one form, see aclItem.ts. */
  acl(text: string): ItemKey
  aclVersion(): ItemKey
  readonly quotasPk: string
  /** `text`: the entity in its one form, see shared/quotas/entity.ts; likewise for its counters. */
  quota(text: string): ItemKey
  quotaVersion(): ItemKey
  readonly usedQuotasPk: string
  usedQuota(text: string): ItemKey
  readonly usagePk: string
  usage(hour: string, processId: string, part: number): ItemKey
  readonly scramPk: string
  scram(mechanism: string, user: string): ItemKey
}

/** Of one consumer group. Its id may hold any character: it is written in base64url, as instances' names are. */
export interface ConsumerGroupKeys {
  /** In the list of the tenant's groups. */
  readonly listed: ItemKey
  readonly state: ItemKey
  /** `block`: which 128 slots. */
  alive(block: number): ItemKey
  /** `block`: which 64 partitions. */
  offsets(topicId: string, block: number): ItemKey
  instance(name: string): ItemKey
  /** In the list of the tenant's instances; `instance` is the key of one. */
  listedInstance(instance: ItemKey): ItemKey
}

/** Whether there can be such a tenant. */
export const isTenantId = (text: string): boolean =>
  /^[A-Za-z0-9_-]{1,64}$/.test(text) && text !== deploymentPk

/** Whose an object is, by its name; of the deployment's own: what is no tenant's id. */
export const tenantIdOf = (objectName: string): string => objectName.split('/', 1)[0] ?? ''

/** `tenantId` comes from authentication and is [A-Za-z0-9_-]+: it can hold no separator. */
export function createScope(tenantId: string): Scope {
  if (!isTenantId(tenantId)) throw new Error('a tenant id is 1 to 64 of [A-Za-z0-9_-], and not deployment')
  const topicsPk = `${tenantId}/topics`
  const deletedPk = `${tenantId}/deleted`
  const groupPk = (topicId: string, group: number) => `${tenantId}/${topicId}/${group}`
  const indexPk = (topicId: string, partition: number) => `${tenantId}/${topicId}/p${partition}`
  return {
    topicsPk,
    deletedPk,
    topic: (collisionKey) => ({ pk: topicsPk, sk: collisionKey }),
    deletedTopic: (topicId) => ({ pk: deletedPk, sk: topicId }),
    producerIds: () => ({ pk: `${tenantId}/producers`, sk: 'next' }),
    sequencer: (topicId, group) => ({ pk: groupPk(topicId, group), sk: 'sequencer' }),
    evictedProducer: (topicId, group, partition, producerId) =>
      at(groupPk(topicId, group), `producer/${partition}/${producerId}`),
    indexPk,
    index: (topicId, partition, lastOffset) => at(indexPk(topicId, partition), indexSortKey(lastOffset)),
    segment: (topicId, partition, lastOffset) => at(indexPk(topicId, partition), segmentSortKey(lastOffset)),
    cleaner: (topicId, partition) => at(indexPk(topicId, partition), 'cleaner'),
    inlineData: (objectId) =>
      at(`${tenantId}/inline/${objectId.slice(0, 7)}/${objectId.slice(-1)}`, objectId),
    inlinePrefixesPk: `${tenantId}/inline`,
    inlinePrefix: (objectId) => ({ pk: `${tenantId}/inline`, sk: objectId.slice(0, 7) }),
    inlineShards: (prefix) => [...'0123456789abcdef'].map((x) => `${tenantId}/inline/${prefix}/${x}`),
    leasesPk: `${tenantId}/leases`,
    lease: (name) => ({ pk: `${tenantId}/leases`, sk: name }),
    workPk: `${tenantId}/work`,
    work: (topicId, group, dueMs) => at(`${tenantId}/work`, `${workSortKey(dueMs)}/${topicId}/${group}`),
    retiredPk: `${tenantId}/retired`,
    retired: (objectId) => ({ pk: `${tenantId}/retired`, sk: objectId }),
    fixedPks: fixedPks.map((name) => `${tenantId}/${name}`),
    objects: `${tenantId}/`,
    logObjects: `${tenantId}/log/`,
    segmentObjects: `${tenantId}/segment/`,
    logObject: (objectId) => `${tenantId}/log/${objectId.slice(0, 7)}/${objectId.slice(7)}`,
    segmentObject: (objectId) => `${tenantId}/segment/${objectId.slice(0, 7)}/${objectId.slice(7)}`,
    consumerGroupsPk: `${tenantId}/groups`,
    ...useKeys(tenantId),
    consumerGroup: (groupId) => consumerGroupKeys(tenantId, groupId),
    instancesPk: `${tenantId}/instances`,
    instanceOf({ sk }) {
      const [group, name] = sk.split('/')
      return { pk: `${tenantId}/group/${group}`, sk: `${instancePrefix}${name}` }
    },
  }
}

const at = (pk: string, sk: string): ItemKey => ({ pk, sk })

/** As the picture above has them. */
const fixedPks = (
  'topics deleted producers inline leases work retired groups instances keys acls acl-version quotas quota-version ' +
  'used-quota usage scram'
).split(' ')

const hash = (text: string): string => hashOf('sha256', text, 'base64url')

/** Of who may use the cluster, how much, and what they used. */
const useKeys = (tenantId: string) =>
  ({
    apiKeysPk: `${tenantId}/keys`,
    listedApiKey: (keyId) => ({ pk: `${tenantId}/keys`, sk: keyId }),
    aclsPk: `${tenantId}/acls`,
    acl: (text) => ({ pk: `${tenantId}/acls`, sk: hash(text) }),
    aclVersion: () => ({ pk: `${tenantId}/acl-version`, sk: 'version' }),
    scramPk: `${tenantId}/scram`,
    scram: (mechanism, user) => ({ pk: `${tenantId}/scram`, sk: `${mechanism}/${encodeName(user)}` }),
    quotasPk: `${tenantId}/quotas`,
    quota: (text) => ({ pk: `${tenantId}/quotas`, sk: hash(text) }),
    quotaVersion: () => ({ pk: `${tenantId}/quota-version`, sk: 'version' }),
    usedQuotasPk: `${tenantId}/used-quota`,
    usedQuota: (text) => ({ pk: `${tenantId}/used-quota`, sk: hash(text) }),
    usagePk: `${tenantId}/usage`,
    usage: (hour, processId, part) => ({
      pk: `${tenantId}/usage`,
      sk: `${hour}/${processId}/${fourDigits(part)}`,
    }),
  }) satisfies Partial<Scope>

function consumerGroupKeys(tenantId: string, groupId: string): ConsumerGroupKeys {
  const encoded = encodeName(groupId)
  const pk = `${tenantId}/group/${encoded}`
  return {
    listed: { pk: `${tenantId}/groups`, sk: encoded },
    state: { pk, sk: 'state' },
    alive: (block) => ({ pk, sk: `${alivePrefix}${fourDigits(block)}` }),
    offsets: (topicId, block) => ({ pk, sk: `${committedPrefix}${topicId}/${fourDigits(block)}` }),
    instance: (name) => ({ pk, sk: `${instancePrefix}${encodeName(name)}` }),
    listedInstance: ({ sk }) => ({
      pk: `${tenantId}/instances`,
      sk: `${encoded}/${sk.slice(instancePrefix.length)}`,
    }),
  }
}

const encodeName = (name: string): string => Buffer.from(name).toString('base64url')
const fourDigits = (block: number): string => String(block).padStart(4, '0')

/** Of the sort key of an item in the list of groups. */
export const groupIdOf = (sk: string): string => Buffer.from(sk, 'base64url').toString()

/** Sort keys of a consumer group's items. */
export const alivePrefix = 'alive/'
export const committedPrefix = 'offsets/'
export const instancePrefix = 'instance/'

/** Of the sort key of an item of committed offsets: which topic, which 64 partitions. */
export function committedBlockOf(sk: string): { readonly topicId: string; readonly block: number } {
  const [, topicId = '', block = ''] = sk.split('/')
  return { topicId, block: Number(block) }
}

const indexPrefix = 'index/'

/** Sorts before all work that is due later. */
export const workSortKey = (dueMs: number): string => String(dueMs).padStart(15, '0')

/** Index items are found by the first last offset at or after the one looked for. */
export const indexSortKey = (lastOffset: number): string => indexPrefix + String(lastOffset).padStart(20, '0')

/** Sorts after every index item. */
export const indexSortKeyEnd = `${indexPrefix}~`

const segmentPrefix = 'segment/'

export const segmentSortKey = (lastOffset: number): string =>
  segmentPrefix + String(lastOffset).padStart(20, '0')

/** Sorts after every segment item. */
export const segmentSortKeyEnd = `${segmentPrefix}~`

/** Of no tenant: no tenant has this id. */
const deploymentPk = 'deployment'

export const clustersPk = `${deploymentPk}/clusters`
export const clusterKey = (clusterId: string): ItemKey => ({ pk: clustersPk, sk: clusterId })

/** Found by its id alone, before anybody knows whose it is: each under a key of its own, to spread the load. */
export const apiKeyKey = (keyId: string): ItemKey => ({ pk: `${deploymentPk}/key/${keyId}`, sk: 'key' })

export const organisationsPk = `${deploymentPk}/organizations`
export const organisationKey = (organisationId: string): ItemKey => at(organisationsPk, organisationId)

export const organisationClustersPk = (organisationId: string): string => `${clustersPk}/${organisationId}`
export const organisationClusterKey = (organisationId: string, clusterId: string): ItemKey =>
  at(organisationClustersPk(organisationId), clusterId)

export const serviceAccountsPk = `${deploymentPk}/accounts`
/** Before the id of each account of an organisation. */
export const serviceAccountsPrefix = (organisationId: string): string => `${organisationId}/`
export const serviceAccountKey = (organisationId: string, id: string): ItemKey =>
  at(serviceAccountsPk, `${serviceAccountsPrefix(organisationId)}${id}`)

export const identityProvidersPk = `${deploymentPk}/providers`
export const identityProviderKey = (id: string): ItemKey => ({ pk: identityProvidersPk, sk: id })
export const identityPoolsPk = (providerId: string): string => `${deploymentPk}/pools/${providerId}`
export const identityPoolKey = (providerId: string, id: string): ItemKey =>
  at(identityPoolsPk(providerId), id)

/** Keys that are of no cluster: an organisation's or, where there is none, the operators'. */
export const deploymentKeysPk = (organisationId: string | undefined): string =>
  organisationId === undefined ? `${deploymentPk}/keys` : `${deploymentPk}/keys/${organisationId}`
export const listedDeploymentKey = (organisationId: string | undefined, keyId: string): ItemKey =>
  at(deploymentKeysPk(organisationId), keyId)

export const deploymentKey: ItemKey = { pk: deploymentPk, sk: 'deployment' }
export const deploymentObject = 'deployment'
