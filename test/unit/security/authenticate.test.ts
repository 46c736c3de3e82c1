// Who a request comes from: API keys from their making to their end, what a header may say, and what a refusal shows.

import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { test } from 'node:test'
import { KafkaError } from '../../../shared/base/errors.ts'
import { systemRandom } from '../../../shared/runtime/clock.ts'
import { hashSecret, isSecret } from '../../../shared/security/apiKey.ts'
import { createApiKeys } from '../../../shared/security/apiKeys.ts'
import { parseAuthorization } from '../../../shared/security/credentials.ts'
import { createAuthenticator } from '../../../shared/service/authenticate.ts'
import { createMemoryObjectStore } from '../../../shared/storage/memory/objectStore.ts'
import { createMemoryTable } from '../../../shared/storage/memory/table.ts'
import { countCalls } from '../../support/counting.ts'

const basic = (username: string, password: string) =>
  parseAuthorization(`Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`)

function createDoor() {
  let nowMs = 1_000_000
  const clock = { now: () => nowMs, sleep: () => Promise.resolve() }
  const counted = countCalls({ objects: createMemoryObjectStore(), table: createMemoryTable() })
  const pepper = createSecretKey(new Uint8Array(32).fill(3))
  const apiKeys = createApiKeys({ table: counted.table, clock, random: systemRandom, pepper })
  const authenticate = createAuthenticator({
    apiKeys,
    pepper,
    clock,
    verifyToken: () => Promise.resolve(undefined),
    certificates: undefined,
    reportBackgroundFailure: (error) => {
      throw error
    },
  })
  const later = (ms: number) => {
    nowMs += ms
  }
  return { apiKeys, authenticate, later, during: counted.during }
}

const wanted = {
  clusterId: 'lkc-1',
  organisationId: 'org-1',
  owner: 'User:sa-1',
  description: 'a test',
  expiresMs: undefined,
}
const isRefused = (error: unknown) => error instanceof KafkaError && error.code === 'UNAUTHENTICATED'

test('a key opens with its secret and with nothing else', async () => {
  const { apiKeys, authenticate } = createDoor()
  const { key, secret } = await apiKeys.create(wanted)
  const identity = await authenticate(basic(key.keyId, secret))
  const { owner, clusterId, organisationId } = wanted
  assert.deepEqual(identity, { principal: owner, clusterId, organisationId, credentialId: key.keyId })
  const other = await apiKeys.create(wanted)
  for (const wrong of ['', secret.slice(1), `${secret}x`, other.secret, secret.toUpperCase()]) {
    await assert.rejects(authenticate(basic(key.keyId, wrong)), isRefused)
  }
  await assert.rejects(authenticate(basic('AAAAAAAAAAAAAAAA', secret)), isRefused)
  await assert.rejects(authenticate(basic('../../x', secret)), isRefused)
  await assert.rejects(authenticate({ kind: 'none' }), isRefused)
})

test('a refusal says the same of a wrong secret, of an expired key and of a key that is not there', async () => {
  const { apiKeys, authenticate } = createDoor()
  const { key } = await apiKeys.create(wanted)
  const expired = await apiKeys.create({ ...wanted, expiresMs: 1 })
  const refusals = await Promise.all(
    [
      basic(key.keyId, 'wrong'),
      basic('AAAAAAAAAAAAAAAA', 'wrong'),
      basic(expired.key.keyId, expired.secret),
      { kind: 'bearer', token: 'x' } as const,
    ].map((credentials) => authenticate(credentials).catch((error: unknown) => String(error))),
  )
  assert.equal(new Set(refusals).size, 1)
})

test('neither table nor list holds the secret, and the hash of one key does not fit another', async () => {
  const { apiKeys } = createDoor()
  const { key, secret } = await apiKeys.create(wanted)
  const stored = JSON.stringify(await apiKeys.list({ clusterId: 'lkc-1' }))
  assert.ok(!stored.includes(secret))
  const pepper = createSecretKey(new Uint8Array(32).fill(3))
  assert.ok(isSecret(pepper, { id: key.keyId, secret }, key.hash))
  assert.ok(!isSecret(createSecretKey(new Uint8Array(32)), { id: key.keyId, secret }, key.hash))
  assert.notDeepEqual(hashSecret(pepper, { id: 'B', secret }), key.hash)
})

test('a revoked key is refused within five seconds, and an expired one at once', async () => {
  const { apiKeys, authenticate, later } = createDoor()
  const { key, secret } = await apiKeys.create(wanted)
  const short = await apiKeys.create({ ...wanted, expiresMs: 1_000_001 })
  await authenticate(basic(key.keyId, secret))
  await authenticate(basic(short.key.keyId, short.secret))
  await apiKeys.revoke(key.keyId)
  later(1)
  await assert.rejects(authenticate(basic(short.key.keyId, short.secret)), isRefused)
  later(4999)
  await assert.rejects(authenticate(basic(key.keyId, secret)), isRefused)
  assert.deepEqual(
    (await apiKeys.list({ clusterId: 'lkc-1' })).map(({ keyId }) => keyId),
    [short.key.keyId],
  )
})

test('a warm key costs no storage request, and neither does a flood of one wrong key', async () => {
  const { apiKeys, authenticate, during } = createDoor()
  const { key, secret } = await apiKeys.create(wanted)
  await authenticate(basic(key.keyId, secret))
  const hundred = (ask: () => Promise<unknown>) => during(() => Promise.all(Array.from({ length: 100 }, ask)))
  const nothing = { puts: 0, objectReads: 0, tableReads: 0, tableWrites: 0 }
  assert.deepEqual(await hundred(() => authenticate(basic(key.keyId, secret))), nothing)
  const wrong = () => authenticate(basic('AAAAAAAAAAAAAAAA', 'x')).catch(() => undefined)
  assert.deepEqual(await hundred(wrong), { ...nothing, tableReads: 1 })
})

test('an operator’s key is of no cluster, and listed with the operators’', async () => {
  const { apiKeys, authenticate } = createDoor()
  const { key, secret } = await apiKeys.create({
    ...wanted,
    clusterId: undefined,
    organisationId: undefined,
    owner: 'User:operator',
  })
  assert.equal((await authenticate(basic(key.keyId, secret))).clusterId, undefined)
  assert.deepEqual(
    (await apiKeys.list({ clusterId: undefined })).map(({ keyId }) => keyId),
    [key.keyId],
  )
  assert.deepEqual(await apiKeys.list({ clusterId: 'lkc-1' }), [])
})

test('when a key was used is noted at most every ten minutes', async () => {
  const { apiKeys, authenticate, later } = createDoor()
  const { key, secret } = await apiKeys.create(wanted)
  const use = async () => {
    await authenticate(basic(key.keyId, secret))
    return (await apiKeys.get(key.keyId))?.usedMs
  }
  assert.equal(await use(), 1_000_000)
  later(9 * 60_000)
  assert.equal(await use(), 1_000_000)
  later(60_000)
  assert.equal(await use(), 1_600_000)
})

test('a header that is malformed is refused without repeating it', () => {
  const malformed = [
    '',
    'Basic',
    'Basic  ',
    'Basic a:b',
    'Basic YTpi YTpi',
    `Basic ${Buffer.from('no colon').toString('base64')}`,
    `Basic ${Buffer.from('a:b\nX-Admin: 1').toString('base64')}`,
    `Basic ${Buffer.from([0xff, 0x3a, 0xff]).toString('base64')}`,
    'Basic YTpi\tYTpi',
    'Digest username="x"',
    'Bearer a,b',
    `Bearer ${'x'.repeat(9000)}`,
  ]
  for (const header of malformed) {
    assert.throws(
      () => parseAuthorization(header),
      (error) => isRefused(error) && (header.length < 8 || !String(error).includes(header.slice(6))),
      header,
    )
  }
  assert.deepEqual(parseAuthorization('basic YTpiOmM='), { kind: 'basic', username: 'a', password: 'b:c' })
  assert.deepEqual(parseAuthorization('Basic YTpiOmM'), { kind: 'basic', username: 'a', password: 'b:c' })
  assert.deepEqual(parseAuthorization('Bearer a.b.c'), { kind: 'bearer', token: 'a.b.c' })
  assert.deepEqual(parseAuthorization(null), { kind: 'none' })
})
