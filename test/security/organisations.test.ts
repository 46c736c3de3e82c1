// Every endpoint against the holder of an organisation's own key: of the one that everything named belongs to, and of
// another one, to which nothing of it exists.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApiKeyPair } from '../support/testTenants.ts'
import { type Row, rightsTable } from './rights.ts'
import { type Answer, ask, createWorld, goneIds, requestOf, type World } from './world.ts'

const rows = Object.entries(rightsTable)
const ofOrganisations = rows.filter(([, { caller }]) => caller === 'organisation')

test('an organisation is answered by every endpoint of organisations', async () => {
  for (const [operation, row] of ofOrganisations) {
    const world = await createWorld()
    const key = await world.makeOrganisationKey()
    const answer = await ask(world, key, requestOf(operation, row, 'here', world.ids))
    assert.ok(answer.status < 300, `${operation}: ${answer.status} ${answer.text}`)
  }
})

test('an organisation opens none of its clusters, and does nothing that is the operators’', async () => {
  const world = await createWorld()
  const key = await world.makeOrganisationKey()
  const before = await storedOf(world)
  for (const [operation, row] of rows.filter(([, { caller }]) => ['known', 'operator'].includes(caller))) {
    const answer = await ask(world, key, requestOf(operation, row, 'here', world.ids))
    if (row.caller === 'operator') assert.ok([403, 404].includes(answer.status), operation)
    else if (operation === 'GET /v3/clusters') assert.deepEqual(JSON.parse(answer.text).data, [])
    else if (operation === 'GET /brokers') assert.equal(answer.status, 200)
    else if (operation === 'GET /metrics') assert.equal(answer.text.trim(), '')
    else assert.equal(answer.status, 404, `${operation}: ${answer.text}`)
    assert.doesNotMatch(answer.text, /topic-here.*exist/, operation)
  }
  assert.deepEqual(await storedOf(world), before)
})

test('another organisation cannot tell what is there, nor by what it costs, and changes nothing', async () => {
  let touched = 0
  const world = await createWorld(() => {
    touched++
  })
  const { id: stranger } = await world.tenants.organisations.create('strangers')
  const key = await world.makeOrganisationKey(stranger)
  const costOf = async <T>(work: () => Promise<T>) => {
    const before = touched
    const answer = await work()
    return { answer, cost: touched - before }
  }
  // What is remembered of the key is fresh.
  await ask(world, key, requestOf('GET /cmk/v2/clusters', noBody, 'here', world.ids))
  const before = await storedOf(world)
  for (const [operation, row] of rows.filter(([, { caller }]) => caller !== 'anybody')) {
    const here = await costOf(() => ask(world, key, requestOf(operation, row, 'here', world.ids)))
    const gone = await costOf(() => ask(world, key, requestOf(operation, row, 'gone', goneIds)))
    if (makesOwn.includes(operation)) continue
    assert.deepEqual(alike(here.answer, world), alike(gone.answer, world), operation)
    assert.equal(here.cost, gone.cost, `${operation} reads as much`)
    if (operation.includes('{id}') && row.caller === 'organisation') assert.equal(here.answer.status, 404)
  }
  assert.deepEqual(await storedOf(world), before)
})

/** In the organisation whose key it is. */
const makesOwn = ['POST /cmk/v2/clusters', 'POST /iam/v2/service-accounts']

const noBody: Row = { caller: 'organisation', needs: [], without: {}, request: () => ({}) }

/** With one name for what is there and what is not. */
function alike({ status, text }: Answer, { ids }: World): Answer {
  const names: readonly (readonly [string, string])[] = [
    ...Object.entries(ids).map(([of, id]) => [id, goneIds[of as keyof typeof goneIds]] as const),
    ['local', 'never'],
    ['org-default', 'org-nowhere'],
    ['-here', '-gone'],
  ]
  return { status, text: names.reduce((shown, [here, gone]) => shown.replaceAll(here, gone), text) }
}

/** What there is of the organisation that the stranger is no part of, but for when a key was used. */
async function storedOf({ dump }: World) {
  const { items, objects } = await dump()
  const isOwn = ({ pk, sk }: { readonly pk: string; readonly sk: string }) =>
    /^(local|lkc-other)\//.test(pk) ||
    pk === 'deployment/clusters/org-default' ||
    (pk === 'deployment/clusters' && ['local', 'lkc-other'].includes(sk)) ||
    (pk === 'deployment/accounts' && sk.startsWith('org-default/')) ||
    (pk === 'deployment/organizations' && sk === 'org-default')
  return {
    objects,
    items: items.filter(({ key }) => isOwn(key)),
    keys: items.filter(({ key }) => key.pk.startsWith('deployment/key/')).map(({ key }) => key.pk),
  }
}

test('an organisation does not get beyond itself', async () => {
  const world = await createWorld()
  const mine = (await world.tenants.organisations.create('mine')).id
  const organisation = world.callAs(await world.makeOrganisationKey(mine))
  const account = (await organisation('POST', '/iam/v2/service-accounts', { display_name: 'a' })).body.id
  const cluster = (await organisation('POST', '/cmk/v2/clusters', { spec: { display_name: 'c' } })).body.id
  const theirs = world.ids['service-accounts']
  const key = (owner: string, resource?: string) => ({
    spec: { owner: { id: owner }, ...(resource && { resource: { id: resource } }) },
  })
  const role = (of: string, organisationId: string, clusterId: string) => ({
    principal: `User:${of}`,
    role_name: 'CloudClusterAdmin',
    crn_pattern: `crn:///organization=${organisationId}/cloud-cluster=${clusterId}`,
  })
  const spec = { display_name: 'x' }
  const arn = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd'
  for (const [status, method, path, body] of [
    [403, 'POST', '/iam/v2/api-keys', key(account)],
    [403, 'POST', '/iam/v2/api-keys', key('operator')],
    [403, 'GET', '/iam/v2/api-keys', undefined],
    [404, 'POST', '/iam/v2/api-keys', key(account, 'local')],
    [404, 'POST', '/iam/v2/api-keys', key(account, 'org-default')],
    [404, 'POST', '/iam/v2/api-keys', key(theirs, cluster)],
    [404, 'POST', '/iam/v2/api-keys', key(theirs, mine)],
    [404, 'GET', '/iam/v2/api-keys?spec.resource=org-default', undefined],
    [404, 'DELETE', `/iam/v2/api-keys/${world.ids['api-keys']}`, undefined],
    [404, 'DELETE', `/iam/v2/api-keys/${world.operatorKey.id}`, undefined],
    [404, 'DELETE', `/iam/v2/service-accounts/${theirs}`, undefined],
    [404, 'POST', '/iam/v2/service-accounts', { display_name: 'x', organization: { id: 'org-default' } }],
    [404, 'POST', '/cmk/v2/clusters', { spec: { ...spec, organization: { id: 'org-default' } } }],
    [403, 'POST', '/cmk/v2/clusters', { spec: { ...spec, encryption_key_arn: arn } }],
    [403, 'PATCH', `/cmk/v2/clusters/${cluster}`, { spec: { limits: { topics: 1_000_000 } } }],
    [403, 'POST', `/cmk/v2/clusters/${cluster}/suspend`, undefined],
    [403, 'POST', `/cmk/v2/clusters/${cluster}/resume`, undefined],
    [403, 'PATCH', `/org/v2/organizations/${mine}`, { limits: { clusters: 1000 }, state: 'ACTIVE' }],
    [403, 'POST', `/org/v2/organizations/${mine}/resume`, undefined],
    [403, 'DELETE', `/org/v2/organizations/${mine}`, undefined],
    [403, 'POST', '/org/v2/organizations', { display_name: 'x' }],
    [404, 'POST', '/iam/v2/role-bindings', role(account, 'org-default', 'local')],
    [404, 'POST', '/iam/v2/role-bindings', role(account, mine, 'local')],
    [404, 'POST', '/iam/v2/role-bindings', role(theirs, mine, cluster)],
    [403, 'POST', '/iam/v2/identity-providers', { display_name: 'x', issuer: 'https://x.example' }],
    [404, 'GET', `/v3/clusters/${cluster}/topics`, undefined],
  ] as const) {
    const answer = await organisation(method, path, body)
    assert.equal(answer.status, status, `${method} ${path} ${JSON.stringify(body)}: ${answer.status}`)
  }
  const { limits, state } = (await world.tenants.organisations.get(mine)) ?? {}
  assert.deepEqual([limits, state], [{}, 'ACTIVE'])
  assert.deepEqual((await world.tenants.registry.get(cluster))?.limits, {})
})

test('what an organisation tries on another’s cluster is no business of that cluster’s log', async () => {
  const world = await createWorld()
  const { id } = await world.tenants.organisations.create('strangers')
  const stranger = world.callAs(await world.makeOrganisationKey(id))
  await world.tenants.idle()
  const before = await storedOf(world)
  for (const path of ['/cmk/v2/clusters/local', `/iam/v2/api-keys/${world.ids['api-keys']}`]) {
    assert.equal((await stranger('DELETE', path)).status, 404)
  }
  await world.tenants.idle()
  assert.deepEqual(await storedOf(world), before)
  assert.ok(world.told.some(({ data }) => data.methodName === 'UpdateKafkaCluster'))
})

test('an organisation that is suspended refuses reads and writes of its clusters within five seconds', async () => {
  const world = await createWorld()
  await world.bind('User:reader', ['READ TOPIC', 'WRITE TOPIC', 'DESCRIBE TOPIC'])
  const tenant = world.callAs(await world.makeKey('local', 'User:reader'), '/v3/clusters/local')
  const organisation = world.callAs(await world.makeOrganisationKey())
  const operator = world.callAs(world.operatorKey)
  const statuses = async () => [
    (await tenant('GET', '/topics/topic-here/records?offset=earliest')).status,
    (await tenant('POST', '/topics/topic-here/records', { value: { type: 'STRING', data: 'v' } })).status,
    (await organisation('GET', '/cmk/v2/clusters')).status,
  ]
  const organizations = '/org/v2/organizations/org-default'
  assert.deepEqual(await statuses(), [200, 200, 200])
  const suspended = await operator('POST', `${organizations}/suspend`)
  assert.deepEqual([suspended.status, suspended.body.status.phase], [200, 'SUSPENDED'])
  world.clock.advance(5000)
  assert.deepEqual(await statuses(), [403, 403, 403])
  assert.equal((await operator('GET', '/v3/clusters/local/topics')).status, 200)
  const refused = await operator('POST', '/cmk/v2/clusters', { spec: { display_name: 'n' } })
  assert.equal(refused.status, 403)
  await operator('POST', `${organizations}/resume`)
  world.clock.advance(5000)
  assert.deepEqual(await statuses(), [200, 200, 200])
})

test('an organisation’s key that is revoked or expired is refused within five seconds', async () => {
  const world = await createWorld()
  const operator = world.callAs(world.operatorKey)
  const key: ApiKeyPair = await world.makeOrganisationKey()
  const organisation = world.callAs(key)
  assert.equal((await organisation('GET', '/cmk/v2/clusters')).status, 200)
  assert.equal((await operator('DELETE', `/iam/v2/api-keys/${key.id}`)).status, 204)
  world.clock.advance(5000)
  assert.equal((await organisation('GET', '/cmk/v2/clusters')).status, 401)
})
