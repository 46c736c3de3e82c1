// SCRAM against the example conversations of RFC 5802's family (RFC 7677, and Kafka's of SHA-512), and the store and
// the routes around it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KafkaError } from '../../../shared/base/errors.ts'
import {
  isScramProof,
  type ScramMechanism,
  saltPassword,
  scramCredential,
  scramServerSignature,
} from '../../../shared/security/scram.ts'
import { createTestTenants } from '../../support/testTenants.ts'

/** RFC 7677, 3: user `user`, password `pencil`. */
const conversation = {
  mechanism: 'SCRAM-SHA-256',
  salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
  message:
    'n=user,r=rOprNGfwEbeRWgbNEkqO,' +
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,' +
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  proof: 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  signature: '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
} as const

async function credentialOf(
  mechanism: ScramMechanism,
  password: string,
  salt: Uint8Array,
  iterations = 4096,
) {
  return scramCredential(
    mechanism,
    await saltPassword(mechanism, password, salt, iterations),
    salt,
    iterations,
  )
}

test('the conversation of RFC 7677 succeeds', async () => {
  const { mechanism, salt, message, proof, signature } = conversation
  const credential = await credentialOf(mechanism, 'pencil', Buffer.from(salt, 'base64'))
  assert.ok(isScramProof(mechanism, credential, message, Buffer.from(proof, 'base64')))
  assert.equal(
    Buffer.from(scramServerSignature(mechanism, credential, message)).toString('base64'),
    signature,
  )
})

test('another password, message, mechanism or length of proof fails', async () => {
  const { mechanism, salt, message, proof } = conversation
  const bytes = Buffer.from(proof, 'base64')
  const saltBytes = Buffer.from(salt, 'base64')
  const good = await credentialOf(mechanism, 'pencil', saltBytes)
  assert.ok(!isScramProof(mechanism, await credentialOf(mechanism, 'pencils', saltBytes), message, bytes))
  assert.ok(!isScramProof(mechanism, good, `${message}x`, bytes))
  assert.ok(!isScramProof(mechanism, good, message, bytes.subarray(1)))
  assert.ok(!isScramProof(mechanism, good, message, Buffer.alloc(0)))
  const long = await credentialOf('SCRAM-SHA-512', 'pencil', saltBytes)
  assert.equal(long.storedKey.length, 64)
  assert.ok(!isScramProof('SCRAM-SHA-512', long, message, bytes))
})

test('what is stored is neither the password nor what a client salts', async () => {
  const { mechanism, salt } = conversation
  const saltBytes = Buffer.from(salt, 'base64')
  const salted = await saltPassword(mechanism, 'pencil', saltBytes, 4096)
  const { storedKey, serverKey } = await credentialOf(mechanism, 'pencil', saltBytes)
  assert.notDeepEqual(storedKey, salted)
  assert.notDeepEqual(serverKey, salted)
  assert.notDeepEqual(storedKey, serverKey)
})

test('iterations and lengths outside Kafka’s bounds are unacceptable', () => {
  const isRefused = (error: unknown) => error instanceof KafkaError && error.row.kafka === 93
  const salt = new Uint8Array(16)
  const salted = new Uint8Array(32)
  const of = (bytes: Uint8Array, with_: Uint8Array, iterations: number) => () =>
    scramCredential('SCRAM-SHA-256', bytes, with_, iterations)
  for (const iterations of [0, 4095, 16_385, Number.MAX_SAFE_INTEGER])
    assert.throws(of(salted, salt, iterations), isRefused)
  assert.throws(of(salted, new Uint8Array(0), 4096), isRefused)
  assert.throws(of(salted.subarray(1), salt, 4096), isRefused)
  assert.ok(of(salted, salt, 16_384)())
})

test('credentials are set, described without secrets, and deleted; each user is answered for itself', async () => {
  const { operator, keyOf, tenants } = await createTestTenants()
  const alter = (body: object) => operator('POST', '/user-scram-credentials:alter', body)
  const salt = Buffer.from('a salt').toString('base64')
  const salted_password = Buffer.alloc(64, 7).toString('base64')
  const made = await alter({
    upsertions: [
      { user: 'alice', mechanism: 'SCRAM-SHA-256', password: 'correct horse' },
      { user: 'alice', mechanism: 'SCRAM-SHA-512', iterations: 8192, salt, salted_password },
      { user: 'bob', mechanism: 'SCRAM-SHA-256', iterations: 100, password: 'weak' },
    ],
    deletions: [{ user: 'carol', mechanism: 'SCRAM-SHA-256' }],
  })
  assert.equal(made.status, 200)
  const codes = Object.fromEntries(
    made.body.data.map(({ user, error }: { user: string; error?: { error_code: number } }) => [
      user,
      error?.error_code,
    ]),
  )
  assert.deepEqual(codes, { alice: undefined, bob: 40002, carol: 404 })
  const described = await operator('GET', '/user-scram-credentials')
  const shown = described.body.data.map(({ user, mechanism, iterations }: Record<string, unknown>) => [
    user,
    mechanism,
    iterations,
  ])
  assert.deepEqual(shown, [
    ['alice', 'SCRAM-SHA-256', 4096],
    ['alice', 'SCRAM-SHA-512', 8192],
  ])
  const text = JSON.stringify(described.body)
  for (const secret of ['salt', 'key', 'password', salt]) assert.ok(!text.includes(secret), secret)
  const twice = { user: 'alice', mechanism: 'SCRAM-SHA-256' }
  assert.equal((await alter({ deletions: [twice, twice] })).body.data[0].error.error_code, 40002)
  assert.equal((await alter({ deletions: [twice] })).body.data[0].error, undefined)
  assert.equal((await operator('GET', '/user-scram-credentials')).body.data.length, 1)
  const alice = await keyOf('User:alice')
  assert.equal((await alice('GET', '/user-scram-credentials')).status, 403)
  assert.equal((await alice('POST', '/user-scram-credentials:alter', {})).status, 403)
  await tenants.idle()
})

test('an alteration says one thing of a password, in bounds', async () => {
  const { operator } = await createTestTenants()
  const one = (fields: object) =>
    operator('POST', '/user-scram-credentials:alter', {
      upsertions: [{ user: 'alice', mechanism: 'SCRAM-SHA-256', ...fields }],
    })
  for (const fields of [
    {},
    { password: 'x', salt: 'YQ==', salted_password: 'YQ==' },
    { salt: 'YQ==' },
    { salt: '!', salted_password: 'YQ==' },
    { mechanism: 'PLAIN', password: 'x' },
    { user: '', password: 'x' },
    { password: 'x'.repeat(2000) },
  ]) {
    const { status, body } = await one(fields)
    assert.equal(status, 400, JSON.stringify(fields))
    assert.ok(!JSON.stringify(body).includes('xxx'))
  }
})
