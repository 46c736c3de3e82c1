// Bearer tokens: JWTs of the issuers that operators trust. A token opens what its identity pool says, when its issuer
// signed it with a key of its own by an asymmetric algorithm, for the pool's audience, and it is neither too young nor
// too old. Whatever else is wrong with it, the answer is the same, and nothing of it is repeated.

import { decodeJwt, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose'
import { KafkaError } from '../base/errors.ts'
import type { IdentityPool } from '../metadata/identityItems.ts'
import type { Clock } from '../ports/world.ts'
import { claimAt, parseClaimFilter } from './claimFilter.ts'
import type { IdentityProviders } from './identityProviders.ts'
import type { KeysOf } from './issuerKeys.ts'

export interface TokenVerifierDeps {
  readonly providers: Pick<IdentityProviders, 'poolsOf'>
  readonly keysOf: KeysOf
  readonly clock: Clock
  readonly dateOf: (ms: number) => NonNullable<JWTVerifyOptions['currentDate']>
}

export interface TokenIdentity {
  readonly principal: string
  readonly clusterId: string
  /** The pool. */
  readonly credentialId: string
}

/**
 * `poolId`: which pool the caller means, where several would take the token. undefined: nobody that is known here.
 * Errors: UNAUTHENTICATED where a pool must be named, SERVICE_BUSY where the issuer cannot be asked for its keys.
 */
export type VerifyToken = (token: string, poolId: string | undefined) => Promise<TokenIdentity | undefined>

/** Whoever has the public key could sign by HS256 where that was allowed too; `none` is signed by nobody. */
const algorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]
const clockSkewSecondsMax = 60
const nameLengthMax = 255

export function createTokenVerifier(deps: TokenVerifierDeps): VerifyToken {
  return async (token, poolId) => {
    const issuer = issuerOf(token)
    const pools = issuer === undefined ? undefined : await deps.providers.poolsOf(issuer)
    if (issuer === undefined || pools === undefined) return undefined
    const claims = await verify(deps, token, issuer)
    if (claims === undefined) return undefined
    const takers = pools.filter((pool) => (poolId === undefined || pool.id === poolId) && takes(pool, claims))
    if (takers.length > 1) {
      const message = 'Several identity pools take this token: name one in Confluent-Identity-Pool-Id.'
      throw new KafkaError('UNAUTHENTICATED', message)
    }
    const [pool] = takers
    const name = pool && nameIn(claims, pool)
    return name === undefined || pool === undefined
      ? undefined
      : { principal: `User:${name}`, clusterId: pool.clusterId, credentialId: pool.id }
  }
}

/** As the token says, which proves nothing yet. */
function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss
  } catch (error) {
    return refuse(error)
  }
}

async function verify(
  { keysOf, clock, dateOf }: TokenVerifierDeps,
  token: string,
  issuer: string,
): Promise<JWTPayload | undefined> {
  const options: JWTVerifyOptions = {
    algorithms,
    issuer,
    requiredClaims: ['exp'],
    clockTolerance: clockSkewSecondsMax,
    currentDate: dateOf(clock.now()),
  }
  try {
    return (await jwtVerify(token, keysOf(issuer), options)).payload
  } catch (error) {
    return refuse(error)
  }
}

function refuse(error: unknown): undefined {
  if (error instanceof errors.JOSEError) return undefined
  throw error
}

function takes({ audience, filter }: IdentityPool, claims: JWTPayload): boolean {
  const audiences = Array.isArray(claims.aud) ? claims.aud : [claims.aud]
  return audiences.includes(audience) && parseClaimFilter(filter)(claims)
}

/** A token names neither everybody nor a service account: those are given rights by other means. */
function nameIn(claims: JWTPayload, { identityClaim }: IdentityPool): string | undefined {
  const name = claimAt(claims, identityClaim)
  if (typeof name !== 'string' || name === '' || name.length > nameLengthMax) return undefined
  return name === '*' || /^sa-/i.test(name) || /\p{Cc}/u.test(name) ? undefined : name
}
