// Bearer tokens: what opens, every way in which a token can be wrong, and how seldom an issuer is asked, with a real
// issuer on this machine.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { exportSPKI, type JWTPayload } from 'jose'
import { KafkaError } from '../../../shared/base/errors.ts'
import { dateOf, systemRandom } from '../../../shared/runtime/clock.ts'
import { createIssuerNetwork, isPublic } from '../../../shared/runtime/issuerNetwork.ts'
import { createIdentityProviders } from '../../../shared/security/identityProviders.ts'
import { createIssuerKeys } from '../../../shared/security/issuerKeys.ts'
import { issuerUrlProblem } from '../../../shared/security/issuerUrl.ts'
import { createTokenVerifier } from '../../../shared/security/jwt.ts'
import { createMemoryObjectStore } from '../../../shared/storage/memory/objectStore.ts'
import { createMemoryTable } from '../../../shared/storage/memory/table.ts'
import { countCalls } from '../../support/counting.ts'
import { newSigningKey, startIssuer } from '../../support/testIssuer.ts'

const startMs = 1_700_000_000_000
const anyPool = {
  name: 'a pool',
  description: '',
  identityClaim: 'claims.sub',
  filter: 'true',
  audience: 'millrace',
  clusterId: 'lkc-1',
}

async function createDoor(t: TestContext, pool: Partial<typeof anyPool> = {}) {
  const issuer = await startIssuer(t)
  const key = await newSigningKey('key-1')
  issuer.publish(key)
  let nowMs = startMs
  const clock = { now: () => nowMs, sleep: () => Promise.resolve() }
  const counted = countCalls({ objects: createMemoryObjectStore(), table: createMemoryTable() })
  const reported: unknown[] = []
  const deps = {
    table: counted.table,
    clock,
    random: systemRandom,
    network: createIssuerNetwork(true),
    reportBackgroundFailure: (error: unknown) => reported.push(error),
    dateOf,
  }
  const providers = createIdentityProviders(deps)
  const provider = await providers.create({ name: 'an issuer', description: '', issuer: issuer.url })
  const { id: poolId } = await providers.createPool(provider.id, { ...anyPool, ...pool })
  const verify = createTokenVerifier({ ...deps, providers, keysOf: createIssuerKeys(deps) })
  const claims = (changes: JWTPayload = {}): JWTPayload => ({
    iss: issuer.url,
    aud: 'millrace',
    sub: 'alice',
    exp: startMs / 1000 + 3600,
    ...changes,
  })
  return {
    issuer,
    key,
    providers,
    provider,
    poolId,
    reported,
    claims,
    during: counted.during,
    open: (token: string, pool?: string) => verify(token, pool),
    sign: (changes: JWTPayload = {}) => issuer.sign(key, claims(changes)),
    later: (ms: number) => {
      nowMs += ms
    },
  }
}

const isError = (code: string) => (error: unknown) => error instanceof KafkaError && error.code === code
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

test('a token opens the cluster of its pool, under the name that its claim says', async (t) => {
  const { open, sign, poolId } = await createDoor(t)
  const identity = { principal: 'User:alice', clusterId: 'lkc-1', credentialId: poolId }
  assert.deepEqual(await open(await sign()), identity)
  assert.deepEqual(await open(await sign({ aud: ['other', 'millrace'] }), poolId), identity)
  assert.equal(await open(await sign(), 'pool-another'), undefined)
})

test('keys of RSA, elliptic curves and Edwards curves are taken', async (t) => {
  const { open, issuer, claims } = await createDoor(t)
  const algorithms = ['RS256', 'PS512', 'ES384', 'EdDSA']
  const keys = await Promise.all(algorithms.map((alg) => newSigningKey(alg, alg)))
  issuer.publish(...keys)
  for (const key of keys) {
    assert.equal((await open(await issuer.sign(key, claims(), key.kid)))?.principal, 'User:alice', key.kid)
  }
})

test('a token that is forged opens nothing', async (t) => {
  const { open, sign, issuer, key, claims } = await createDoor(t)
  const [header = '', payload = '', signature = ''] = (await sign()).split('.')
  const spki = await exportSPKI(key.publicKey)
  const hmac = (algorithm: string, secret: string) => {
    const signed = `${encode({ alg: algorithm, kid: key.kid })}.${payload}`
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
  }
  const stranger = await newSigningKey('key-1')
  const forged = {
    'without a signature': `${encode({ alg: 'none' })}.${payload}.`,
    'without a signature, in another spelling': `${encode({ alg: 'nOnE' })}.${payload}.`,
    'with an empty signature': `${header}.${payload}.`,
    'signed with the public key as a secret': hmac('HS256', spki),
    'signed with the public key, said to be ES256': hmac('ES256', spki),
    'signed by somebody else': await issuer.sign(stranger, claims()),
    'with other claims': `${header}.${encode(claims({ sub: 'bob' }))}.${signature}`,
    'with a key of its own': `${encode({ alg: 'ES256', kid: key.kid, jwk: {} })}.${payload}.${signature}`,
    'with a header that must be understood': `${encode({ alg: 'ES256', crit: ['x'], x: 1 })}.${payload}.${signature}`,
    'no token': 'x',
    'of JSON that is none': `${header}.e30x.${signature}`,
    'of prototypes': `${header}.${Buffer.from('{"__proto__":{"iss":"x"}}').toString('base64url')}.${signature}`,
    'of five parts': `${header}.${payload}.${signature}.a.b`,
  }
  for (const [how, token] of Object.entries(forged)) assert.equal(await open(token), undefined, how)
})

test('issuer, audience, time and name have to be right', async (t) => {
  const { open, sign, later } = await createDoor(t, {
    identityClaim: 'claims.user.name',
    filter: '"a" in claims.groups',
  })
  const good = { user: { name: 'alice' }, groups: ['a'] }
  const second = startMs / 1000
  assert.ok(await open(await sign(good)))
  const wrong: Record<string, { readonly [claim: string]: unknown }> = {
    'another issuer': { iss: 'https://other.example.com' },
    'another audience': { aud: 'other' },
    'no audience': { aud: undefined },
    expired: { exp: second - 61 },
    'without an end': { exp: undefined },
    'not yet valid': { nbf: second + 61 },
    'an end that is no number': { exp: 'never' },
    'not in the group': { groups: ['b'] },
    'no groups': { groups: undefined },
    'no name': { user: {} },
    'a name from the prototype': { user: { __proto__: null } },
    'an empty name': { user: { name: '' } },
    everybody: { user: { name: '*' } },
    'a service account': { user: { name: 'sa-4711' } },
    'a name of two lines': { user: { name: 'a\nb' } },
    'a long name': { user: { name: 'x'.repeat(256) } },
  }
  for (const [how, changes] of Object.entries(wrong)) {
    assert.equal(await open(await sign({ ...good, ...changes } as JWTPayload)), undefined, how)
  }
  assert.ok(
    await open(await sign({ ...good, exp: second - 59, nbf: second + 60 })),
    'clocks may differ by a minute',
  )
  const short = await sign({ ...good, exp: second + 10 })
  assert.ok(await open(short))
  later(71_000)
  assert.equal(await open(short), undefined, 'expired in use')
})

test('where several pools take a token, the caller has to say which', async (t) => {
  const { open, sign, providers, provider } = await createDoor(t, { filter: 'claims.group == "a"' })
  const other = await providers.createPool(provider.id, { ...anyPool, clusterId: 'lkc-2' })
  assert.equal((await open(await sign({ group: 'b' })))?.clusterId, 'lkc-2')
  await assert.rejects(open(await sign({ group: 'a' })), isError('UNAUTHENTICATED'))
  assert.equal((await open(await sign({ group: 'a' }), other.id))?.clusterId, 'lkc-2')
})

test('an issuer or a pool that is removed opens nothing within five seconds', async (t) => {
  const { open, sign, providers, provider, poolId, later } = await createDoor(t)
  const token = await sign()
  const other = await providers.createPool(provider.id, { ...anyPool, clusterId: 'lkc-2' })
  assert.ok(await open(token, poolId))
  await providers.deletePool(provider.id, poolId)
  later(5000)
  assert.equal(await open(token, poolId), undefined)
  assert.ok(await open(token, other.id))
  await providers.delete(provider.id)
  later(5000)
  assert.equal(await open(token, other.id), undefined)
  await assert.rejects(
    providers.listPoolPage(provider.id, { size: 1, token: undefined }),
    isError('NOT_FOUND'),
  )
})

test('neither a warm token nor tokens of unknown issuers cost a request of storage or issuer', async (t) => {
  const { open, sign, during, issuer } = await createDoor(t)
  const token = await sign()
  await open(token)
  const unknown = await sign({ iss: 'https://other.example.com' })
  const asked = { ...issuer.asked }
  const hundred = Array.from({ length: 100 }, () => [open(token), open(unknown)]).flat()
  assert.deepEqual(await during(() => Promise.all(hundred)), {
    puts: 0,
    objectReads: 0,
    tableReads: 0,
    tableWrites: 0,
  })
  assert.deepEqual(issuer.asked, asked)
})

test('rotated keys are found, withdrawn ones end, and a flood of unknown ones asks seldom', async (t) => {
  const { open, sign, issuer, claims, later } = await createDoor(t)
  const first = await sign()
  await open(first)
  const key = await newSigningKey('key-2')
  issuer.publish(key)
  const second = await issuer.sign(key, claims())
  assert.equal(await open(second), undefined, 'asked a moment ago')
  later(30_000)
  assert.equal((await open(second))?.principal, 'User:alice')
  assert.equal(await open(first), undefined, 'withdrawn')
  const before = issuer.asked.keys
  later(30_000)
  const strangers = await Promise.all(Array.from({ length: 50 }, (_, i) => newSigningKey(`unknown-${i}`)))
  const flood = await Promise.all(
    strangers.map(async (stranger) => open(await issuer.sign(stranger, claims()))),
  )
  assert.ok(flood.every((identity) => identity === undefined))
  assert.equal(issuer.asked.keys, before + 1)
})

test('an issuer that is down: known keys go on for an hour, then the answer is to try again', async (t) => {
  const { open, sign, issuer, later, reported } = await createDoor(t)
  const token = await sign({ exp: startMs / 1000 + 86_400 })
  assert.ok(await open(token))
  await issuer.stop()
  later(11 * 60_000)
  assert.ok(await open(token))
  while (reported.length === 0) await new Promise((resolve) => setImmediate(resolve))
  later(60 * 60_000)
  await assert.rejects(open(token), isError('SERVICE_BUSY'))
  await assert.rejects(open(token), isError('SERVICE_BUSY'))
})

test('what an issuer answers wrongly opens nothing', async (t) => {
  const answers: Record<string, Record<string, { status: number; body: string }>> = {
    'another issuer’s document': {
      '/.well-known/openid-configuration': {
        status: 200,
        body: '{"issuer":"https://x.example.com","jwks_uri":"URL/keys"}',
      },
    },
    'keys elsewhere in this network': {
      '/.well-known/openid-configuration': {
        status: 200,
        body: '{"issuer":"URL","jwks_uri":"http://10.0.0.1/keys"}',
      },
    },
    'a redirect': { '/.well-known/openid-configuration': { status: 302, body: '' } },
    'too much': { '/keys': { status: 200, body: `{"keys":[${' '.repeat(300 * 1024)}]}` } },
    'no JSON': { '/keys': { status: 200, body: 'keys' } },
    'no keys': { '/keys': { status: 200, body: '{"keys":1}' } },
    'a failure': { '/keys': { status: 500, body: '{"keys":[]}' } },
  }
  for (const [how, instead] of Object.entries(answers)) {
    const { open, sign, issuer } = await createDoor(t)
    for (const [path, { status, body }] of Object.entries(instead)) {
      issuer.instead.set(path, { status, body: body.replace('URL', issuer.url) })
    }
    await assert.rejects(open(await sign()), isError('SERVICE_BUSY'), how)
  }
})

test('an issuer is a public name over https, and only on somebody’s own machine a loopback address', () => {
  const cloud = { loopback: false }
  for (const good of [
    'https://accounts.example.com',
    'https://login.example.com/tenant/v2.0',
    'https://a.example.org:8443/',
  ]) {
    assert.equal(issuerUrlProblem(good, cloud), undefined, good)
  }
  const bad = [
    'http://accounts.example.com',
    'https://127.0.0.1',
    'https://[::1]',
    'https://2130706433',
    'https://0x7f.1',
    'https://169.254.169.254/latest/meta-data',
    'https://localhost',
    'https://metadata.google.internal',
    'https://printer.local',
    'https://intranet',
    'https://user@accounts.example.com',
    'https://accounts.example.com/#x',
    'file:///etc/passwd',
    `https://accounts.example.com/${'x'.repeat(600)}`,
    'x',
  ]
  for (const url of bad) assert.notEqual(issuerUrlProblem(url, cloud), undefined, url)
  assert.equal(issuerUrlProblem('http://localhost:8080/realms/x', { loopback: true }), undefined)
  assert.notEqual(issuerUrlProblem('http://10.0.0.1', { loopback: true }), undefined)
})

test('a name that resolves to an address of this network is not connected to', async () => {
  for (const address of [
    '10.1.2.3',
    '169.254.169.254',
    '127.0.0.1',
    '::1',
    'fd00::1',
    '::ffff:10.0.0.1',
    '0.0.0.0',
  ]) {
    assert.ok(!isPublic({ address }), address)
  }
  for (const address of ['1.1.1.1', '2606:4700::1111']) assert.ok(isPublic({ address }), address)
  await assert.rejects(createIssuerNetwork(false).getJson('https://localhost:1/keys'), /no public address/)
})
