// What operators do with the deployment: clusters, service accounts and keys from their making to their end, and that
// nobody else does.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../../../shared/ports/world.ts'
import type { Call } from '../../../support/call.ts'
import { createTestTenants } from '../../../support/testTenants.ts'
import { createVirtualClock } from '../../../support/virtualClock.ts'

const made = (name: string) => ({ spec: { display_name: name } })

test('a cluster is made, used by a key of its own, suspended, resumed and deleted', async () => {
  const clock = createVirtualClock(1_000_000)
  const { callAs, operatorKey } = await createTestTenants({ clock })
  const operator = callAs(operatorKey)
  const cluster = await operator('POST', '/cmk/v2/clusters', made('payments'))
  assert.equal(cluster.status, 202)
  const { id } = cluster.body
  assert.match(id, /^lkc-[a-z2-7]{10}$/)
  assert.equal((await operator('GET', `/v3/clusters/${id}/topics`)).status, 200, 'at once')
  const account = await operator('POST', '/iam/v2/service-accounts', { display_name: 'billing' })
  const spec = { owner: { id: account.body.id }, resource: { id } }
  const key = await operator('POST', '/iam/v2/api-keys', { spec })
  assert.equal(key.status, 202)
  const tenant = callAs({ id: key.body.id, secret: key.body.spec.secret })
  const list = async () => (await tenant('GET', `/v3/clusters/${id}/topics`)).status
  assert.equal(await list(), 200)
  assert.deepEqual(
    (await tenant('GET', '/v3/clusters')).body.data.map((one: { cluster_id: string }) => one.cluster_id),
    [id],
  )
  assert.equal((await tenant('GET', '/v3/clusters/local/topics')).status, 404)

  const phase = async (verb: string) =>
    (await operator('POST', `/cmk/v2/clusters/${id}/${verb}`)).body.status.phase
  assert.equal(await phase('suspend'), 'SUSPENDED')
  await clock.advance(5000)
  assert.equal(await list(), 403)
  assert.equal(await phase('resume'), 'PROVISIONED')
  await clock.advance(5000)
  assert.equal(await list(), 200)
  assert.equal((await operator('DELETE', `/cmk/v2/clusters/${id}`)).status, 204)
  await clock.advance(5000)
  assert.equal(await list(), 404)
  assert.equal((await operator('POST', `/cmk/v2/clusters/${id}/resume`)).status, 400)
})

test('a cluster has the encryption key that it was made with, and keeps it', async () => {
  const { callAs, operatorKey } = await createTestTenants()
  const operator = callAs(operatorKey)
  const encryption_key_arn = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd'
  const spec = { display_name: 'payments', encryption_key_arn }
  const cluster = await operator('POST', '/cmk/v2/clusters', { spec })
  assert.equal(cluster.status, 202)
  const path = `/cmk/v2/clusters/${cluster.body.id}`
  const patch = (changed: object) => operator('PATCH', path, { spec: changed })
  assert.equal((await patch({ display_name: 'paid', encryption_key_arn })).status, 200)
  const refused = await patch({ encryption_key_arn: `${encryption_key_arn}5` })
  assert.equal(refused.status, 400)
  assert.match(refused.body.message, /encryption_key_arn/)
  const { spec: after } = (await operator('GET', path)).body
  assert.deepEqual([after.display_name, after.encryption_key_arn], ['paid', encryption_key_arn])

  const { id } = (await operator('POST', '/cmk/v2/clusters', made('without'))).body
  const without = await operator('PATCH', `/cmk/v2/clusters/${id}`, { spec: { encryption_key_arn } })
  assert.equal(without.status, 400)
  assert.ok(!('encryption_key_arn' in (await operator('GET', `/cmk/v2/clusters/${id}`)).body.spec))
})

test('what is named by metadata.self is there, and a change that names nothing is refused', async () => {
  const { callAs, operatorKey, makeAccount } = await createTestTenants()
  const operator = callAs(operatorKey)
  const account = await makeAccount('shop')
  const key = { spec: { owner: { id: account }, resource: { id: 'local' } } }
  const made = [
    await operator('POST', '/iam/v2/api-keys', key),
    await operator('POST', '/iam/v2/service-accounts', { display_name: 'a' }),
    await operator('POST', '/cmk/v2/clusters', { spec: { display_name: 'c' } }),
    await operator('POST', '/org/v2/organizations', { display_name: 'o' }),
  ]
  for (const { body } of made) {
    const { pathname } = new URL(body.metadata.self)
    const found = await operator('GET', pathname)
    assert.deepEqual([found.status, found.body.id], [200, body.id])
    assert.equal(found.body.spec?.secret, undefined)
    assert.equal((await operator('GET', `${pathname}x`)).status, 404)
  }
  for (const [path, wrong] of [
    ['/cmk/v2/clusters/local', { spec: { limit: { topics: 5 } } }],
    ['/org/v2/organizations/org-default', { name: 'x' }],
  ] as const) {
    const refused = await operator('PATCH', path, wrong)
    assert.equal(refused.status, 400)
    assert.match(refused.body.message, /names nothing that can be changed/)
  }
})

test('a key is shown with its secret once, listed without it, and refused within five seconds of its end', async () => {
  const clock = createVirtualClock(1_000_000)
  const { callAs, operatorKey, makeAccount } = await createTestTenants({ clock })
  const operator = callAs(operatorKey)
  const spec = { owner: { id: await makeAccount('shop') }, resource: { id: 'local' }, description: 'd' }
  const key = await operator('POST', '/iam/v2/api-keys', { spec })
  const { secret } = key.body.spec
  const listed = await operator('GET', '/iam/v2/api-keys?spec.resource=local')
  assert.deepEqual(
    listed.body.data.map((one: { id: string }) => one.id),
    [key.body.id],
  )
  assert.ok(!JSON.stringify(listed.body).includes(secret))
  const tenant = callAs({ id: key.body.id, secret })
  assert.equal((await tenant('GET', '/topics')).status, 200)
  assert.equal((await operator('DELETE', `/iam/v2/api-keys/${key.body.id}`)).status, 204)
  await clock.advance(5000)
  assert.equal((await tenant('GET', '/topics')).status, 401)
  assert.equal((await operator('DELETE', `/iam/v2/api-keys/${key.body.id}`)).status, 404)
})

test('with a service account go its keys, in whatever cluster, and no others', async () => {
  const clock = createVirtualClock(1_000_000)
  const { callAs, operatorKey, tenants, makeAccount } = await createTestTenants({ clock })
  await tenants.registry.create({ organisationId: 'org-default', name: 'other' }, 'lkc-other')
  const operator = callAs(operatorKey)
  const account = (await operator('POST', '/iam/v2/service-accounts', { display_name: 'billing' })).body.id
  const makeKey = async (owner: string, cluster?: string) => {
    const spec = { owner: { id: owner }, ...(cluster && { resource: { id: cluster } }) }
    const { id, spec: shown } = (await operator('POST', '/iam/v2/api-keys', { spec })).body
    return callAs({ id, secret: shown.secret })
  }
  const own = [await makeKey(account, 'local'), await makeKey(account, 'lkc-other')]
  own.push(await makeKey(account, 'org-default'))
  const others = [await makeKey(await makeAccount('shop'), 'local'), await makeKey('somebody')]
  const statuses = (callers: typeof own) =>
    Promise.all(callers.map(async (caller) => (await caller('GET', '/v3/clusters')).status))
  assert.deepEqual(await statuses(own), [200, 200, 200])
  assert.equal((await operator('DELETE', `/iam/v2/service-accounts/${account}`)).status, 204)
  await clock.advance(5000)
  assert.deepEqual(await statuses(own), [401, 401, 401])
  assert.deepEqual(await statuses(others), [200, 200])
  assert.equal((await operator('DELETE', `/iam/v2/service-accounts/${account}`)).status, 404)
})

test('nobody but an operator reaches any of it', async () => {
  const { keyOf } = await createTestTenants()
  const tenant: Call = await keyOf('User:sa-1', 'local', '')
  for (const [method, path, body] of [
    ['GET', '/cmk/v2/clusters', undefined],
    ['POST', '/cmk/v2/clusters', made('mine')],
    ['GET', '/cmk/v2/clusters/local', undefined],
    ['DELETE', '/cmk/v2/clusters/local', undefined],
    ['POST', '/cmk/v2/clusters/local/suspend', undefined],
    ['GET', '/iam/v2/api-keys', undefined],
    ['POST', '/iam/v2/api-keys', { spec: { owner: { id: 'x' } } }],
    ['POST', '/iam/v2/api-keys', { spec: { owner: { id: 'sa-1' }, resource: { id: 'local' } } }],
    ['DELETE', '/iam/v2/api-keys/AAAAAAAAAAAAAAAA', undefined],
    ['GET', '/iam/v2/service-accounts', undefined],
    ['POST', '/iam/v2/service-accounts', { display_name: 'x' }],
    ['DELETE', '/iam/v2/service-accounts/sa-1', undefined],
  ] as const) {
    const { status, body: answer } = await tenant(method, path, body)
    assert.deepEqual([status, answer.error_code], [403, 40301], `${method} ${path}`)
  }
})

test('what cannot be is refused by its place', async () => {
  const { callAs, operatorKey } = await createTestTenants()
  const operator = callAs(operatorKey)
  const refusals = [
    ['/cmk/v2/clusters', { spec: {} }, 400, /display_name/],
    [
      '/cmk/v2/clusters',
      { spec: { display_name: 'x', organization: { id: 'a/b' } } },
      400,
      /organization\.id/,
    ],
    [
      '/cmk/v2/clusters',
      { spec: { display_name: 'x', encryption_key_arn: 'alias/mine' } },
      400,
      /encryption_key_arn/,
    ],
    ['/iam/v2/api-keys', { spec: { owner: { id: 'a b' } } }, 400, /owner\.id/],
    ['/iam/v2/api-keys', { spec: { owner: { id: 'sa-1' }, resource: { id: 'lkc-none' } } }, 404, /lkc-none/],
    ['/iam/v2/api-keys', { spec: { owner: { id: 'x' }, expires_at: 'tomorrow' } }, 400, /expires_at/],
    ['/iam/v2/api-keys', { spec: { owner: { id: 'sa-1' } } }, 400, /no service account/],
    ['/iam/v2/api-keys', { spec: { owner: { id: 'sa-1' }, resource: { id: 'local' } } }, 404, /sa-1/],
    ['/iam/v2/service-accounts', { display_name: 'x', organization: { id: 'org-none' } }, 404, /org-none/],
    [
      '/iam/v2/api-keys',
      { spec: { owner: { id: 'x' }, expires_at: '2001-01-01T00:00:00Z' } },
      400,
      /expires_at.*passed/,
    ],
  ] as const
  for (const [path, body, status, sentence] of refusals) {
    const refused = await operator('POST', path, body)
    assert.equal(refused.status, status, path)
    assert.match(refused.body.message, sentence)
  }
})

test('what an operator asks costs the same beside a thousand clusters', async () => {
  let looks = 0
  const time = createVirtualClock(1_000_000)
  const now = () => {
    looks++
    return time.now()
  }
  const clock: Clock = { ...time, now }
  const { operator, tenants } = await createTestTenants({ clock })
  const looksOf = async () => {
    assert.equal((await operator('GET', '/topics')).status, 200)
    const before = looks
    assert.equal((await operator('GET', '/topics')).status, 200)
    return looks - before
  }
  const alone = await looksOf()
  for (let count = 0; count < 1000; count++) {
    await tenants.registry.create({ organisationId: 'org-1', name: `cluster ${count}` })
  }
  await time.advance(5000)
  assert.ok((await looksOf()) <= alone, 'each look at the clock is something remembered that is asked for')
})
