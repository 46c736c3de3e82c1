// SCRAM credentials (RFC 5802, RFC 7677) as Kafka's KIP-554 speaks of them: what is kept of a password is good for
// checking who knows it, and for nothing else. Pure but for the time that the derivation takes.
//
//   SaltedPassword = PBKDF2(password, salt, iterations)
//   StoredKey = H(HMAC(SaltedPassword, "Client Key"))     what a client proves that it knows
//   ServerKey = HMAC(SaltedPassword, "Server Key")        what the server proves in return

import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { KafkaError } from '../base/errors.ts'

export const scramMechanisms = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
export type ScramMechanism = (typeof scramMechanisms)[number]

export interface ScramCredential {
  readonly salt: Uint8Array
  readonly iterations: number
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

/** Kafka's bounds: fewer are quickly guessed, more would let one request keep a processor busy. */
export const scramIterations = { min: 4096, max: 16_384 }
const saltBytesMax = 1024

const hashes = { 'SCRAM-SHA-256': 'sha256', 'SCRAM-SHA-512': 'sha512' } as const
const scramHashBytes = { 'SCRAM-SHA-256': 32, 'SCRAM-SHA-512': 64 } as const

/** Error: UNACCEPTABLE_CREDENTIAL. */
export function checkScram(iterations: number, salt: Uint8Array): void {
  const { min, max } = scramIterations
  if (iterations < min || iterations > max) {
    throw unacceptable(`iterations must be from ${min} to ${max}, not ${iterations}`)
  }
  if (salt.length === 0 || salt.length > saltBytesMax)
    throw unacceptable(`salt must have 1 to ${saltBytesMax} bytes`)
}

const derive = promisify(pbkdf2)

/** What a client may do itself, and then need not send its password. As Kafka's, without SASLprep. */
export function saltPassword(
  mechanism: ScramMechanism,
  password: string,
  salt: Uint8Array,
  iterations: number,
): Promise<Uint8Array> {
  return derive(password, salt, iterations, scramHashBytes[mechanism], hashes[mechanism])
}

/** Errors: UNACCEPTABLE_CREDENTIAL. */
export function scramCredential(
  mechanism: ScramMechanism,
  saltedPassword: Uint8Array,
  salt: Uint8Array,
  iterations: number,
): ScramCredential {
  checkScram(iterations, salt)
  const bytes = scramHashBytes[mechanism]
  if (saltedPassword.length !== bytes) throw unacceptable(`salted_password must have ${bytes} bytes`)
  return {
    salt,
    iterations,
    storedKey: hash(mechanism, hmac(mechanism, saltedPassword, 'Client Key')),
    serverKey: hmac(mechanism, saltedPassword, 'Server Key'),
  }
}

/** Whether the proof is of somebody who knows the password; `authMessage` is what both have said so far. */
export function isScramProof(
  mechanism: ScramMechanism,
  { storedKey }: ScramCredential,
  authMessage: string,
  proof: Uint8Array,
): boolean {
  const signature = hmac(mechanism, storedKey, authMessage)
  if (proof.length !== signature.length) return false
  const clientKey = signature.map((byte, i) => byte ^ (proof[i] ?? 0))
  return timingSafeEqual(hash(mechanism, clientKey), storedKey)
}

export const scramServerSignature = (
  mechanism: ScramMechanism,
  { serverKey }: ScramCredential,
  authMessage: string,
): Uint8Array => hmac(mechanism, serverKey, authMessage)

const hmac = (mechanism: ScramMechanism, key: Uint8Array, text: string): Uint8Array =>
  createHmac(hashes[mechanism], key).update(text).digest()

const hash = (mechanism: ScramMechanism, bytes: Uint8Array): Uint8Array =>
  createHash(hashes[mechanism]).update(bytes).digest()

const unacceptable = (why: string): KafkaError => new KafkaError('UNACCEPTABLE_CREDENTIAL', `${why}.`)
