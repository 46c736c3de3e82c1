// What an event of the audit log says beside who and what: which binding decided, what was asked for, what was there
// before and is there now; and that none of it grows with what a caller sends.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditEvent } from '../../../shared/service/auditEvent.ts'
import { bounded } from '../../../shared/service/auditFacts.ts'
import { auditEventsOf } from '../../support/auditEvents.ts'
import type { Call } from '../../support/call.ts'
import { createTestTenants } from '../../support/testTenants.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

interface Bound {
  readonly operation: string
  readonly name?: string
  readonly type?: string
  readonly pattern?: string
  readonly principal?: string
  readonly permission?: string
}

const bind = (bound: Bound) => ({
  resource_type: bound.type ?? 'TOPIC',
  resource_name: bound.name ?? '*',
  pattern_type: bound.pattern ?? 'LITERAL',
  principal: bound.principal ?? 'User:alice',
  host: '*',
  operation: bound.operation,
  permission: bound.permission ?? 'ALLOW',
})

const group = (operation: string, name = 'g'): Bound => ({ operation, type: 'GROUP', name })
const cluster = (operation: string): Bound => ({ operation, type: 'CLUSTER', name: 'kafka-cluster' })
const denial = (bound: Bound): Bound => ({ ...bound, permission: 'DENY', principal: 'User:*' })

const create = (name: string) => (call: Call) => call('POST', '/topics', { topic_name: name })
const fetch = (call: Call) => call('GET', '/topics/there/partitions/0/records?offset=0')
const deleteOffsets = (call: Call) =>
  call('POST', '/consumer-groups/g/offsets:delete', {
    partitions: [{ topic_name: 'there', partition_id: 0 }],
  })
const heartbeat = (call: Call) =>
  call('POST', '/consumer-groups/g:heartbeat', {
    member_epoch: 0,
    subscribed_topic_names: ['there'],
    rebalance_timeout_ms: 1000,
    topic_partitions: [],
  })
const usage = (call: Call) =>
  call('POST', '/v2/metrics/cloud/query', {
    aggregations: [{ metric: 'io.confluent.kafka.server/request_count' }],
    filter: { field: 'resource.kafka.id', op: 'EQ', value: 'local' },
    granularity: 'ALL',
    intervals: ['2026-11-22T00:00:00Z/2026-11-23T00:00:00Z'],
  })

/** What is bound, the call, and what the last event of it says: method, whether it was granted, and by what. */
const decided: readonly (readonly [readonly Bound[], (call: Call) => unknown, string])[] = [
  [
    [{ operation: 'CREATE', name: 'or', pattern: 'PREFIXED' }],
    create('orders'),
    'CreateTopics true ALLOW Create Topic or PREFIXED User:alice *',
  ],
  [
    [cluster('CREATE'), denial({ operation: 'CREATE', name: 'orders' })],
    create('orders'),
    'CreateTopics true ALLOW Create Cluster kafka-cluster LITERAL User:alice *',
  ],
  [
    [{ operation: 'ALL' }, denial({ operation: 'ALL', name: 'o', pattern: 'PREFIXED' })],
    create('orders'),
    'CreateTopics false DENY All Topic o PREFIXED User:* *',
  ],
  [[{ operation: 'READ' }], create('orders'), 'CreateTopics false'],
  [
    [{ operation: 'ALL' }, denial({ operation: 'READ', name: 'there' })],
    fetch,
    'Fetch false DENY Read Topic there LITERAL User:* *',
  ],
  [[], fetch, 'Fetch false'],
  [
    [group('READ'), denial({ operation: 'DESCRIBE' })],
    heartbeat,
    'ConsumerGroupHeartbeat false DENY Describe Topic * LITERAL User:* *',
  ],
  [
    [group('ALL'), { operation: 'READ' }],
    deleteOffsets,
    'OffsetDelete true ALLOW All Group g LITERAL User:alice *',
  ],
  [
    [group('DELETE'), denial({ operation: 'READ' })],
    deleteOffsets,
    'OffsetDelete false DENY Read Topic * LITERAL User:* *',
  ],
  [
    [denial(cluster('IDEMPOTENT_WRITE'))],
    (call) => call('POST', '/producers', {}),
    'InitProducerId false DENY IdempotentWrite Cluster kafka-cluster LITERAL User:* *',
  ],
]

for (const [bounds, ask, expected] of decided) {
  test(`told is what decided: ${expected} of ${bounds.length}`, async () => {
    const tenants = await createTestTenants({ clock: createVirtualClock() })
    await prepare(tenants.operator)
    for (const bound of bounds) await tenants.operator('POST', '/acls', bind(bound))
    await ask(await tenants.keyOf('User:alice'))
    const own = (await auditEventsOf(tenants)).filter(isOf('User:alice'))
    assert.equal(decisionOf(own.at(-1)), expected)
  })
}

test('operators are told as super users, and a refused look at what was used as well', async () => {
  const tenants = await createTestTenants({ clock: createVirtualClock() })
  await create('orders')(tenants.operator)
  assert.equal((await usage(await tenants.keyOf('User:alice', 'local', ''))).status, 403)
  const events = await auditEventsOf(tenants)
  assert.equal(decisionOf(events.find(isOf('User:operator', 'CreateTopics'))), 'CreateTopics true super user')
  assert.equal(decisionOf(events.find(isOf('User:alice', 'QueryMetrics'))), 'QueryMetrics false')
})

/** A change, and what its event says was asked for and came of it. */
const changes: readonly (readonly [
  string,
  (call: Call) => unknown,
  object | undefined,
  object | undefined,
])[] = [
  [
    'CreatePartitions',
    (call) => call('PATCH', '/topics/there', { partitions_count: 3 }),
    { count: 3, validateOnly: false },
    { changes: [{ name: 'count', oldValue: 1, newValue: 3 }] },
  ],
  [
    'IncrementalAlterConfigs',
    (call) =>
      call('POST', '/topics/there/configs:alter', {
        data: [
          { name: 'retention.ms', value: '5' },
          { name: 'segment.bytes', operation: 'DELETE' },
        ],
      }),
    {
      configs: [
        { name: 'retention.ms', configOperation: 'SET', value: '5' },
        { name: 'segment.bytes', configOperation: 'DELETE', value: null },
      ],
      validateOnly: false,
    },
    {
      changes: [
        { name: 'retention.ms', oldValue: '7', newValue: '5' },
        { name: 'segment.bytes', oldValue: null, newValue: null },
      ],
    },
  ],
  [
    'AlterClientQuotas',
    async (call) => {
      const alter = (value: number | null) =>
        call('POST', '/client-quotas', {
          data: [
            {
              entity: [{ entity_type: 'user', entity_name: 'sa-1' }],
              ops: [{ key: 'producer_byte_rate', value }],
            },
          ],
        })
      await alter(1000)
      await alter(null)
    },
    {
      entries: [{ entity: { user: 'sa-1' }, ops: [{ key: 'producer_byte_rate', value: null }] }],
      validateOnly: false,
    },
    {
      entries: [
        {
          entity: { user: 'sa-1' },
          changes: [{ name: 'producer_byte_rate', oldValue: 1000, newValue: null }],
        },
      ],
    },
  ],
  [
    'DeleteAcls',
    async (call) => {
      await call('POST', '/acls', bind({ operation: 'READ' }))
      const any = 'pattern_type=ANY&operation=ANY&permission=ANY'
      await call('DELETE', `/acls?resource_type=TOPIC&${any}&principal=User:alice`)
    },
    { filter: { resourceType: 'TOPIC', principal: 'User:alice' } },
    {
      matchingAcls: [
        {
          resourceType: 'TOPIC',
          resourceName: '*',
          patternType: 'LITERAL',
          principal: 'User:alice',
          host: '*',
          operation: 'READ',
          permissionType: 'ALLOW',
        },
      ],
    },
  ],
  [
    'AlterUserScramCredentials',
    (call) =>
      call('POST', '/user-scram-credentials:alter', {
        upsertions: [{ user: 'bob', mechanism: 'SCRAM-SHA-256', iterations: 4096, password: 'plum' }],
        deletions: [{ user: 'eve', mechanism: 'SCRAM-SHA-512' }],
      }),
    {
      upsertions: [{ user: 'bob', mechanism: 'SCRAM-SHA-256', iterations: 4096 }],
      deletions: [{ user: 'eve', mechanism: 'SCRAM-SHA-512' }],
    },
    {
      results: [
        { user: 'bob', status: 'SUCCESS' },
        { user: 'eve', status: 'RESOURCE_NOT_FOUND' },
      ],
    },
  ],
  [
    'OffsetCommit',
    (call) =>
      call('POST', '/consumer-groups/g/offsets:reset', {
        to: { earliest: true },
        topics: [{ topic_name: 'there' }],
        dry_run: false,
      }),
    { topics: [{ topicName: 'there' }], target: { kind: 'earliest' }, dryRun: false },
    { offsets: [{ topicName: 'there', partition: 0, oldValue: 0, newValue: 0 }] },
  ],
  [
    'DeleteRecords',
    (call) => call('POST', '/topics/there/partitions/0/records:delete', { before_offset: 0 }),
    { partition: 0, offset: 0 },
    { lowWatermark: 0 },
  ],
  ['DeleteTopics', (call) => call('DELETE', '/topics/there'), undefined, undefined],
]

for (const [method, change, request, result] of changes) {
  test(`${method} tells what it was asked, what was there and what is`, async () => {
    const tenants = await createTestTenants({ clock: createVirtualClock() })
    await prepare(tenants.operator)
    await change(tenants.operator)
    const data = (await auditEventsOf(tenants)).findLast(isOf('User:operator', method))?.data
    assert.deepEqual(data?.request.data, request)
    assert.deepEqual(data?.result.data, result)
  })
}

test('what operators change of a deployment is told with its old and new values, and no secret', async () => {
  const tenants = await createTestTenants({ clock: createVirtualClock() })
  const operator = tenants.callAs(tenants.operatorKey)
  const owner = await tenants.makeAccount('shop')
  const spec = { owner: { id: owner }, resource: { id: 'local' }, expires_at: '2099-01-31T00:00:00Z' }
  const { body: key } = await operator('POST', '/iam/v2/api-keys', { spec })
  await operator('DELETE', `/iam/v2/api-keys/${key.id}`)
  await operator('PATCH', '/cmk/v2/clusters/local', {
    spec: { display_name: 'renamed', limits: { topics: 7 } },
  })
  const told = (await auditEventsOf(tenants))
    .filter(({ type }) => type === 'io.confluent.cloud/request')
    .map(({ data }) => [data.methodName, data.request.data, data.result.data])
  const facts = { owner: `User:${owner}`, resource: 'local', expiresAt: '2099-01-31T00:00:00Z' }
  assert.deepEqual(told, [
    ['CreateAPIKey', facts, { id: key.id }],
    ['DeleteAPIKey', { id: key.id }, facts],
    [
      'UpdateKafkaCluster',
      undefined,
      {
        changes: [
          { name: 'displayName', oldValue: 'local', newValue: 'renamed' },
          { name: 'topics', oldValue: null, newValue: 7 },
        ],
      },
    ],
  ])
})

test('the deletion of a cluster is told to the deployment: its own log goes with it', async () => {
  const tenants = await createTestTenants({ clock: createVirtualClock() })
  await tenants.callAs(tenants.operatorKey)('DELETE', '/cmk/v2/clusters/local')
  await tenants.tenants.idle()
  const [event] = tenants.told.filter(isOf('User:operator', 'DeleteKafkaCluster'))
  assert.deepEqual(event?.data.result, {
    status: 'SUCCESS',
    data: { changes: [{ name: 'state', oldValue: 'ACTIVE', newValue: 'DELETING' }] },
  })
})

test('of a thousand bindings the first are told, and how many more there were', async () => {
  const tenants = await createTestTenants({ clock: createVirtualClock() })
  const data = Array.from({ length: 1000 }, (_, i) =>
    bind({ operation: 'READ', name: `${i}-${'n'.repeat(300)}` }),
  )
  assert.ok((await tenants.operator('POST', '/acls:batch', { data })).status < 300)
  const event = (await auditEventsOf(tenants)).findLast(isOf('User:operator', 'CreateAcls'))
  assert.ok(JSON.stringify(event).length < 10_000)
  const told = JSON.parse(JSON.stringify(event?.data.request.data))
  assert.equal(told.creations.length + told.cut.creations, 1000)
  assert.match(told.creations[0].resourceName, /^0-n{254}…$/)
})

test('facts are bounded however they nest: texts, lists, lists in lists', () => {
  const long = 'x'.repeat(1000)
  assert.deepEqual(bounded({ a: [1, null, true], b: 'c', d: undefined }), {
    a: [1, null, true],
    b: 'c',
    d: undefined,
  })
  assert.equal(
    JSON.stringify(bounded({ filter: { name: long } })).length,
    257 + '{"filter":{"name":""}}'.length,
  )
  assert.deepEqual(bounded({ big: [Array(9000).fill(1)], small: [1] }), {
    big: [],
    small: [],
    cut: { big: 1, small: 1 },
  })
})

test('a caller who is refused again and again leaves room for what is changed', async () => {
  const tenants = await createTestTenants({ clock: createVirtualClock() })
  const alice = await tenants.keyOf('User:alice')
  for (let i = 0; i < 150; i++) assert.equal((await create(`t${i}`)(alice)).status, 403)
  await create('orders')(tenants.operator)
  const events = await auditEventsOf(tenants)
  assert.ok(events.filter(isOf('User:alice', 'CreateTopics')).length <= 100)
  assert.equal(events.filter(isOf('User:operator', 'CreateTopics')).length, 1)
  assert.ok(events.some(isOf('None:AUDIT_LOG')), 'told in the log, and no failure of the service')
})

async function prepare(operator: Call): Promise<void> {
  const configs = [{ name: 'retention.ms', value: '7' }]
  await operator('POST', '/topics', { topic_name: 'there', partitions_count: 1, configs })
  const offsets = [{ topic_name: 'there', partition_id: 0, offset: 0 }]
  await operator('POST', '/consumer-groups/g/offsets:commit', { offsets })
}

const isOf =
  (principal: string, method?: string) =>
  ({ data }: AuditEvent): boolean =>
    data.authenticationInfo.principal === principal &&
    (method === undefined || data.methodName.replace('kafka.', '') === method)

function decisionOf(event: AuditEvent | undefined): string {
  if (event === undefined || !('authorizationInfo' in event.data)) return 'none'
  const { methodName, authorizationInfo } = event.data
  const by = 'aclAuthorization' in authorizationInfo ? Object.values(authorizationInfo.aclAuthorization) : []
  const isSuper = 'superUserAuthorization' in authorizationInfo
  const words = [
    methodName.replace('kafka.', ''),
    authorizationInfo.granted,
    ...(isSuper ? ['super user'] : by),
  ]
  return words.join(' ')
}
