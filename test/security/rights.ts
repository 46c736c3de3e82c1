// What every endpoint needs, as data: the rights of Kafka's documentation for it, a request that is answered with them,
// and what is answered without. A route that has no row here fails the matrix; docs/SECURITY.md shows the same table.

import { validBatch } from '../fuzz/batches.ts'
import { createChance } from '../fuzz/chance.ts'

export type Right = `${string} ${'CLUSTER' | 'TOPIC' | 'GROUP'}`

/** Who may call it, before any right: everybody, holders of credentials, operators, or they and the organisation. */
type Caller = 'anybody' | 'known' | 'operator' | 'organisation'

export interface Row {
  readonly caller: Caller
  /** All of them; of an inner list any one. */
  readonly needs: readonly (Right | readonly Right[])[]
  /** The status without a right, where it is not 403. 200: what may not be seen is left out, or refused by itself. */
  readonly without: Readonly<Record<Right, number>>
  /** Of the names, `here` is there and `gone` is not: both of one length. */
  readonly request: (name: string) => RequestParts
}

export interface RequestParts {
  readonly query?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Parameters of the path that are not what they are elsewhere. */
  readonly path?: Readonly<Record<string, string>>
}

type More = Partial<Pick<Row, 'without' | 'request'>>

const row = (
  caller: Caller,
  needs: Row['needs'],
  { without = {}, request = () => ({}) }: More = {},
): Row => ({
  caller,
  needs,
  without,
  request,
})

const anybody = row('anybody', [])
const known = (request?: Row['request']): Row => row('known', [], request && { request })
const operator = (request?: Row['request']): Row => row('operator', [], request && { request })
const organisation = (request?: Row['request']): Row => row('organisation', [], request && { request })
const needs = (rights: Row['needs'], request?: Row['request'], without: Row['without'] = {}): Row =>
  row('known', rights, { without, ...(request && { request }) })

const body = (make: (name: string) => unknown) => (name: string) => ({ body: make(name) })

const record = { partition_id: 0, value: { type: 'STRING', data: 'v' } }
const v2Record = { records: [{ value: 'AA==', partition: 0 }] }
const topicOf = (name: string) => `topic-${name}`
const place = (name: string) => ({ topic_name: topicOf(name), partition_id: 0 })
const v2Place = (name: string) => ({ topic: topicOf(name), partition: 0 })
const acl = {
  resource_type: 'TOPIC',
  resource_name: 'x',
  pattern_type: 'LITERAL',
  principal: 'User:x',
  host: '*',
  operation: 'READ',
  permission: 'ALLOW',
}
const pool = {
  display_name: 'n',
  identity_claim: 'claims.sub',
  audience: 'a',
  resource: { id: 'local' },
}
const quota = {
  entity: [{ entity_type: 'user', entity_name: 'sa-1' }],
  ops: [{ key: 'producer_byte_rate', value: 1000 }],
}
const usage = {
  aggregations: [{ metric: 'io.confluent.kafka.server/request_count' }],
  filter: { field: 'resource.kafka.id', op: 'EQ', value: 'local' },
  granularity: 'ALL',
  intervals: ['2026-11-22T00:00:00Z/2026-11-23T00:00:00Z'],
}
const anyAcl = '?resource_type=ANY&pattern_type=ANY&operation=ANY&permission=ANY'
/** Whose the clusters are that are named. */
export const organisationHere = 'org-default'
/** By its id. */
export const accountOf = (name: string): string => (name === 'here' ? 'sa-aaaaaaaaaa' : 'sa-aaaaaaaaab')
const clusterOf = (name: string): string => (name === 'here' ? 'local' : 'never')
/** By its id. */
export const storedObject = (name: string): string => (name === 'here' ? '1' : '2').repeat(32)
const from = { query: '?offset=0' }
/** A group with a member; other rows have one with offsets alone. */
const crowd = (name: string) => ({ path: { consumer_group_id: `crowd-${name}` } })

const unassigned = (name: string) => ({ path: { instance: `fresh-${name}` } })

const cluster = '/v3/clusters/{cluster_id}'
const topics = `${cluster}/topics`
const topic = `${topics}/{topic_name}`
const partition = `${topic}/partitions/{partition_id}`
const groups = `${cluster}/consumer-groups`
const group = `${groups}/{consumer_group_id}`
const v2Topic = '/topics/{topic_name}'
const v2Partition = `${v2Topic}/partitions/{partition_id}`
const instance = '/consumers/{group_name}/instances/{instance}'

const leftOut = { 'DESCRIBE TOPIC': 200 }
const seesGroup: Row['needs'] = ['DESCRIBE GROUP']
const create: Row['needs'] = [['CREATE TOPIC', 'CREATE CLUSTER']]

const ofTopics: Readonly<Record<string, Row>> = {
  [`GET ${topics}`]: needs(['DESCRIBE TOPIC'], undefined, leftOut),
  [`POST ${topics}`]: needs(
    create,
    body((name) => ({ topic_name: `new-topic-${name}` })),
  ),
  [`GET ${topic}`]: needs(['DESCRIBE TOPIC']),
  [`PATCH ${topic}`]: needs(
    ['ALTER TOPIC'],
    body(() => ({ partitions_count: 3 })),
  ),
  [`DELETE ${topic}`]: needs(['DELETE TOPIC']),
  [`GET ${topics}/-/configs`]: needs(['DESCRIBE_CONFIGS TOPIC'], undefined, {
    'DESCRIBE_CONFIGS TOPIC': 200,
  }),
  [`GET ${topic}/configs`]: needs(['DESCRIBE_CONFIGS TOPIC']),
  [`GET ${topic}/default-configs`]: known(),
  [`GET ${topic}/configs/{name}`]: needs(['DESCRIBE_CONFIGS TOPIC']),
  [`PUT ${topic}/configs/{name}`]: needs(
    ['ALTER_CONFIGS TOPIC'],
    body(() => ({ value: '86400000' })),
  ),
  [`DELETE ${topic}/configs/{name}`]: needs(['ALTER_CONFIGS TOPIC']),
  [`POST ${topic}/configs:alter`]: needs(
    ['ALTER_CONFIGS TOPIC'],
    body(() => ({ data: [{ name: 'retention.ms', value: '5' }] })),
  ),
  [`GET ${topic}/partitions`]: needs(['DESCRIBE TOPIC']),
  [`GET ${partition}`]: needs(['DESCRIBE TOPIC']),
  [`GET ${partition}/replicas`]: needs(['DESCRIBE TOPIC']),
  [`GET ${partition}/replicas/{broker_id}`]: needs(['DESCRIBE TOPIC']),
  [`GET ${partition}/offset`]: needs(['DESCRIBE TOPIC']),
}

const ofRecords: Readonly<Record<string, Row>> = {
  [`POST ${partition}/records:delete`]: needs(
    ['DELETE TOPIC'],
    body(() => ({ before_offset: 1 })),
  ),
  [`POST ${cluster}/producers`]: needs([['IDEMPOTENT_WRITE CLUSTER', 'WRITE TOPIC']]),
  [`GET ${topic}/records`]: needs(['READ TOPIC'], () => from),
  [`POST ${topic}/records`]: needs(
    ['WRITE TOPIC'],
    body(() => record),
  ),
  [`POST ${topic}/records:batch`]: needs(
    ['WRITE TOPIC'],
    body(() => ({ entries: [{ id: '1', ...record }] })),
  ),
  [`POST ${partition}/records`]: needs(['WRITE TOPIC'], () => ({
    body: validBatch(createChance(1, 1)),
    headers: { 'content-type': 'application/vnd.millrace.recordbatch' },
  })),
  [`GET ${partition}/records`]: needs(['READ TOPIC'], () => from),
  [`POST ${topic}/partitions/-/consume`]: needs(
    ['READ TOPIC'],
    body(() => ({ from_beginning: true })),
  ),
}

const ofGroups: Readonly<Record<string, Row>> = {
  [`GET ${groups}`]: needs([['DESCRIBE GROUP', 'DESCRIBE CLUSTER']], undefined, {
    'DESCRIBE GROUP': 200,
    'DESCRIBE CLUSTER': 200,
  }),
  [`GET ${group}`]: needs(seesGroup),
  [`DELETE ${group}`]: needs(['DELETE GROUP']),
  [`GET ${group}/consumers`]: needs(seesGroup, crowd),
  [`GET ${group}/consumers/{consumer_id}`]: needs(seesGroup, crowd),
  [`DELETE ${group}/consumers/{consumer_id}`]: needs(['READ GROUP'], crowd),
  [`POST ${group}:heartbeat`]: needs(['READ GROUP', 'DESCRIBE TOPIC'], (name) => ({
    body: {
      member_epoch: 0,
      subscribed_topic_names: [topicOf(name)],
      rebalance_timeout_ms: 1000,
      topic_partitions: [],
    },
  })),
  [`GET ${group}/consumers/{consumer_id}/assignments`]: needs(
    ['DESCRIBE GROUP', 'DESCRIBE TOPIC'],
    crowd,
    leftOut,
  ),
  [`GET ${group}/consumers/{consumer_id}/assignments/{topic_name}/partitions/{partition_id}`]: needs(
    ['DESCRIBE GROUP', 'DESCRIBE TOPIC'],
    crowd,
    { 'DESCRIBE TOPIC': 404 },
  ),
  [`GET ${group}/lags`]: needs(['DESCRIBE GROUP', 'DESCRIBE TOPIC'], undefined, leftOut),
  [`GET ${group}/lags/{topic_name}/partitions/{partition_id}`]: needs(
    ['DESCRIBE GROUP', 'DESCRIBE TOPIC'],
    undefined,
    { 'DESCRIBE TOPIC': 404 },
  ),
  [`GET ${group}/lag-summary`]: needs(['DESCRIBE GROUP', 'DESCRIBE TOPIC'], undefined, {
    'DESCRIBE TOPIC': 404,
  }),
  [`POST ${group}/offsets:commit`]: needs(
    ['READ GROUP', 'READ TOPIC'],
    body((name) => ({ offsets: [{ ...place(name), offset: 1 }] })),
    { 'READ TOPIC': 200 },
  ),
  [`POST ${group}/offsets:fetch`]: needs(
    ['DESCRIBE GROUP', 'DESCRIBE TOPIC'],
    body((name) => ({ partitions: [place(name)] })),
  ),
  [`GET ${group}/offsets`]: needs(['DESCRIBE GROUP', 'DESCRIBE TOPIC'], undefined, leftOut),
  [`POST ${group}/offsets:delete`]: needs(
    ['DELETE GROUP', 'READ TOPIC'],
    body((name) => ({ partitions: [place(name)] })),
    { 'READ TOPIC': 200 },
  ),
  [`POST ${group}/offsets:reset`]: needs(
    ['READ GROUP', 'READ TOPIC'],
    body((name) => ({ to: { earliest: true }, topics: [{ topic_name: topicOf(name), partitions: [0] }] })),
  ),
}

const ofClusters: Readonly<Record<string, Row>> = {
  'GET /health': anybody,
  'GET /v3/clusters': known(),
  [`GET ${cluster}`]: known(),
  [`GET ${cluster}/brokers`]: known(),
  [`GET ${cluster}/brokers/{broker_id}`]: known(),
  'GET /metrics': known(),
  'POST /v2/metrics/cloud/query': needs(
    ['DESCRIBE CLUSTER'],
    body(() => usage),
  ),
  [`GET ${cluster}/client-quotas`]: needs(['DESCRIBE_CONFIGS CLUSTER']),
  [`POST ${cluster}/client-quotas`]: needs(
    ['ALTER_CONFIGS CLUSTER'],
    body(() => ({ data: [quota] })),
  ),
  [`GET ${cluster}/compaction`]: operator(),
  [`POST ${cluster}/compaction:run`]: operator(body(() => ({}))),
  [`POST ${cluster}/compaction:verify`]: operator(),
  [`GET ${cluster}/compaction:dump`]: operator((name) => ({ query: `?object_name=${storedObject(name)}` })),
  [`GET ${cluster}/user-scram-credentials`]: needs(['DESCRIBE CLUSTER']),
  [`POST ${cluster}/user-scram-credentials:alter`]: needs(
    ['ALTER CLUSTER'],
    body(() => ({ upsertions: [{ user: 'alice', mechanism: 'SCRAM-SHA-256', password: 'a secret' }] })),
  ),
  [`GET ${cluster}/acls`]: needs(['DESCRIBE CLUSTER']),
  [`POST ${cluster}/acls`]: needs(
    ['ALTER CLUSTER'],
    body(() => acl),
  ),
  [`POST ${cluster}/acls:batch`]: needs(
    ['ALTER CLUSTER'],
    body(() => ({ data: [acl] })),
  ),
  [`POST ${cluster}/acls:grant`]: needs(
    ['ALTER CLUSTER'],
    body(() => ({ role_name: 'CloudClusterAdmin', principal: 'User:x' })),
  ),
  [`DELETE ${cluster}/acls`]: needs(['ALTER CLUSTER'], () => ({ query: anyAcl })),
}

const ofV2: Readonly<Record<string, Row>> = {
  'GET /brokers': known(),
  'GET /topics': needs(['DESCRIBE TOPIC'], undefined, leftOut),
  [`GET ${v2Topic}`]: needs(['DESCRIBE TOPIC', 'DESCRIBE_CONFIGS TOPIC']),
  [`POST ${v2Topic}`]: needs(
    ['WRITE TOPIC'],
    body(() => v2Record),
  ),
  [`GET ${v2Topic}/partitions`]: needs(['DESCRIBE TOPIC']),
  [`GET ${v2Partition}`]: needs(['DESCRIBE TOPIC']),
  [`POST ${v2Partition}`]: needs(
    ['WRITE TOPIC'],
    body(() => ({ records: [{ value: 'AA==' }] })),
  ),
  [`GET ${v2Partition}/offsets`]: needs(['DESCRIBE TOPIC']),
  [`GET ${v2Partition}/records`]: needs(['READ TOPIC'], () => ({
    ...from,
    headers: { accept: 'application/vnd.kafka.binary.v2+json' },
  })),
  'POST /admin/topics': needs(
    create,
    body((name) => ({ topic_name: `new-topic-${name}`, partitions_count: 1, replication_factor: 1 })),
  ),
}

const ofInstances: Readonly<Record<string, Row>> = {
  'POST /consumers/{group_name}': needs(
    ['READ GROUP'],
    body((name) => ({ name: `new-${name}` })),
  ),
  [`DELETE ${instance}`]: needs(['READ GROUP']),
  [`POST ${instance}/subscription`]: needs(['READ GROUP', 'DESCRIBE TOPIC'], (name) => ({
    ...unassigned(name),
    body: { topics: [topicOf(name)] },
  })),
  [`GET ${instance}/subscription`]: needs(['READ GROUP', 'DESCRIBE TOPIC'], undefined, leftOut),
  [`DELETE ${instance}/subscription`]: needs(['READ GROUP', 'DESCRIBE TOPIC']),
  [`POST ${instance}/assignments`]: needs(['READ GROUP', 'DESCRIBE TOPIC'], (name) => ({
    ...unassigned(name),
    body: { partitions: [v2Place(name)] },
  })),
  [`GET ${instance}/assignments`]: needs(['READ GROUP', 'DESCRIBE TOPIC'], undefined, leftOut),
  [`GET ${instance}/records`]: needs(['READ GROUP', 'READ TOPIC'], () => ({ query: '?timeout=0' })),
  [`POST ${instance}/offsets`]: needs(
    ['READ GROUP', 'READ TOPIC'],
    body((name) => ({ offsets: [{ ...v2Place(name), offset: 0 }] })),
  ),
  [`GET ${instance}/offsets`]: needs(['READ GROUP', 'DESCRIBE TOPIC'], undefined, leftOut),
  [`POST ${instance}/positions`]: needs(
    ['READ GROUP', 'DESCRIBE TOPIC'],
    body((name) => ({ offsets: [{ ...v2Place(name), offset: 0 }] })),
  ),
  [`POST ${instance}/positions/beginning`]: needs(
    ['READ GROUP', 'DESCRIBE TOPIC'],
    body((name) => ({ partitions: [v2Place(name)] })),
  ),
  [`POST ${instance}/positions/end`]: needs(
    ['READ GROUP', 'DESCRIBE TOPIC'],
    body((name) => ({ partitions: [v2Place(name)] })),
  ),
}

const ofOrganisations: Readonly<Record<string, Row>> = {
  'POST /org/v2/organizations': operator(body(() => ({ display_name: 'n' }))),
  'GET /org/v2/organizations': organisation(),
  'GET /org/v2/organizations/{id}': organisation((name) =>
    name === 'here' ? { path: { id: organisationHere } } : { path: { id: 'org-nowhere' } },
  ),
  'PATCH /org/v2/organizations/{id}': operator(body(() => ({ display_name: 'm' }))),
  'DELETE /org/v2/organizations/{id}': operator(),
  'POST /org/v2/organizations/{id}/suspend': operator(),
  'POST /org/v2/organizations/{id}/resume': operator(),
  'POST /cmk/v2/clusters': organisation(body(() => ({ spec: { display_name: 'n' } }))),
  'GET /cmk/v2/clusters': organisation(),
  'GET /cmk/v2/clusters/{id}': organisation(),
  'PATCH /cmk/v2/clusters/{id}': organisation(body(() => ({ spec: { display_name: 'm' } }))),
  'DELETE /cmk/v2/clusters/{id}': organisation(),
  'POST /cmk/v2/clusters/{id}/suspend': operator(),
  'POST /cmk/v2/clusters/{id}/resume': operator(),
  'POST /iam/v2/service-accounts': organisation(body(() => ({ display_name: 'n' }))),
  'GET /iam/v2/service-accounts': organisation(),
  'GET /iam/v2/service-accounts/{id}': organisation(),
  'DELETE /iam/v2/service-accounts/{id}': organisation(),
  'POST /iam/v2/role-bindings': organisation(
    body((name) => ({
      principal: `User:${accountOf('here')}`,
      role_name: 'CloudClusterAdmin',
      crn_pattern: `crn:///organization=${organisationHere}/cloud-cluster=${clusterOf(name)}`,
    })),
  ),
  'POST /iam/v2/identity-providers': operator(
    body(() => ({ display_name: 'n', issuer: 'https://issuer.example' })),
  ),
  'GET /iam/v2/identity-providers': operator(),
  'DELETE /iam/v2/identity-providers/{id}': operator(),
  'POST /iam/v2/identity-providers/{provider_id}/identity-pools': operator(body(() => pool)),
  'GET /iam/v2/identity-providers/{provider_id}/identity-pools': operator(),
  'DELETE /iam/v2/identity-providers/{provider_id}/identity-pools/{id}': operator(),
  'POST /iam/v2/api-keys': organisation(
    body((name) => ({ spec: { owner: { id: accountOf('here') }, resource: { id: clusterOf(name) } } })),
  ),
  'GET /iam/v2/api-keys': organisation((name) => ({ query: `?spec.resource=${clusterOf(name)}` })),
  'GET /iam/v2/api-keys/{id}': organisation(),
  'DELETE /iam/v2/api-keys/{id}': organisation(),
}

/** Of v2: the only cluster that the caller reaches is meant. */
export const namesNoCluster = (operation: string): boolean =>
  operation !== 'GET /brokers' && (operation in ofV2 || operation in ofInstances)

/** By method and path, as /openapi.json has them. */
export const rightsTable: Readonly<Record<string, Row>> = {
  ...ofClusters,
  ...ofTopics,
  ...ofRecords,
  ...ofGroups,
  ...ofV2,
  ...ofInstances,
  ...ofOrganisations,
}
