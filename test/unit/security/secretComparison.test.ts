// How long the comparison of a secret takes says nothing of how much of it was right. Shown by what is compared and by
// which function, not by a clock: the differences are nanoseconds, and a test that measures them measures the machine.

import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { test } from 'node:test'
import { hashSecret, isSecret } from '../../../shared/security/apiKey.ts'
import { isScramProof } from '../../../shared/security/scram.ts'

const pepper = createSecretKey(new Uint8Array(32).fill(5))
const id = 'AAAAAAAAAAAAAAAA'

/** Notes when anybody looks at a single byte; what is native refuses it by its parameter's name. */
function watched(bytes: Uint8Array) {
  const read: PropertyKey[] = []
  const proxy = new Proxy(bytes, {
    get(target, name) {
      if (typeof name === 'string' && /^\d+$/.test(name)) read.push(name)
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { proxy, read }
}

/** timingSafeEqual calls it buf1 and buf2; what Buffer compares with has other names, and a loop would read bytes. */
const isTimingSafe = (error: unknown) =>
  error instanceof TypeError && /"buf[12]" argument/.test(error.message)

test('stored digests are compared by timingSafeEqual alone', () => {
  const secret = watched(hashSecret(pepper, { id, secret: 'right' }))
  assert.throws(() => isSecret(pepper, { id, secret: 'right' }, secret.proxy), isTimingSafe)
  assert.deepEqual(secret.read, [])
})

test('what is compared of two secrets differs from its first byte on, however long they are the same', () => {
  const right = 'k'.repeat(43)
  const stored = hashSecret(pepper, { id, secret: right })
  const samePrefix = (other: Uint8Array) => other.findIndex((byte, i) => byte !== stored[i])
  for (const known of [0, 10, 20, 30, 42]) {
    const guesses = Array.from(
      { length: 500 },
      (_, i) => right.slice(0, known) + String(i).padStart(43 - known, '-'),
    )
    const total = guesses.reduce((sum, secret) => sum + samePrefix(hashSecret(pepper, { id, secret })), 0)
    // 500 guesses share 500/255 bytes on average; a comparison of the secrets themselves would share `known` each.
    assert.ok(total < 20, `${known} known characters: ${total} bytes`)
  }
})

test('a SCRAM proof is compared by timingSafeEqual alone', () => {
  const storedKey = watched(new Uint8Array(32))
  const credential = {
    salt: new Uint8Array(1),
    iterations: 4096,
    serverKey: new Uint8Array(32),
    storedKey: storedKey.proxy,
  }
  assert.throws(() => isScramProof('SCRAM-SHA-256', credential, 'm', new Uint8Array(32)), TypeError)
  assert.deepEqual(storedKey.read, [])
})
