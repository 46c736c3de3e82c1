// From what a request says of its caller to who it is. What is known of a key is some seconds old at most, so that a
// revoked one is refused everywhere soon after, and a warm request reads nothing. Every refusal says the same: neither
// which part was wrong nor whether there is such a key.

import type { KeyObject } from 'node:crypto'
import { KafkaError } from '../base/errors.ts'
import type { ApiKeyItem, KeyResource } from '../metadata/apiKeyItem.ts'
import { createRemembered } from '../ports/remembered.ts'
import type { Clock } from '../ports/world.ts'
import { isApiKeyId, isSecret } from '../security/apiKey.ts'
import type { ApiKeys } from '../security/apiKeys.ts'
import type { Credentials } from '../security/credentials.ts'
import type { MapSubject } from '../security/principalMapping.ts'

export interface Identity extends KeyResource {
  /** `User:…` */
  readonly principal: string
  /** By what it was shown, for logs; never a secret. */
  readonly credentialId: string
}

export interface AuthenticatorDeps {
  readonly apiKeys: ApiKeys
  readonly pepper: KeyObject
  readonly clock: Clock
  /** Who a bearer token is about; undefined: nobody that is known here. */
  readonly verifyToken: (token: string, poolId: string | undefined) => Promise<Identity | undefined>
  /** Whom the gateway's client certificates are about; undefined: there is no such gateway. */
  readonly certificates: Certificates | undefined
  readonly reportBackgroundFailure: (error: unknown) => void
}

export interface Certificates {
  /** The request header in which the gateway says the subject. */
  readonly header: string
  readonly mapSubject: MapSubject
  /** What they open. */
  readonly clusterId: string
}

/** Whom every cluster is open to. */
export const isOperator = ({ clusterId, organisationId }: KeyResource): boolean =>
  clusterId === undefined && organisationId === undefined

/** Error: UNAUTHENTICATED. */
export type Authenticate = (credentials: Credentials) => Promise<Identity>

/** With the time of a read, a revocation takes effect within 5 s. */
const keyMaxAgeMs = 4000
const keysRemembered = 10_000
const useNotedEveryMs = 10 * 60_000

export function createAuthenticator(deps: AuthenticatorDeps): Authenticate {
  const settings = { clock: deps.clock, maxAgeMs: keyMaxAgeMs, entriesMax: keysRemembered }
  const keys = createRemembered(settings, (keyId) => deps.apiKeys.get(keyId))
  const noteUse = createUseNotes(deps)

  const byApiKey = async (id: string, secret: string): Promise<Identity> => {
    const key = isApiKeyId(id) ? await keys.get(id) : undefined
    if (!isGood(deps, key, { id, secret })) throw unauthenticated(id, key)
    noteUse(key)
    const { owner, clusterId, organisationId, keyId } = key
    return { principal: owner, clusterId, organisationId, credentialId: keyId }
  }

  return async (credentials) => {
    switch (credentials.kind) {
      case 'none':
        throw new KafkaError(
          'UNAUTHENTICATED',
          'Authentication is required: an API key as Basic, or a Bearer token.',
        )
      case 'basic':
        return byApiKey(credentials.username, credentials.password)
      case 'bearer': {
        const identity = await deps.verifyToken(credentials.token, credentials.poolId)
        if (identity === undefined) throw unauthenticated()
        return identity
      }
      case 'certificate':
        return byCertificate(deps.certificates, credentials.subject)
    }
  }
}

function isGood(
  { pepper, clock }: AuthenticatorDeps,
  key: ApiKeyItem | undefined,
  given: { readonly id: string; readonly secret: string },
): key is ApiKeyItem {
  // Hashed also where there is no such key, which takes as long then.
  const isRight = isSecret(pepper, given, key?.hash ?? nobodysHash)
  return key !== undefined && isRight && (key.expiresMs === undefined || clock.now() < key.expiresMs)
}

const nobodysHash = new Uint8Array(32)

function byCertificate(certificates: Certificates | undefined, subject: string): Identity {
  const name = certificates?.mapSubject(subject)
  if (certificates === undefined || name === undefined || name === '') throw unauthenticated()
  return { principal: `User:${name}`, clusterId: certificates.clusterId, credentialId: subject }
}

/** For the audit log it says which key was tried, where that is one's id: anything else may be a secret. */
function unauthenticated(given = '', key?: ApiKeyItem): KafkaError {
  const details = {
    ...(isApiKeyId(given) ? { credentialId: given } : {}),
    ...(key?.clusterId === undefined ? {} : { clusterId: key.clusterId }),
  }
  return new KafkaError('UNAUTHENTICATED', 'The credentials are not known here, or not any more.', details)
}

/** When a key was used last is for people who clean up: some minutes off is near enough, and costs next to nothing. */
function createUseNotes({ apiKeys, clock, reportBackgroundFailure }: AuthenticatorDeps) {
  const noted = new Map<string, number>()
  return ({ keyId, usedMs = 0 }: ApiKeyItem): void => {
    const nowMs = clock.now()
    if (nowMs - Math.max(usedMs, noted.get(keyId) ?? 0) < useNotedEveryMs) return
    if (noted.size >= keysRemembered) noted.clear()
    noted.set(keyId, nowMs)
    apiKeys.noteUse(keyId, nowMs).catch(reportBackgroundFailure)
  }
}
