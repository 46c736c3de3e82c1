// The keys that issuers sign with, as they publish them: found by OpenID Connect Discovery, kept for a while, fetched
// again when a token names one that is not among them. How often an issuer is asked does not depend on how many tokens
// come, nor on what is in them. An issuer that does not answer is no reason to refuse tokens whose key is known.

import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { KafkaError } from '../base/errors.ts'
import { createRemembered } from '../ports/remembered.ts'
import type { Clock } from '../ports/world.ts'
import { type IssuerNetwork, issuerUrlProblem } from './issuerUrl.ts'

export interface IssuerKeysDeps {
  readonly clock: Clock
  readonly network: IssuerNetwork
  readonly reportBackgroundFailure: (error: unknown) => void
}

/** The key of a token of that issuer. Error: SERVICE_BUSY where the issuer cannot be asked. */
export type KeysOf = (issuer: string) => JWTVerifyGetKey

interface KnownKeys {
  readonly find: JWTVerifyGetKey
  readonly fetchedMs: number
}

interface IssuerState {
  keys: KnownKeys | undefined
  /** When the issuer was asked last, whatever came of it. */
  askedMs: number
  asking: Promise<void> | undefined
  failure: KafkaError | undefined
}

const freshMsMax = 10 * 60_000
const staleMsMax = 60 * 60_000
const askEveryMs = 30_000
const askAgainMs = 5000
const issuersRemembered = 1000
const keysMax = 100

export function createIssuerKeys(deps: IssuerKeysDeps): KeysOf {
  const settings = { clock: deps.clock, maxAgeMs: Number.POSITIVE_INFINITY, entriesMax: issuersRemembered }
  const states = createRemembered(settings, () =>
    Promise.resolve<IssuerState>({
      keys: undefined,
      askedMs: Number.NEGATIVE_INFINITY,
      asking: undefined,
      failure: undefined,
    }),
  )

  const ask = (issuer: string, state: IssuerState): Promise<void> => {
    state.asking ??= refresh(deps, issuer, state).finally(() => {
      state.asking = undefined
    })
    return state.asking
  }

  const current = async (issuer: string, state: IssuerState): Promise<KnownKeys> => {
    const plan = planKeys(state, deps.clock.now())
    if (plan === 'wait') await ask(issuer, state)
    if (plan === 'useAndAsk') void ask(issuer, state)
    const tooOld = plan === 'refuse' || (plan === 'wait' && state.failure !== undefined)
    if (state.keys === undefined || tooOld) throw state.failure ?? unreachable()
    return state.keys
  }

  return (issuer) => async (header, token) => {
    const state = await states.get(issuer)
    const known = await current(issuer, state)
    try {
      return await known.find(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      const isAsked = state.asking !== undefined || mayAsk(state, deps.clock.now())
      if (!isAsked) throw state.failure ?? error
      await ask(issuer, state)
      if (state.failure !== undefined) throw state.failure
      return (state.keys ?? known).find(header, token)
    }
  }
}

/** What to do about keys whose age is not the only thing that counts: an issuer is not asked on every request. */
function planKeys(
  state: Pick<IssuerState, 'keys' | 'askedMs' | 'asking' | 'failure'>,
  nowMs: number,
): 'use' | 'useAndAsk' | 'wait' | 'refuse' {
  const ageMs = nowMs - (state.keys?.fetchedMs ?? Number.NEGATIVE_INFINITY)
  if (ageMs < freshMsMax) return 'use'
  const canAsk = state.asking !== undefined || mayAsk(state, nowMs)
  if (ageMs < staleMsMax) return canAsk ? 'useAndAsk' : 'use'
  return canAsk ? 'wait' : 'refuse'
}

const mayAsk = ({ askedMs, failure }: Pick<IssuerState, 'askedMs' | 'failure'>, nowMs: number): boolean =>
  nowMs - askedMs >= (failure === undefined ? askEveryMs : askAgainMs)

/** Does not fail: what went wrong is noted, and reported as seldom as the issuer is asked. */
async function refresh(deps: IssuerKeysDeps, issuer: string, state: IssuerState): Promise<void> {
  state.askedMs = deps.clock.now()
  try {
    const find = await fetchKeys(deps.network, issuer)
    state.keys = { find, fetchedMs: deps.clock.now() }
    state.failure = undefined
  } catch (error) {
    state.failure = unreachable()
    deps.reportBackgroundFailure(error)
  }
}

async function fetchKeys(network: IssuerNetwork, issuer: string): Promise<JWTVerifyGetKey> {
  const getJson = async (url: string): Promise<unknown> => {
    const problem = issuerUrlProblem(url, network)
    if (problem !== undefined) throw new Error(`a URL of an issuer ${problem}: ${url}`)
    return network.getJson(url)
  }
  const found = await getJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
  // Another's document would have its tokens verified by keys that are not its own.
  if (textOf(found, 'issuer') !== issuer)
    throw new Error(`the discovery document of ${issuer} is of another issuer`)
  const keySet = await getJson(textOf(found, 'jwks_uri'))
  if (!isKeySet(keySet)) throw new Error(`what ${issuer} publishes is no set of at most ${keysMax} keys`)
  return createLocalJWKSet(keySet)
}

function textOf(document: unknown, field: 'issuer' | 'jwks_uri'): string {
  const value: unknown =
    document instanceof Object ? Object.entries(document).find(([name]) => name === field)?.[1] : undefined
  if (typeof value === 'string') return value
  throw new Error(`a discovery document has no ${field}`)
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  return (
    value instanceof Object && 'keys' in value && Array.isArray(value.keys) && value.keys.length <= keysMax
  )
}

const unreachable = (): KafkaError =>
  new KafkaError(
    'SERVICE_BUSY',
    'The issuer of this token does not say now by which keys it signs. Try again.',
  )
