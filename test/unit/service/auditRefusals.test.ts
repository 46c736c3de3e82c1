// The audit log where operators look into a cluster or have it compacted, and where what is wanted is suspended: who
// did it or wanted to, and that a caller who is refused again and again is told of once a second.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditEvent } from '../../../shared/service/auditEvent.ts'
import { auditEventsOf } from '../../support/auditEvents.ts'
import { createTopic, record } from '../../support/logTools.ts'
import { authorizationOf, createTestTenants } from '../../support/testTenants.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

const wordsOf = ({ source, subject, data }: AuditEvent): string =>
  [data.methodName, data.authenticationInfo.principal, subject.slice(source.length), data.result.status].join(
    ' ',
  )

const told = (events: readonly AuditEvent[], name: RegExp) =>
  events.filter(({ data }) => name.test(data.methodName))

test('who compacts, verifies or dumps a cluster is told there, with what for and by which right', async () => {
  const tenants = await createTestTenants({ clock: createVirtualClock() })
  const { operator, deps } = tenants
  const cluster = tenants.tenants.pool.get('local')
  await createTopic(cluster, 't', 1, { 'millrace.write.path': 's3' })
  await cluster.produceRecords('t', [record('nobodys-business')])
  await cluster.idle()
  const [{ name } = { name: '' }] = (await deps.objects.list('local/log/', { limit: 10 })).objects
  await operator('GET', '/compaction')
  assert.equal((await operator('POST', '/compaction:run', { topic_name: 't', dry_run: true })).status, 200)
  assert.equal((await operator('POST', '/compaction:run', { topic_name: 't' })).status, 200)
  const headers = { authorization: authorizationOf(tenants.operatorKey) }
  const lines = async (method: string, path: string) => {
    const answer = await tenants.app.request(`/v3/clusters/local${path}`, { method, headers })
    return `${answer.status} ${await answer.text()}`
  }
  assert.match(await lines('POST', '/compaction:verify'), /^200 .*"summary"/s)
  const dump = '/compaction:dump?print_data=true&object_name='
  assert.match(await lines('GET', `${dump}${encodeURIComponent(name)}`), /^200 .*nobodys-business/s)
  assert.match(await lines('GET', `${dump}${'0'.repeat(32)}`), /^404 /)
  assert.match(await lines('GET', `${dump}what`), /^400 /)
  const all = await auditEventsOf(tenants)
  assert.ok(!/nobodys-business|bm9ib2R5/.test(JSON.stringify(all)))
  const events = told(all, /RunCompaction|VerifyStorage|DumpObject/)
  assert.deepEqual(events.map(wordsOf), [
    'kafka.RunCompaction User:operator  SUCCESS',
    'kafka.RunCompaction User:operator  SUCCESS',
    'kafka.VerifyStorage User:operator  SUCCESS',
    'kafka.DumpObject User:operator  SUCCESS',
    'kafka.DumpObject User:operator  SUCCESS',
    'kafka.DumpObject User:operator  BAD_REQUEST',
  ])
  for (const { type, data } of events) {
    assert.equal(type, 'io.confluent.kafka.server/authorization')
    const info = 'authorizationInfo' in data ? data.authorizationInfo : undefined
    assert.deepEqual([info?.granted, info && 'superUserAuthorization' in info], [true, true])
  }
  const [dry, run, verified, dumped, absent] = events.map(({ data }) => [data.request, data.result])
  assert.deepEqual(dry?.[0], { ...dry?.[0], data: { topicName: 't', collect: false, dryRun: true } })
  assert.deepEqual(run?.[1], {
    status: 'SUCCESS',
    data: { unfinished: false, segmentsWritten: 1, recordsDropped: 0, objectsDeleted: 0, itemsDeleted: 0 },
  })
  assert.deepEqual(verified?.[1], {
    status: 'SUCCESS',
    data: { unfinished: false, dangling: 0, overlap: 0, hole: 0, orphan: 0 },
  })
  assert.deepEqual(dumped?.[0], { ...dumped?.[0], data: { objectName: name } })
  assert.deepEqual(dumped?.[1], { status: 'SUCCESS', data: { objectName: name } })
  assert.deepEqual(absent?.[1], { status: 'SUCCESS', data: { objectName: null } })
})

test('who wants to compact a cluster or look into it and is no operator is told there', async () => {
  const tenants = await createTestTenants({ clock: createVirtualClock() })
  const alice = await tenants.keyOf('User:alice')
  assert.equal((await alice('POST', '/compaction:run', {})).status, 404)
  assert.equal((await alice('POST', '/compaction:verify')).status, 404)
  assert.deepEqual(told(await auditEventsOf(tenants), /Authorize/).map(wordsOf), [
    'Authorize User:alice /operator PERMISSION_DENIED',
    'Authorize User:alice /operator PERMISSION_DENIED',
  ])
})

test('whoever wants a suspended cluster is told there once a second, and where it was at it already', async () => {
  const clock = createVirtualClock()
  const tenants = await createTestTenants({ clock })
  const { operator, keyOf, callAs, operatorKey } = tenants
  const alice = await keyOf('User:alice')
  await operator('POST', '/topics', { topic_name: 't' })
  const allowed = { resource_type: 'TOPIC', resource_name: 't', pattern_type: 'LITERAL', host: '*' }
  await operator('POST', '/acls', {
    ...allowed,
    principal: 'User:alice',
    operation: 'READ',
    permission: 'ALLOW',
  })
  clock.advance(5000)
  const waiting = alice('GET', '/topics/t/partitions/0/records?offset=0&timeout=1000')
  await new Promise(setImmediate)
  await callAs(operatorKey)('POST', '/cmk/v2/clusters/local/suspend')
  clock.advance(5000)
  assert.equal((await waiting).status, 403)
  for (let i = 0; i < 5; i++) assert.equal((await alice('GET', '/topics')).status, 403)
  const count = { aggregations: [{ metric: 'io.confluent.kafka.server/request_count' }], granularity: 'ALL' }
  const filter = { field: 'resource.kafka.id', op: 'EQ', value: 'local' }
  const intervals = ['2023-11-14T00:00:00Z/2023-11-15T00:00:00Z']
  const usage = await (await keyOf('User:alice', 'local', ''))('POST', '/v2/metrics/cloud/query', {
    ...{ ...count, filter, intervals },
  })
  assert.equal(usage.status, 403)
  const refusals = (await auditEventsOf(tenants)).filter(
    ({ data }) => data.result.status === 'PERMISSION_DENIED',
  )
  assert.deepEqual(refusals.map(wordsOf), [
    'kafka.Fetch User:alice  PERMISSION_DENIED',
    'kafka.Authorize User:alice  PERMISSION_DENIED',
    'kafka.QueryMetrics User:alice  PERMISSION_DENIED',
  ])
})

test('whoever calls with the own key of an organisation that is suspended is told once a second', async () => {
  const clock = createVirtualClock()
  const tenants = await createTestTenants({ clock })
  const { callAs, operatorKey } = tenants
  const admin = callAs(await tenants.makeOrganisationKey())
  await callAs(operatorKey)('POST', '/org/v2/organizations/org-default/suspend')
  clock.advance(5000)
  const refused = async () => {
    for (let i = 0; i < 5; i++) assert.equal((await admin('GET', '/cmk/v2/clusters')).status, 403)
    await tenants.tenants.idle()
    return told(tenants.told, /Authorize/).map(wordsOf)
  }
  const line = 'Authorize User:admin organization=org-default PERMISSION_DENIED'
  assert.deepEqual(await refused(), [line])
  clock.advance(1000)
  assert.deepEqual(await refused(), [line, line])
})
