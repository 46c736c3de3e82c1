// Identity providers and pools over HTTP: made by operators, and what a token then opens.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCall } from '../../support/call.ts'
import { newSigningKey, startIssuer } from '../../support/testIssuer.ts'
import { createTestTenants } from '../../support/testTenants.ts'

const path = '/iam/v2/identity-providers'
const pool = {
  display_name: 'billing',
  identity_claim: 'claims.sub',
  audience: 'millrace',
  resource: { id: 'local' },
}

test('a token opens what its pool says, with the rights that bindings give', async (t) => {
  const { app, operator, callAs, operatorKey, tenants } = await createTestTenants()
  const issuer = await startIssuer(t)
  const key = await newSigningKey('1')
  issuer.publish(key)
  const call = callAs(operatorKey)
  const provider = await call('POST', path, { display_name: 'ours', issuer: issuer.url })
  assert.equal(provider.status, 201)
  assert.match(provider.body.id, /^op-[a-z2-7]{10}$/)
  const made = await call('POST', `${path}/${provider.body.id}/identity-pools`, pool)
  assert.equal(made.status, 201)
  assert.equal(made.body.filter, 'true')
  const claims = { iss: issuer.url, aud: 'millrace', sub: 'alice', exp: Math.floor(Date.now() / 1000) + 600 }
  const token = await issuer.sign(key, claims)
  const alice = createCall(app, '/v3/clusters/local', { authorization: `Bearer ${token}` })
  await operator('POST', '/topics', { topic_name: 'orders' })
  assert.equal((await alice('GET', '/topics/orders')).status, 403)
  const binding = {
    resource_type: 'TOPIC',
    resource_name: 'orders',
    pattern_type: 'LITERAL',
    principal: 'User:alice',
    host: '*',
    operation: 'READ',
    permission: 'ALLOW',
  }
  await operator('POST', '/acls', binding)
  assert.equal((await alice('GET', '/topics/orders')).status, 200)
  const other = { 'confluent-identity-pool-id': 'pool-another' }
  assert.equal((await alice('GET', '/topics/orders', undefined, other)).status, 401)
  assert.equal((await createCall(app, path, { authorization: `Bearer ${token}` })('GET', '')).status, 403)
  await issuer.stop()
  await tenants.idle()
})

test('a new token of an issuer that is down is answered with 503 and when to try again', async (t) => {
  const reported: unknown[] = []
  const { app, callAs, operatorKey } = await createTestTenants({
    reportBackgroundFailure: (error) => reported.push(error),
  })
  const issuer = await startIssuer(t)
  const call = callAs(operatorKey)
  const provider = await call('POST', path, { display_name: 'ours', issuer: issuer.url })
  await call('POST', `${path}/${provider.body.id}/identity-pools`, pool)
  const token = await issuer.sign(await newSigningKey('1'), { iss: issuer.url, exp: 4e9 })
  await issuer.stop()
  const answer = await createCall(app, '/v3/clusters', { authorization: `Bearer ${token}` })('GET', '')
  assert.equal(answer.status, 503)
  assert.ok(answer.headers.get('retry-after'))
  assert.ok(!JSON.stringify(answer.body).includes(token.slice(10, 30)))
  assert.equal(reported.length, 1)
})

test('what cannot be trusted or understood is refused, and names what is wrong', async () => {
  const { callAs, operatorKey } = await createTestTenants()
  const call = callAs(operatorKey)
  for (const issuer of ['http://accounts.example.com', 'https://10.0.0.1', 'ftp://x', '']) {
    const { status, body } = await call('POST', path, { display_name: 'x', issuer })
    assert.equal(status, 400, issuer)
    assert.match(body.message, /issuer/)
  }
  const made = await call('POST', path, { display_name: 'x', issuer: 'https://accounts.example.com' })
  const pools = `${path}/${made.body.id}/identity-pools`
  const wrong = [
    [{ filter: 'claims.a = "b"' }, 400],
    [{ filter: 'claims.a == "b" || true' }, 400],
    [{ filter: 'claims.a == "b" &&' }, 400],
    [{ filter: '("a" in claims.b)' }, 400],
    [{ identity_claim: 'sub' }, 400],
    [{ identity_claim: 'claims.__proto__.' }, 400],
    [{ audience: '' }, 400],
    [{ resource: { id: 'lkc-none' } }, 404],
  ] as const
  for (const [changes, status] of wrong) {
    const answer = await call('POST', pools, { ...pool, ...changes })
    assert.equal(answer.status, status, JSON.stringify(changes))
  }
  assert.equal((await call('POST', `${path}/op-none/identity-pools`, pool)).status, 404)
  const one = await call('POST', pools, { ...pool, filter: 'claims.a.b != "x" && "y \\"z\\"" in claims.c' })
  assert.equal(one.status, 201)
  assert.equal((await call('GET', pools)).body.data.length, 1)
  assert.equal((await call('DELETE', `${pools}/${one.body.id}`)).status, 204)
  assert.equal((await call('DELETE', `${pools}/${one.body.id}`)).status, 404)
  assert.equal((await call('DELETE', `${path}/${made.body.id}`)).status, 204)
  assert.deepEqual((await call('GET', path)).body.data, [])
})
