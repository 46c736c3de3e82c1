// Each call asks for the rights that Kafka names for it and for no others: of each, one after the other, the caller is
// deprived, and has all the rest.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KafkaError } from '../../../shared/base/errors.ts'
import { newInstance } from '../../../shared/groups/instance.ts'
import type { Rights } from '../../../shared/service/ask.ts'
import { createAuthorizedCluster } from '../../../shared/service/authorizedCluster.ts'
import type { Cluster } from '../../../shared/service/cluster.ts'
import { openTenantCluster } from '../../../shared/service/tenantCluster.ts'
import { createTestTenants } from '../../support/testTenants.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

interface Row {
  readonly call: (cluster: Cluster) => unknown
  /** All of them; of an inner list any one will do. */
  readonly asks: readonly (string | readonly string[])[]
  /** The rights without which something is left out of the answer, or refused by itself. */
  readonly leavesOut?: readonly string[]
}

const topic = { name: 'made', partitionCount: 1, configs: [], validateOnly: true }
const place = { topicName: 't', partition: 0 }
const offset = { ...place, offset: 0, leaderEpoch: -1, metadata: '' }
const id = { groupId: 'g', name: 'i' }
const member = { memberId: 'm', memberEpoch: 0, rebalanceTimeoutMs: 1, topicPartitions: [] }
const heartbeat = { ...member, groupId: 'joined', clientId: '', clientHost: '', subscribedTopicNames: ['t'] }
const settings = {
  dialect: 'confluent',
  format: 'json',
  autoOffsetReset: 'earliest',
  autoCommit: false,
  fetchMinBytes: 1,
  requestTimeoutMs: 0,
} as const
const instance = { ...newInstance(settings, 'm', createVirtualClock().now()), topics: ['t'] }
const record = { key: null, value: null, headers: [] }
const wholeFetch = { topicName: 't', partitions: [], maxBytes: 1, minBytes: 0, maxWaitMs: 0 }
const reset = {
  groupId: 'g',
  topics: [{ topicName: 't' }],
  target: { kind: 'earliest' },
  dryRun: true,
} as const

const ofCluster: Readonly<Record<string, Row>> = {
  createTopic: { call: (c) => c.createTopic(topic), asks: [['CREATE CLUSTER', 'CREATE TOPIC made']] },
  listTopics: { call: (c) => c.listTopics(), asks: ['DESCRIBE TOPIC t'], leavesOut: ['DESCRIBE TOPIC t'] },
  describeTopic: { call: (c) => c.describeTopic('t'), asks: ['DESCRIBE TOPIC t'] },
  deleteTopic: { call: (c) => c.deleteTopic('none'), asks: ['DELETE TOPIC none'] },
  createPartitions: { call: (c) => c.createPartitions('t', 2, true), asks: ['ALTER TOPIC t'] },
  describeConfigs: { call: (c) => c.describeConfigs('t'), asks: ['DESCRIBE_CONFIGS TOPIC t'] },
  listConfigs: {
    call: (c) => c.listConfigs(),
    asks: ['DESCRIBE_CONFIGS TOPIC t'],
    leavesOut: ['DESCRIBE_CONFIGS TOPIC t'],
  },
  alterConfigs: { call: (c) => c.alterConfigs('t', [], true), asks: ['ALTER_CONFIGS TOPIC t'] },
  defaultConfigs: { call: (c) => c.defaultConfigs(), asks: [] },
  admitProduce: { call: (c) => c.admitProduce('t'), asks: ['WRITE TOPIC t'] },
  produceRecords: { call: (c) => c.produceRecords('t', [record]), asks: ['WRITE TOPIC t'] },
  produceBatches: { call: (c) => c.produceBatches('t', 0, new Uint8Array()), asks: ['WRITE TOPIC t'] },
  initProducer: { call: (c) => c.initProducer(), asks: [['IDEMPOTENT_WRITE CLUSTER', 'WRITE TOPIC']] },
  fetch: { call: (c) => c.fetch(wholeFetch), asks: ['READ TOPIC t'] },
  listOffsets: { call: (c) => c.listOffsets('t', 0, { kind: 'latest' }), asks: ['DESCRIBE TOPIC t'] },
  deleteRecords: { call: (c) => c.deleteRecords('t', 0, 0), asks: ['DELETE TOPIC t'] },
  usage: { call: (c) => c.usage?.(0, 1), asks: ['DESCRIBE CLUSTER'] },
}

const ofGroups: Readonly<Record<string, Row>> = {
  heartbeat: { call: (c) => c.groups.heartbeat(heartbeat), asks: ['READ GROUP joined', 'DESCRIBE TOPIC t'] },
  listGroups: {
    call: (c) => c.groups.listGroups(),
    asks: [['DESCRIBE CLUSTER', 'DESCRIBE GROUP g', 'DESCRIBE GROUP joined'], 'DESCRIBE TOPIC t'],
    leavesOut: ['DESCRIBE CLUSTER', 'DESCRIBE TOPIC t'],
  },
  describeGroup: { call: (c) => c.groups.describeGroup('g'), asks: ['DESCRIBE GROUP g'] },
  deleteGroup: { call: (c) => c.groups.deleteGroup('none'), asks: ['DELETE GROUP none'] },
  commitOffsets: {
    call: (c) => c.groups.commitOffsets('g', undefined, [offset]),
    asks: ['READ GROUP g', 'READ TOPIC t'],
    leavesOut: ['READ TOPIC t'],
  },
  committedOffsets: {
    call: (c) => c.groups.committedOffsets('g', undefined, [place]),
    asks: ['DESCRIBE GROUP g', 'DESCRIBE TOPIC t'],
  },
  deleteOffsets: {
    call: (c) => c.groups.deleteOffsets('g', []),
    asks: ['DELETE GROUP g'],
  },
  resetOffsets: { call: (c) => c.groups.resetOffsets(reset), asks: ['READ GROUP g', 'READ TOPIC t'] },
  lags: {
    call: (c) => c.groups.lags('g'),
    asks: ['DESCRIBE GROUP g', 'DESCRIBE TOPIC t'],
    leavesOut: ['DESCRIBE TOPIC t'],
  },
}

const ofInstances: Readonly<Record<string, Row>> = {
  create: { call: (c) => c.instances.create(id, instance), asks: ['READ GROUP g'] },
  read: {
    call: (c) => c.instances.read({ ...id, name: 'there' }),
    asks: ['READ GROUP g', 'DESCRIBE TOPIC t'],
    leavesOut: ['DESCRIBE TOPIC t'],
  },
  update: {
    call: (c) =>
      c.instances.update({ ...id, name: 'there' }, async (now) => ({ instance: now, result: undefined })),
    asks: ['READ GROUP g', 'DESCRIBE TOPIC t'],
  },
  delete: {
    call: (c) => c.instances.delete({ ...id, name: 'none' }, async () => {}),
    asks: ['READ GROUP g'],
  },
}

const ofRest: Readonly<Record<string, Readonly<Record<string, Row>>>> = {
  acls: {
    list: { call: (c) => c.acls?.list({}), asks: ['DESCRIBE CLUSTER'] },
    create: { call: (c) => c.acls?.create([]), asks: ['ALTER CLUSTER'] },
    delete: { call: (c) => c.acls?.delete({ principal: 'User:x' }), asks: ['ALTER CLUSTER'] },
  },
  scram: {
    describe: { call: (c) => c.scram.describe(), asks: ['DESCRIBE CLUSTER'] },
    alter: { call: (c) => c.scram.alter([], []), asks: ['ALTER CLUSTER'] },
  },
  clientQuotas: {
    describe: {
      call: (c) => c.clientQuotas?.describe({ strict: false }),
      asks: ['DESCRIBE_CONFIGS CLUSTER'],
    },
    alter: { call: (c) => c.clientQuotas?.alter([], true), asks: ['ALTER_CONFIGS CLUSTER'] },
  },
}

const parts: Readonly<Record<string, Readonly<Record<string, Row>>>> = {
  ...ofRest,
  groups: ofGroups,
  instances: ofInstances,
}

async function start() {
  const { tenants, operator, deps } = await createTestTenants({ clock: createVirtualClock() })
  const offsets = [{ topic_name: 't', partition_id: 0, offset: 0 }]
  await operator('POST', '/topics', { topic_name: 't' })
  await operator('POST', '/consumer-groups/g/offsets:commit', { offsets })
  const nobody = { principal: 'User:x', clientId: '', limits: undefined }
  const { cluster: inner } = openTenantCluster(deps, tenants.pool.tenant('local'), nobody)
  await inner.instances.create({ ...id, name: 'there' }, instance)
  /** `denied`: those of the caller's rights that it has not; the rest it has. */
  return (denied: readonly string[], asked: Set<string> = new Set()): Cluster => {
    const isAllowed = (right: string): boolean => {
      asked.add(right)
      return !denied.includes(right)
    }
    const rights: Rights = {
      decide: (operation, { type, name }) =>
        isAllowed(`${operation} ${type}${type === 'CLUSTER' ? '' : ` ${name}`}`) ? 'SUPER_USER' : undefined,
      isAllowedSomewhere: (operation, type) => isAllowed(`${operation} ${type}`),
      renewed: () => Promise.resolve(rights),
    }
    return createAuthorizedCluster(inner, rights)
  }
}

const rows = Object.entries({ ...parts, cluster: ofCluster }).flatMap(([part, calls]) =>
  Object.entries(calls).map(([name, row]) => [`${part}.${name}`, row] as const),
)

test('every call of a cluster has a row', async () => {
  const cluster = (await start())([])
  const names = (part: object) =>
    Object.entries(part).flatMap(([name, value]) => (typeof value === 'function' ? [name] : []))
  assert.deepEqual(Object.keys(ofCluster).sort(), names(cluster).sort())
  for (const [part, calls] of Object.entries(parts)) {
    assert.deepEqual(Object.keys(calls).sort(), names(Reflect.get(cluster, part)).sort(), part)
  }
})

test('a call asks for its rights and for no others', async () => {
  const callerWithout = await start()
  for (const [name, { call, asks }] of rows) {
    const asked = new Set<string>()
    const outcome = await outcomeOf(() => call(callerWithout([], asked)))
    assert.ok(!isRefusal(outcome), `${name}: ${outcome}`)
    const documented = asks.flat()
    const beyond = [...asked].filter((right) => !documented.includes(right) && !isOfAuditLog(right))
    assert.deepEqual(beyond, [], name)
    assert.ok(
      asks.every((need) => [need].flat().some((right) => asked.has(right))),
      name,
    )
  }
})

test('a call is refused where one of its rights is missing and all others are there', async () => {
  const callerWithout = await start()
  for (const [name, { call, asks, leavesOut = [] }] of rows) {
    for (const need of asks) {
      const missing = [need].flat()
      const whole = await outcomeOf(() => call(callerWithout([])))
      const outcome = await outcomeOf(() => call(callerWithout(missing)))
      if (missing.some((right) => leavesOut.includes(right)))
        assert.notDeepEqual(outcome, whole, `${name} ${missing}`)
      else assert.ok(isRefusal(outcome), `${name} without ${missing}: ${outcome}`)
    }
  }
})

/** The topic that the deployment itself has made. */
const isOfAuditLog = (right: string): boolean => /__audit_log_events$|^ALTER CLUSTER$/.test(right)

async function outcomeOf(call: () => unknown): Promise<unknown> {
  try {
    return await call()
  } catch (error) {
    return error
  }
}

const isRefusal = (outcome: unknown): boolean =>
  outcome instanceof KafkaError && outcome.code.endsWith('_AUTHORIZATION_FAILED')
