// An API key. Attributes (names are stored): org (whose; absent: an operator's), cluster (what it opens; absent: no
// cluster's), owner (a principal), hash (the secret's HMAC, 32 bytes), about (its description), created, expires
// (absent: never), used (some minutes old; absent: never yet); times in ms.

import { invariant } from '../base/errors.ts'
import type { Attributes, Item } from '../ports/table.ts'

/** What a key is good for: a cluster, where one is named, else an organisation, else the whole deployment. */
export interface KeyResource {
  readonly clusterId: string | undefined
  /** Absent of operators' keys: no organisation has a part in them. */
  readonly organisationId?: string | undefined
}

export interface ApiKeyItem extends KeyResource {
  readonly keyId: string
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
    ...(key.organisationId === undefined ? {} : { org: key.organisationId }),
    ...(key.clusterId === undefined ? {} : { cluster: key.clusterId }),
    owner: key.owner,
    hash: key.hash,
    about: key.description,
    created: key.createdMs,
    ...(key.expiresMs === undefined ? {} : { expires: key.expiresMs }),
  }
}

export function parseApiKeyItem({ attributes }: Item): ApiKeyItem {
  const { id, org, cluster, owner, hash, about, created, expires, used } = attributes
  invariant(typeof id === 'string' && typeof owner === 'string', 'an API key has an id and an owner')
  invariant(
    hash instanceof Uint8Array && typeof about === 'string',
    'an API key has a hash and a description',
  )
  invariant(typeof created === 'number', 'an API key has its time')
  return {
    keyId: id,
    organisationId: typeof org === 'string' ? org : undefined,
    clusterId: typeof cluster === 'string' ? cluster : undefined,
    owner,
    hash,
    description: about,
    createdMs: created,
    expiresMs: typeof expires === 'number' ? expires : undefined,
    usedMs: typeof used === 'number' ? used : undefined,
  }
}
