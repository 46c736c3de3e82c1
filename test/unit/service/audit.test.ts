// The audit log: what is told and what is not, in which shape, where it goes, and that nobody waits for it or can
// change it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemRandom } from '../../../shared/runtime/clock.ts'
import type { AuditEntry, AuditEvent } from '../../../shared/service/auditEvent.ts'
import { createAuditLog, weightMax } from '../../../shared/service/auditLog.ts'
import { auditTopicName } from '../../../shared/topics/names.ts'
import { auditEventsOf } from '../../support/auditEvents.ts'
import type { Call } from '../../support/call.ts'
import { createTestCluster } from '../../support/testCluster.ts'
import { authorizationOf, createTestTenants } from '../../support/testTenants.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

const summary = ({ type, subject, data }: AuditEvent): string =>
  [
    type.replace('io.confluent.', ''),
    data.methodName,
    data.authenticationInfo.principal,
    subject,
    'authorizationInfo' in data ? data.authorizationInfo.granted : '',
    data.result.status,
  ].join(' ')

const operationOf = (event: AuditEvent): string => summary(event).replace('kafka.server/authorization ', '')

const createTopic = (call: Call, name: string) => call('POST', '/topics', { topic_name: name })
const allow = (operation: string, resourceName = '*', resourceType = 'TOPIC') => ({
  resource_type: resourceType,
  resource_name: resourceName,
  pattern_type: 'LITERAL',
  principal: 'User:alice',
  host: '*',
  operation,
  permission: 'ALLOW',
})

test('changes are told with what came of them, refusals of everything, production and fetching not', async () => {
  const tenants = await createTestTenants({ clock: createVirtualClock() })
  const { operator, keyOf } = tenants
  const alice = await keyOf('User:alice')
  await operator('POST', '/acls', allow('WRITE', 'orders'))
  await createTopic(operator, 'orders')
  await createTopic(operator, 'orders')
  assert.equal(
    (await alice('POST', '/topics/orders/records', { value: { type: 'JSON', data: 'pear' } })).status,
    200,
  )
  assert.equal((await createTopic(alice, 'mine')).status, 403)
  assert.equal((await alice('GET', '/topics/orders/partitions/0/records?offset=0')).status, 403)
  assert.equal((await alice('GET', '/acls')).status, 403)
  const weak = { user: 'bob', mechanism: 'SCRAM-SHA-256', iterations: 1, password: 'plum' }
  await operator('POST', '/user-scram-credentials:alter', { upsertions: [weak] })
  const events = await auditEventsOf(tenants)
  assert.ok(!/pear|plum/.test(JSON.stringify(events)))
  assert.deepEqual(events.filter(({ type }) => type.endsWith('authorization')).map(operationOf), [
    'kafka.CreateAcls User:operator crn:///kafka=local true SUCCESS',
    'kafka.CreateTopics User:operator crn:///kafka=local/topic=orders true SUCCESS',
    'kafka.CreateTopics User:operator crn:///kafka=local/topic=orders true TOPIC_ALREADY_EXISTS',
    'kafka.CreateTopics User:alice crn:///kafka=local/topic=mine false PERMISSION_DENIED',
    'kafka.Fetch User:alice crn:///kafka=local/topic=orders false PERMISSION_DENIED',
    'kafka.DescribeAcls User:alice crn:///kafka=local false PERMISSION_DENIED',
    'kafka.AlterUserScramCredentials User:operator crn:///kafka=local true UNACCEPTABLE_CREDENTIAL',
  ])
})

test('an event is a CloudEvent as Confluent shapes it', async () => {
  const tenants = await createTestTenants({ clock: createVirtualClock() })
  const alice = await tenants.keyOf('User:alice')
  const headers = { 'x-request-id': 'r-1', 'client-id': 'curl/8' }
  await alice('DELETE', '/topics/orders', undefined, headers)
  const event = (await auditEventsOf(tenants)).find(({ data }) => data.methodName === 'kafka.DeleteTopics')
  assert.ok(event)
  const { id, time, data, ...context } = event
  assert.match(id, /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/)
  assert.deepEqual(context, {
    specversion: '1.0',
    source: 'crn:///kafka=local',
    subject: 'crn:///kafka=local/topic=orders',
    type: 'io.confluent.kafka.server/authorization',
    datacontenttype: 'application/json',
  })
  const { identifier } = data.authenticationInfo.metadata
  assert.match(identifier, /^[A-Z2-7]{16}$/)
  assert.deepEqual(data, {
    serviceName: 'crn:///kafka=local',
    methodName: 'kafka.DeleteTopics',
    resourceName: 'crn:///kafka=local/topic=orders',
    authenticationInfo: { principal: 'User:alice', metadata: { mechanism: 'HTTP/BASIC', identifier } },
    authorizationInfo: {
      granted: false,
      operation: 'Delete',
      resourceType: 'Topic',
      resourceName: 'orders',
      patternType: 'LITERAL',
    },
    request: { correlationId: 'r-1', clientId: 'curl/8' },
    requestMetadata: { clientAddress: [{ ip: '' }] },
    result: { status: 'PERMISSION_DENIED' },
  })
})

test('who gets in and who does not is told, to whom it concerns, and never with the secret', async () => {
  const tenants = await createTestTenants({ clock: createVirtualClock() })
  const {
    app,
    tenants: { apiKeys },
    told,
    callAs,
  } = tenants
  const wanted = { clusterId: 'local', owner: 'User:alice', description: '', expiresMs: undefined }
  const { key, secret } = await apiKeys.create(wanted)
  const good = callAs({ id: key.keyId, secret }, '/v3/clusters/local')
  for (let i = 0; i < 3; i++) await good('GET', '/topics')
  const wrong = `${secret.slice(0, -1)}!`
  for (let i = 0; i < 3; i++) await callAs({ id: key.keyId, secret: wrong })('GET', '/v3/clusters')
  await callAs({ id: secret, secret: 'swapped' })('GET', '/v3/clusters')
  await app.request('/v3/clusters', { headers: { authorization: `Bearer ${secret}` } })
  await app.request('/v3/clusters')
  const events = (await auditEventsOf(tenants)).filter(({ type }) => type.endsWith('authentication'))
  const shown = events.map(summary).filter((line) => !line.includes('operator'))
  assert.deepEqual(shown, [
    'kafka.server/authentication kafka.Authentication User:alice crn:///kafka=local  SUCCESS',
    'kafka.server/authentication kafka.Authentication None:UNKNOWN_USER crn:///kafka=local  UNAUTHENTICATED',
  ])
  assert.equal(events.at(-1)?.data.authenticationInfo.metadata.identifier, key.keyId)
  const refused = told.filter(({ data }) => data.result.status === 'UNAUTHENTICATED')
  assert.equal(refused.length, 1, 'once a second from one address')
  assert.ok(!JSON.stringify([...events, ...told]).includes(secret.slice(0, 20)))
})

test('whoever tries a key that is known from many addresses is told once a second', async () => {
  const tenants = await createTestTenants({ clock: createVirtualClock() })
  const { id } = await tenants.makeKey('local', 'User:alice')
  const authorization = authorizationOf({ id, secret: 'wrong' })
  for (let i = 0; i < 50; i++) {
    const request = new Request('http://localhost/v3/clusters', { headers: { authorization } })
    await assert.rejects(tenants.tenants.authenticate(request, `10.0.0.${i}`, 'r'), {
      code: 'UNAUTHENTICATED',
    })
  }
  const events = await auditEventsOf(tenants)
  const refused = events.filter(({ data }) => data.result.status === 'UNAUTHENTICATED')
  assert.equal(refused.length, 1)
})

test('what operators change is told to the cluster it is about, or to the deployment', async () => {
  const tenants = await createTestTenants({ clock: createVirtualClock() })
  const { callAs, operatorKey, told } = tenants
  const operator = callAs(operatorKey)
  const owner = { id: await tenants.makeAccount('shop') }
  const made = await operator('POST', '/iam/v2/api-keys', { spec: { owner, resource: { id: 'local' } } })
  await operator('DELETE', `/iam/v2/api-keys/${made.body.id}`)
  await operator('POST', '/iam/v2/service-accounts', { display_name: 'billing' })
  await operator('POST', '/cmk/v2/clusters/local/suspend')
  const events = await auditEventsOf(tenants)
  const requests = events.filter(({ type }) => type === 'io.confluent.cloud/request')
  assert.deepEqual(requests.map(summary), [
    `cloud/request CreateAPIKey User:operator crn:///kafka=local/api-key=${made.body.id}  SUCCESS`,
    `cloud/request DeleteAPIKey User:operator crn:///kafka=local/api-key=${made.body.id}  SUCCESS`,
    'cloud/request UpdateKafkaCluster User:operator crn:///kafka=local/kafka=local/state=SUSPENDED  SUCCESS',
  ])
  const alice = await tenants.makeKey('local', 'User:alice')
  await operator('POST', '/cmk/v2/clusters/local/resume')
  assert.equal((await callAs(alice)('DELETE', '/cmk/v2/clusters/local')).status, 403)
  assert.equal(
    (await auditEventsOf(tenants)).map(summary).at(-1),
    'cloud/request Authorize User:alice crn:///kafka=local/operator  PERMISSION_DENIED',
  )
  assert.ok(told.some(({ data }) => data.methodName === 'CreateServiceAccount'))
  assert.ok(!JSON.stringify([events, told]).includes(made.body.spec.secret))
})

test('nobody writes to the log or takes its place, and only who rules the cluster reads it', async () => {
  const tenants = await createTestTenants({ clock: createVirtualClock() })
  const { operator, keyOf } = tenants
  const alice = await keyOf('User:alice')
  for (const operation of ['ALL']) await operator('POST', '/acls', allow(operation))
  await operator('POST', '/acls', allow('CREATE', 'kafka-cluster', 'CLUSTER'))
  await tenants.tenants.idle()
  const log = `/topics/${auditTopicName}`
  const record = { value: { type: 'JSON', data: 1 } }
  const writes: readonly (readonly [Call, string, string, unknown?])[] = [operator, alice].flatMap((call) => [
    [call, 'POST', `${log}/records`, record] as const,
    [call, 'DELETE', log] as const,
    [call, 'POST', '/topics', { topic_name: '__audit.log_events' }] as const,
    [call, 'POST', `${log}/configs:alter`, { data: [{ name: 'retention.ms', value: '1' }] }] as const,
    [call, 'PATCH', log, { partitions_count: 2 }] as const,
  ])
  for (const [call, method, path, body] of writes) {
    assert.equal((await call(method, path, body)).status, 403, `${method} ${path}`)
  }
  assert.equal((await alice('GET', log)).status, 403)
  assert.equal((await alice('GET', `${log}/partitions/0/records?offset=0`)).status, 403)
  const shown = await operator('GET', log)
  assert.equal(shown.body.is_internal, true)
  const retention = await operator('GET', `${log}/configs/retention.ms`)
  assert.equal(retention.body.value, String(7 * 24 * 3600_000))
  await operator('POST', '/acls', allow('ALTER', 'kafka-cluster', 'CLUSTER'))
  assert.equal((await alice('GET', `${log}/partitions/0/records?offset=0`)).status, 200)
  assert.equal((await alice('DELETE', log)).status, 403)
})

const entry: AuditEntry = {
  kind: 'authentication',
  clusterId: 'lkc-1',
  method: 'Authentication',
  caller: {
    principal: 'User:alice',
    credentialId: 'A',
    mechanism: 'HTTP/BASIC',
    host: '127.0.0.1',
    requestId: 'r',
    clientId: 'c'.repeat(10_000),
  },
  status: 'SUCCESS',
}

function createLog(isThere = true) {
  const reported: unknown[] = []
  const told: AuditEvent[] = []
  const cluster = createTestCluster()
  const log = createAuditLog({
    clock: createVirtualClock(),
    random: systemRandom,
    cluster: () => cluster,
    isThere: () => Promise.resolve(isThere),
    tell: (event) => told.push(event),
    reportBackgroundFailure: (error) => reported.push(error),
  })
  const stored = async () => {
    await log.idle()
    const { offset } = await cluster.listOffsets(auditTopicName, 0, { kind: 'latest' })
    return offset
  }
  return { log, cluster, told, reported, stored }
}

test('events wait a moment for each other, and go without being waited for', async () => {
  const { log, cluster, stored, reported } = createLog()
  for (let i = 0; i < 700; i++) log.note(entry)
  await assert.rejects(cluster.describeTopic(auditTopicName))
  assert.equal(await stored(), 700)
  log.note(entry)
  assert.equal(await stored(), 701)
  assert.deepEqual(reported, [])
})

test('what finds no room is counted, reported, and told in the log', async () => {
  const { log, cluster, reported, stored } = createLog()
  for (let i = 0; i < 1500; i++) log.note(entry)
  assert.equal(await stored(), 1001)
  assert.match(String(reported), /500 events of the audit log of lkc-1 were dropped/)
  const fetched = await cluster.fetch({
    topicName: auditTopicName,
    partitions: [{ partition: 0, offset: 1000, maxBytes: 1 }],
    maxBytes: 1,
    minBytes: 1,
    maxWaitMs: 0,
  })
  assert.match(Buffer.concat(fetched.flatMap(({ batches }) => batches)).toString(), /dropped=500/)
})

test('a cluster that is slow to store takes no room of others, and its events keep their order', async () => {
  const clock = createVirtualClock()
  const cluster = createTestCluster()
  const stored = Promise.withResolvers<void>()
  let appends = 0
  const reported: string[] = []
  const log = createAuditLog({
    clock,
    random: systemRandom,
    cluster: () => ({
      createTopic: cluster.createTopic,
      async produceRecords(...given) {
        if (appends++ === 0) await stored.promise
        return cluster.produceRecords(...given)
      },
    }),
    isThere: () => Promise.resolve(true),
    tell: () => undefined,
    reportBackgroundFailure: (error) => reported.push(String(error)),
  })
  const noteAll = () => {
    for (let i = 0; i < 1000; i++) log.note({ ...entry, method: `Round${round}` })
  }
  let round = 0
  for (; round < 4; round++) {
    noteAll()
    await clock.sleep(1001)
  }
  stored.resolve()
  await log.idle()
  const { offset } = await cluster.listOffsets(auditTopicName, 0, { kind: 'latest' })
  assert.equal(offset, 2001)
  assert.match(reported.join(), /2000 events of the audit log of lkc-1 were dropped/)
})

test('all logs together hold a bounded number of events, and many noisy ones leave room for a quiet one', async () => {
  const { log, told, reported } = createLog(false)
  const noisy = Array.from({ length: 30 }, (_, i) => `lkc-${i}`)
  for (let i = 0; i < 1000; i++) for (const clusterId of noisy) log.note({ ...entry, clusterId })
  for (let i = 0; i < 10; i++) log.note({ ...entry, clusterId: 'quiet' })
  await log.idle()
  assert.equal(reported.length, noisy.length)
  const byCluster = Map.groupBy(told, ({ source }) => source)
  assert.equal(byCluster.get('crn:///kafka=quiet')?.length, 10)
  assert.ok(told.length <= weightMax + noisy.length, `${told.length}`)
})

test('a cluster that is being deleted gets no log any more, and one that cannot store is reported', async () => {
  const gone = createLog(false)
  gone.log.note(entry)
  await gone.log.idle()
  await assert.rejects(gone.cluster.describeTopic(auditTopicName))
  const reported: unknown[] = []
  const failing = createAuditLog({
    clock: createVirtualClock(),
    random: systemRandom,
    cluster: () => {
      throw new Error('no storage')
    },
    isThere: () => Promise.resolve(true),
    tell: () => undefined,
    reportBackgroundFailure: (error) => reported.push(String(error)),
  })
  failing.note(entry)
  await failing.idle()
  assert.deepEqual(reported, ['Error: no storage', 'Error: 1 events of the audit log of lkc-1 were dropped'])
})
