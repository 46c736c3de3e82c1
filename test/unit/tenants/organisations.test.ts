// Organisations from their making to their end, and how many clusters they may have, whoever makes them at once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../../shared/base/limits.ts'
import { systemRandom } from '../../../shared/runtime/clock.ts'
import { createClusterRegistry } from '../../../shared/tenants/clusters.ts'
import { eraseCluster } from '../../../shared/tenants/eraseCluster.ts'
import { createOrganisations } from '../../../shared/tenants/organisations.ts'
import { createServiceAccounts } from '../../../shared/tenants/serviceAccounts.ts'
import { withFaults } from '../../support/faultyTable.ts'
import { memoryPorts } from '../../support/testCluster.ts'
import { createTestTenants } from '../../support/testTenants.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

async function start() {
  const clock = createVirtualClock(1_000_000)
  const world = await createTestTenants({ clock })
  const operator = world.callAs(world.operatorKey)
  const { id } = (await operator('POST', '/org/v2/organizations', { display_name: 'shop' })).body
  const organisation = world.callAs(await world.makeOrganisationKey(id))
  const make = async () => organisation('POST', '/cmk/v2/clusters', { spec: { display_name: 'c' } })
  return { ...world, clock, operator, id, path: `/org/v2/organizations/${id}`, organisation, make }
}

test('an organisation is made, renamed, limited, listed and deleted', async () => {
  const { operator, organisation, id, path } = await start()
  assert.match(id, /^org-[a-z2-7]{10}$/)
  const patched = await operator('PATCH', path, { display_name: 'market', limits: { clusters: 3 } })
  assert.equal(patched.body.display_name, 'market')
  const shown = (await organisation('GET', path)).body
  assert.deepEqual(shown, patched.body)
  assert.deepEqual(shown.limits, { clusters: 3, service_accounts: 1000, api_keys: 100 })
  const idsOf = async (call: typeof operator) =>
    (await call('GET', '/org/v2/organizations')).body.data.map((one: { id: string }) => one.id)
  assert.deepEqual(await idsOf(organisation), [id])
  assert.deepEqual(new Set(await idsOf(operator)), new Set(['org-1', 'org-default', id]))
  const wrong = await operator('PATCH', path, { limits: { topics: 3 } })
  assert.deepEqual([wrong.status, wrong.body.message], [400, 'There is no limit topics.'])
  assert.equal((await operator('DELETE', path)).status, 204)
  for (const [method, rest] of [
    ['GET', ''],
    ['DELETE', ''],
    ['POST', '/suspend'],
  ] as const) {
    assert.equal((await operator(method, path + rest)).status, 404)
  }
})

test('an organisation makes as many clusters as it may, also at once, and more when the operator says so', async () => {
  const { operator, organisation, path, make } = await start()
  const statuses = async (count: number) =>
    (await Promise.all(Array.from({ length: count }, make))).map(({ status }) => status).sort()
  assert.deepEqual(await statuses(12), [...Array.from({ length: 10 }, () => 202), 400, 400])
  assert.match((await make()).body.message, /The limit clusters of this organization is 10 .*, not 11/)
  await operator('PATCH', path, { limits: { clusters: 11 } })
  assert.deepEqual(await statuses(2), [202, 400])
  assert.equal((await organisation('GET', '/cmk/v2/clusters?page_size=100')).body.data.length, 11)
})

test('a deleted cluster counts until it is gone, and its organisation stays as long', async () => {
  const { operator, organisation, path, make, tenants, deps, clock } = await start()
  await operator('PATCH', path, { limits: { clusters: 1 } })
  const { id } = (await make()).body
  assert.match((await operator('DELETE', path)).body.message, /has clusters/)
  assert.equal((await organisation('DELETE', `/cmk/v2/clusters/${id}`)).status, 204)
  assert.equal((await make()).status, 400)
  assert.equal((await operator('DELETE', path)).status, 400)
  await clock.advance(limits.graceMs)
  const cluster = await tenants.registry.get(id)
  assert.ok(cluster)
  assert.equal(await eraseCluster({ ...deps, clusters: tenants.registry }, cluster, () => false), true)
  assert.deepEqual((await organisation('GET', '/cmk/v2/clusters')).body.data, [])
  assert.equal((await make()).status, 202)
})

test('with an organisation go its service accounts and its own keys', async () => {
  const { operator, organisation, id, path, tenants, deps, clock } = await start()
  const account = (await organisation('POST', '/iam/v2/service-accounts', { display_name: 'admin' })).body
  assert.deepEqual(account.organization, { id })
  const key = { spec: { owner: { id: account.id }, resource: { id } } }
  assert.equal((await organisation('POST', '/iam/v2/api-keys', key)).status, 202)
  assert.equal((await organisation('GET', `/iam/v2/api-keys?spec.resource=${id}`)).body.data.length, 2)
  assert.equal((await operator('DELETE', path)).status, 204)
  assert.deepEqual(await createServiceAccounts(deps).list(id), [])
  assert.deepEqual(await tenants.apiKeys.list({ clusterId: undefined, organisationId: id }), [])
  await clock.advance(5000)
  assert.equal((await organisation('GET', '/cmk/v2/clusters')).status, 401)
})

test('service accounts and keys of an organisation have limits', async () => {
  const { operator, organisation, id, path } = await start()
  await operator('PATCH', path, { limits: { service_accounts: 1, api_keys: 2 } })
  const account = () => organisation('POST', '/iam/v2/service-accounts', { display_name: 'a' })
  const owner = { id: (await account()).body.id }
  assert.match((await account()).body.message, /limit service_accounts of this organization is 1/)
  const key = () => organisation('POST', '/iam/v2/api-keys', { spec: { owner, resource: { id } } })
  assert.equal((await key()).status, 202)
  assert.match((await key()).body.message, /limit api_keys of this organization is 2/)
})

test('a customer does the rest alone: cluster, accounts, keys, and who rules the cluster', async () => {
  const { organisation, id, make, callAs, clock } = await start()
  const cluster = (await make()).body.id
  const { id: admin } = (await organisation('POST', '/iam/v2/service-accounts', { display_name: 'admin' }))
    .body
  const spec = { owner: { id: admin }, resource: { id: cluster } }
  const key = (await organisation('POST', '/iam/v2/api-keys', { spec })).body
  const tenant = callAs({ id: key.id, secret: key.spec.secret }, `/v3/clusters/${cluster}`)
  assert.equal((await tenant('POST', '/topics', { topic_name: 't' })).status, 403)
  const granted = await organisation('POST', '/iam/v2/role-bindings', {
    principal: `User:${admin}`,
    role_name: 'CloudClusterAdmin',
    crn_pattern: `crn:///organization=${id}/cloud-cluster=${cluster}`,
  })
  assert.equal(granted.status, 201)
  await clock.advance(5000)
  assert.equal((await tenant('POST', '/topics', { topic_name: 't' })).status, 201)
  assert.equal((await tenant('POST', '/acls:grant', roleOf('sa-x'))).status, 201)
  assert.equal((await organisation('DELETE', `/iam/v2/service-accounts/${admin}`)).status, 204)
  await clock.advance(5000)
  assert.equal((await tenant('GET', '/topics')).status, 401)
})

const roleOf = (principal: string) => ({
  role_name: 'DeveloperRead',
  principal: `User:${principal}`,
  resource: { resource_type: 'TOPIC', resource_name: 't' },
})

test('what becomes of organisations is told, and of their clusters in the clusters’ own logs', async () => {
  const { operator, organisation, make, path, id, told, tenants } = await start()
  await operator('PATCH', path, { limits: { clusters: 11 } })
  const cluster = (await make()).body.id
  await organisation('DELETE', `/cmk/v2/clusters/${cluster}`)
  await tenants.idle()
  const changes = told.filter(({ subject }) => subject === `crn:///organization=${id}/state=ACTIVE`)
  assert.deepEqual(
    changes.map(({ data }) => [data.methodName, data.result]),
    [
      [
        'UpdateOrganization',
        {
          status: 'SUCCESS',
          data: { changes: [{ name: 'clusters', oldValue: null, newValue: 11 }] },
        },
      ],
    ],
  )
  const deleted = told.find(({ data }) => data.methodName === 'DeleteKafkaCluster')
  assert.equal(deleted?.source, `crn:///kafka=${cluster}`)
  assert.equal(deleted?.data.authenticationInfo.principal, 'User:admin')
})

test('a cluster is made and removed once, also where the answers are lost', async () => {
  const ports = memoryPorts()
  let isLost = false
  const table = withFaults(ports.table, (writes) => {
    const fault = isLost && writes.length > 1 ? 'lost' : undefined
    if (fault !== undefined) isLost = false
    return fault
  })
  const deps = { table, clock: createVirtualClock(), random: systemRandom }
  const organisations = createOrganisations(deps)
  const clusters = createClusterRegistry(deps)
  const count = async () => (await organisations.get('org-1'))?.clusterCount
  await organisations.create('first', 'org-1')
  isLost = true
  const { clusterId } = await clusters.create({ organisationId: 'org-1', name: 'c' })
  assert.deepEqual([await count(), (await clusters.list('org-1')).length], [1, 1])
  isLost = true
  await clusters.remove(clusterId)
  await clusters.remove(clusterId)
  assert.deepEqual([await count(), (await clusters.list('org-1')).length], [0, 0])
})
