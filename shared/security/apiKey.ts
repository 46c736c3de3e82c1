// API keys: an id that is no secret and a secret that is shown once. Stored is the secret's HMAC under the deployment's
// pepper, which is not in the table: who reads the table can neither use a key nor try one out. A secret has 256 random
// bits, so that its digest needs no slow hash.

import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import { base32 } from '../base/bytes.ts'
import type { Random } from '../ports/world.ts'

export interface NewApiKey {
  /** 16 of A-Z and 2-7. */
  readonly id: string
  /** 43 of base64url. */
  readonly secret: string
}

export function newApiKey(random: Random): NewApiKey {
  return { id: base32(random.bytes(10)), secret: Buffer.from(random.bytes(32)).toString('base64url') }
}

export const isApiKeyId = (text: string): boolean => /^[A-Z2-7]{16}$/.test(text)

/** Of a pepper; as a KeyObject it is prepared once, which is four fifths of what a digest costs. */
export const pepperBytes = 32

/** The id is part of what is hashed: the digest of one key is of no use in the item of another. */
export function hashSecret(pepper: KeyObject, { id, secret }: NewApiKey): Uint8Array {
  return createHmac('sha256', pepper).update(`${id}\n${secret}`).digest()
}

/** In a time that does not depend on where the first difference is. */
export function isSecret(pepper: KeyObject, given: NewApiKey, hash: Uint8Array): boolean {
  const digest = hashSecret(pepper, given)
  return digest.length === hash.length && timingSafeEqual(digest, hash)
}
