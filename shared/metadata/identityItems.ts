// Identity providers and their pools, as they are stored. Attributes (names are stored): of a provider name, about (its
// description), issuer, created (ms); of a pool name, about, claim (`claims.sub`), filter, audience, cluster, created.

import { invariant } from '../base/errors.ts'
import type { Attributes, Item } from '../ports/table.ts'

export interface IdentityProvider {
  /** `op-…` */
  readonly id: string
  readonly name: string
  readonly description: string
  /** What its tokens say in `iss`, to the letter. */
  readonly issuer: string
  readonly createdMs: number
}

export interface IdentityPool {
  /** `pool-…` */
  readonly id: string
  readonly name: string
  readonly description: string
  /** Whose value is the principal's name: `claims.sub`. */
  readonly identityClaim: string
  /** Which tokens are the pool's, see claimFilter.ts. */
  readonly filter: string
  /** One of those in `aud`. */
  readonly audience: string
  readonly clusterId: string
  readonly createdMs: number
}

export const identityProviderAttributes = (provider: IdentityProvider): Attributes => ({
  name: provider.name,
  about: provider.description,
  issuer: provider.issuer,
  created: provider.createdMs,
})

export function parseIdentityProvider({ key, attributes }: Item): IdentityProvider {
  const text = textOf(attributes)
  return {
    id: key.sk,
    name: text('name'),
    description: text('about'),
    issuer: text('issuer'),
    createdMs: timeOf(attributes),
  }
}

export const identityPoolAttributes = (pool: IdentityPool): Attributes => ({
  name: pool.name,
  about: pool.description,
  claim: pool.identityClaim,
  filter: pool.filter,
  audience: pool.audience,
  cluster: pool.clusterId,
  created: pool.createdMs,
})

export function parseIdentityPool({ key, attributes }: Item): IdentityPool {
  const text = textOf(attributes)
  return {
    id: key.sk,
    name: text('name'),
    description: text('about'),
    identityClaim: text('claim'),
    filter: text('filter'),
    audience: text('audience'),
    clusterId: text('cluster'),
    createdMs: timeOf(attributes),
  }
}

const textOf =
  (attributes: Attributes) =>
  (name: string): string => {
    const value = attributes[name]
    invariant(typeof value === 'string', `an identity item has a text "${name}"`)
    return value
  }

function timeOf({ created }: Attributes): number {
  invariant(typeof created === 'number', 'an identity item has its time')
  return created
}
