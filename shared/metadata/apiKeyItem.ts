// An API key. Attributes (names are stored): cluster (absent: an operator's), owner (a principal), hash (the secret's
// HMAC, 32 bytes), about (its description), created, expires (absent: never), used (some minutes old; absent: never
// yet); times in ms.

import { invariant } from '../base/errors.ts'
import type { Attributes, Item } from '../ports/table.ts'

export interface ApiKeyItem {
  readonly keyId: string
  /** undefined: an operator's, which is good for the whole deployment. */
  readonly clusterId: string | undefined
  readonly owner: string
  readonly hash: Uint8Array
  readonly description: string
  readonly createdMs: number
  readonly expiresMs: number | undefined
  readonly usedMs: number | undefined
}

export function apiKeyAttributes(key: Omit<ApiKeyItem, 'usedMs'>): Attributes {
  return {
    id: key.keyId,
    ...(key.clusterId === undefined ? {} : { cluster: key.clusterId }),
    owner: key.owner,
    hash: key.hash,
    about: key.description,
    created: key.createdMs,
    ...(key.expiresMs === undefined ? {} : { expires: key.expiresMs }),
  }
}

export function parseApiKeyItem({ attributes }: Item): ApiKeyItem {
  const { id, cluster, owner, hash, about, created, expires, used } = attributes
  invariant(typeof id === 'string' && typeof owner === 'string', 'an API key has an id and an owner')
  invariant(
    hash instanceof Uint8Array && typeof about === 'string',
    'an API key has a hash and a description',
  )
  invariant(typeof created === 'number', 'an API key has its time')
  return {
    keyId: id,
    clusterId: typeof cluster === 'string' ? cluster : undefined,
    owner,
    hash,
    description: about,
    createdMs: created,
    expiresMs: typeof expires === 'number' ? expires : undefined,
    usedMs: typeof used === 'number' ? used : undefined,
  }
}
