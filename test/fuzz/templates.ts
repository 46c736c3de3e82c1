// A valid request for every operation of /openapi.json: paths and queries are filled in from the
// description, bodies from the table here. An operation whose body nobody has written down stops the
// test.

import { hostileBody, validBatches } from './batches.ts'
import type { Chance } from './chance.ts'
import {
  assignedInstance,
  instanceGroup,
  memberGroup,
  memberId,
  offsetGroup,
  subscribedInstance,
} from './groups.ts'
import {
  dumpedObject,
  fuzzedAccount,
  fuzzedCluster,
  fuzzedKey,
  fuzzedKeyArn,
  fuzzedOrganisation,
  fuzzedPool,
  fuzzedProvider,
} from './operators.ts'

export interface FuzzRequest {
  readonly operation: string
  readonly method: string
  readonly path: string
  /** Names may come twice. */
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string | Uint8Array | undefined
  /** How the body is cut up on its way; absent: it comes in one piece. */
  readonly chunkBytes?: number
}

export type Template = (chance: Chance) => FuzzRequest

/** What the mutated requests may change or delete. */
export const fuzzedTopic = 'fuzzed'
/** What they may only read. */
export const keptTopic = 'kept'

interface Operation {
  readonly operationId: string
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> }
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>
}

export interface ApiDescription {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

const parameterValues: Readonly<Record<string, readonly string[]>> = {
  cluster_id: ['local'],
  partition_id: ['0', '1'],
  broker_id: ['1'],
  name: ['retention.ms', 'cleanup.policy', 'max.message.bytes'],
  offset: ['0', 'earliest', 'latest', '3'],
  timestamp: ['1700000000000'],
  timeout: ['0', '1'],
  max_bytes: ['100000'],
  min_bytes: ['1'],
  offset_type: ['earliest', 'latest', 'max_timestamp', 'earliest_and_latest'],
  async: ['true', 'false'],
  includeAuthorizedOperations: ['true'],
  include_authorized_operations: ['true'],
  consumer_group_id: [memberGroup, offsetGroup],
  consumer_id: [memberId],
  group_name: [instanceGroup],
  instance: [assignedInstance, subscribedInstance],
  resource_type: ['ANY', 'TOPIC', 'CLUSTER'],
  resource_name: ['kafka-cluster', keptTopic],
  pattern_type: ['ANY', 'MATCH', 'LITERAL'],
  principal: ['User:sa-1'],
  host: ['*'],
  operation: ['ANY', 'READ', 'ALTER'],
  permission: ['ANY', 'ALLOW'],
  'spec.resource': [fuzzedCluster, fuzzedOrganisation],
  page_size: ['1', '10', '100'],
  // Of the list of clusters, behind the fuzzed one.
  page_token: ['bWOwFkTWV1MX6EbubGtjLWZ1enplZA'],
  'resource.kafka.id': ['local'],
  provider_id: [fuzzedProvider],
  object_name: [dumpedObject],
  print_data: ['true'],
  user: ['sa-1'],
  user_match: ['default'],
  client_id: ['c'],
  client_id_match: ['any'],
  strict: ['true'],
}

/** A parameter `id`, by what stands before it in the path. */
const ids: Readonly<Record<string, string>> = {
  organizations: fuzzedOrganisation,
  clusters: fuzzedCluster,
  'service-accounts': fuzzedAccount,
  'api-keys': fuzzedKey,
  'identity-providers': fuzzedProvider,
  'identity-pools': fuzzedPool,
}

const v3Record = {
  partition_id: 0,
  headers: [{ name: 'trace', value: 'AAEC' }],
  key: { type: 'STRING', data: 'k' },
  value: { type: 'JSON', data: { a: [1, 2.5, null], b: 'text' } },
  timestamp: '2021-02-05T19:14:42Z',
}

const v2Records = {
  records: [
    { key: 'AAEC', value: 'c29tZQ==', partition: 0, timestamp: 1_700_000_000_000 },
    { value: 'AA==' },
  ],
}

const newTopic = {
  topic_name: 'created',
  partitions_count: 2,
  replication_factor: 1,
  configs: [{ name: 'retention.ms', value: '1000' }],
  validate_only: false,
}

const member = { member_id: memberId, member_epoch: 1 }
const place = { topic_name: keptTopic, partition_id: 0 }
const offset = { ...place, offset: 2, leader_epoch: 0, metadata: 'so far' }
const v2Place = { topic: keptTopic, partition: 0 }
const v2Offset = { ...v2Place, offset: 0 }

const groupBodies: Readonly<Record<string, readonly unknown[]>> = {
  heartbeatKafkaConsumerGroup: [
    { ...member, topic_partitions: [{ topic_name: keptTopic, partitions: [0, 1] }], client_id: 'c' },
    {
      member_epoch: 0,
      subscribed_topic_names: [keptTopic],
      rebalance_timeout_ms: 1000,
      topic_partitions: [],
      server_assignor: 'range',
    },
  ],
  commitKafkaConsumerGroupOffsets: [{ ...member, offsets: [offset] }, { offsets: [offset] }],
  fetchKafkaConsumerGroupOffsets: [{ ...member, partitions: [place] }, {}],
  deleteKafkaConsumerGroupOffsets: [{ partitions: [place] }],
  resetKafkaConsumerGroupOffsets: [
    { to: { earliest: true } },
    { to: { shift_by: 1 }, topics: [{ topic_name: keptTopic, partitions: [0] }], dry_run: false },
  ],
  createConsumer: [{}, { format: 'json', 'auto.commit.enable': 'false' }, { 'enable.auto.commit': true }],
  subscribe: [{ topics: [keptTopic] }, { topic_pattern: 'k.*' }],
  assign: [{ partitions: [v2Place] }],
  commit: [{ offsets: [v2Offset] }, { partitions: [{ ...v2Offset, metadata: 'm' }] }],
  listCommittedOffsets: [{ partitions: [v2Place] }],
  seek: [{ offsets: [v2Offset] }, { timestamps: [{ ...v2Place, timestamp: '2021-02-05T19:14:42Z' }] }],
  seekToBeginning: [{ partitions: [v2Place] }],
  seekToEnd: [{ partitions: [v2Place] }],
}

const acl = {
  resource_type: 'TOPIC',
  resource_name: 'k',
  pattern_type: 'PREFIXED',
  principal: 'User:sa-1',
  host: '*',
  operation: 'READ',
  permission: 'ALLOW',
}

const securityBodies: Readonly<Record<string, readonly unknown[]>> = {
  createKafkaAcls: [
    acl,
    { ...acl, resource_type: 'CLUSTER', resource_name: 'kafka-cluster', operation: 'ALTER' },
  ],
  batchCreateKafkaAcls: [{ data: [acl, { ...acl, operation: 'WRITE' }] }],
  grantKafkaRole: [
    { role_name: 'CloudClusterAdmin', principal: 'User:x' },
    {
      role_name: 'DeveloperRead',
      principal: 'User:x',
      resource: { resource_type: 'TOPIC', resource_name: 'x' },
    },
  ],
  createCmkV2Cluster: [
    { spec: { display_name: 'n', organization: { id: fuzzedOrganisation } } },
    { spec: { display_name: 'n', encryption_key_arn: fuzzedKeyArn } },
  ],
  updateCmkV2Cluster: [
    { spec: { display_name: 'm', limits: {} } },
    { spec: { display_name: 'm', encryption_key_arn: fuzzedKeyArn } },
  ],
  createIamV2IdentityProvider: [{ display_name: 'n', issuer: 'https://issuer.example' }],
  createIamV2IdentityPool: [
    { display_name: 'n', identity_claim: 'claims.sub', audience: 'a', resource: { id: fuzzedCluster } },
  ],
  alterKafkaUserScramCredentials: [
    { upsertions: [{ user: 'alice', mechanism: 'SCRAM-SHA-256', password: 'p', iterations: 4096 }] },
    { deletions: [{ user: 'alice', mechanism: 'SCRAM-SHA-512' }] },
  ],
  alterClientQuotas: [
    {
      data: [
        {
          entity: [{ entity_type: 'user', entity_name: 'sa-1' }],
          ops: [{ key: 'producer_byte_rate', value: 1e9 }],
        },
      ],
    },
  ],
  queryMetrics: [
    {
      aggregations: [{ metric: 'io.confluent.kafka.server/request_count' }],
      filter: { field: 'resource.kafka.id', op: 'EQ', value: 'local' },
      granularity: 'PT1H',
      intervals: ['2026-11-22T00:00:00Z/2026-11-23T00:00:00Z'],
      group_by: ['metric.topic'],
    },
  ],
  createOrgV2Organization: [{ display_name: 'n' }],
  updateOrgV2Organization: [{ display_name: 'm', limits: { clusters: 20 } }, { limits: { api_keys: null } }],
  createIamV2ServiceAccount: [
    { display_name: 'n', description: 'd' },
    { display_name: 'n', organization: { id: fuzzedOrganisation } },
  ],
  createIamV2RoleBinding: [
    {
      principal: `User:${fuzzedAccount}`,
      role_name: 'CloudClusterAdmin',
      crn_pattern: `crn:///organization=${fuzzedOrganisation}/cloud-cluster=${fuzzedCluster}`,
    },
  ],
  createIamV2ApiKey: [
    {
      spec: {
        owner: { id: fuzzedAccount },
        resource: { id: fuzzedCluster },
        expires_at: '2999-01-31T00:00:00Z',
      },
    },
    { spec: { owner: { id: fuzzedAccount }, resource: { id: fuzzedOrganisation } } },
    { spec: { description: 'd', owner: { id: 'somebody' } } },
  ],
}

const jsonBodies: Readonly<Record<string, readonly unknown[]>> = {
  createKafkaTopic: [newTopic, { ...newTopic, validate_only: true }],
  updatePartitionCountKafkaTopic: [{ partitions_count: 4, validate_only: true }, { partitions_count: 3 }],
  updateKafkaTopicConfig: [{ value: '86400000' }],
  updateKafkaTopicConfigBatch: [
    {
      data: [
        { name: 'retention.ms', value: '5' },
        { name: 'cleanup.policy', operation: 'DELETE' },
      ],
    },
  ],
  deleteKafkaRecords: [{ before_offset: 1 }],
  produceRecord: [v3Record, { ...v3Record, value: { type: 'BINARY', data: 'AAEC' } }],
  produceRecordsBatch: [
    {
      entries: [
        { id: '1', ...v3Record },
        { id: '2', value: { type: 'STRING', data: '' } },
      ],
    },
  ],
  consumeRecords: [
    {
      offsets: [{ partition_id: 0, offset: 0 }],
      max_poll_records: 5,
      fetch_max_bytes: 1000,
      message_max_bytes: 9,
    },
    { from_beginning: true },
    { timestamp: 1_700_000_000_000 },
  ],
  runCompaction: [{ topic_name: 'created' }, { collect: true, dry_run: true }],
  createTopicV2: [{ topic_name: 'created2', partitions_count: 1, replication_factor: 1 }],
  send: [v2Records],
  sendToPartition: [{ records: [{ value: 'AA==' }] }],
  ...groupBodies,
  ...securityBodies,
}

/** Headers that an operation reads, beside Content-Type and Accept. */
const headerValues: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  produceRecord: { 'producer-id': '0', 'producer-epoch': '0', 'producer-seq': '0' },
  followTopic: { 'last-event-id': '0:0,1:0' },
  readPartition: { 'last-event-id': '1' },
}

export function templatesOf(description: ApiDescription): readonly Template[] {
  return Object.entries(description.paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, operation]) => {
      const template = templateOf(method.toUpperCase(), path, operation)
      // There is more to break where there is a body.
      return Array.from({ length: operation.requestBody === undefined ? 1 : 4 }, () => template)
    }),
  )
}

function templateOf(method: string, path: string, operation: Operation): Template {
  const { operationId, parameters = [], requestBody, responses } = operation
  const types = Object.keys(requestBody?.content ?? {})
  const accepted = Object.values(responses).flatMap(({ content = {} }) => Object.keys(content))
  const binary = types.includes('application/vnd.millrace.recordbatch')
  const bodies = jsonBodies[operationId]
  if (types.length > 0 && !binary && bodies === undefined) {
    throw new Error(`give ${operationId} a valid body in test/fuzz/templates.ts`)
  }
  const makeBody = (chance: Chance): string | Uint8Array | undefined => {
    if (binary) return chance.oneIn(2) ? validBatches(chance) : hostileBody(chance)
    if (bodies === undefined) return undefined
    const bodyText = JSON.stringify(chance.pick(bodies))
    return operationId === 'produceRecord' ? bodyText.repeat(1 + chance.integer(3)) : bodyText
  }
  return (chance) => {
    const body = makeBody(chance)
    const optional = Object.entries(headerValues[operationId] ?? {})
    return {
      operation: operationId,
      method,
      path: fillPath(method, path, chance) + fillQuery(parameters, chance),
      headers: [
        ...(types.length === 0 ? [] : [['content-type', chance.pick(types)] as const]),
        ...(accepted.length === 0 || chance.oneIn(3) ? [] : [['accept', chance.pick(accepted)] as const]),
        ...(chance.oneIn(3) ? optional : []),
        ...(body === undefined || chance.oneIn(2)
          ? []
          : [['content-length', String(Buffer.byteLength(body))] as const]),
      ],
      body,
      ...(chance.oneIn(5) && { chunkBytes: chance.pick([1, 7, 100]) }),
    }
  }
}

function fillPath(method: string, path: string, chance: Chance): string {
  const topicName = method === 'GET' && chance.oneIn(2) ? keptTopic : fuzzedTopic
  const prefix = path.startsWith('/v3') && chance.oneIn(4) ? '/kafka' : ''
  return (
    prefix +
    path.replaceAll(/([\w-]+)\/{(\w+)}/g, (_, parent: string, name: string) => {
      const value =
        name === 'topic_name' ? topicName : (name === 'id' && ids[parent]) || valueFor(name, chance)
      return `${parent}/${encodeURIComponent(value)}`
    })
  )
}

function fillQuery(parameters: NonNullable<Operation['parameters']>, chance: Chance): string {
  const pairs = parameters
    .filter((parameter) => parameter.in === 'query' && chance.oneIn(2))
    .map(({ name }) => `${name}=${valueFor(name, chance)}`)
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

function valueFor(name: string, chance: Chance): string {
  const values = parameterValues[name]
  if (values === undefined) throw new Error(`give parameter ${name} a valid value in test/fuzz/templates.ts`)
  return chance.pick(values)
}
