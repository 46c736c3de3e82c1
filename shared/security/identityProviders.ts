// Identity providers, whose tokens are trusted, and identity pools, which say what a token opens: made, listed and
// removed by operators, and looked up for every token. What a look-up finds is some seconds old at most.

import { base32 } from '../base/bytes.ts'
import { KafkaError } from '../base/errors.ts'
import {
  type IdentityPool,
  type IdentityProvider,
  identityPoolAttributes,
  identityProviderAttributes,
  parseIdentityPool,
  parseIdentityProvider,
} from '../metadata/identityItems.ts'
import {
  identityPoolKey,
  identityPoolsPk,
  identityProviderKey,
  identityProvidersPk,
} from '../metadata/scope.ts'
import { queryAll } from '../ports/queryAll.ts'
import { type ListPage, type PageWanted, queryPage } from '../ports/queryPage.ts'
import { createRemembered } from '../ports/remembered.ts'
import { retryRepeatable, retryRepeatableWrite } from '../ports/retry.ts'
import type { Item, ItemKey, Table } from '../ports/table.ts'
import type { Clock, Random } from '../ports/world.ts'
import { checkIdentityClaim, parseClaimFilter } from './claimFilter.ts'
import { type IssuerNetwork, issuerUrlProblem } from './issuerUrl.ts'

export interface IdentityProvidersDeps {
  readonly table: Table
  readonly clock: Clock
  readonly random: Random
  readonly network: Pick<IssuerNetwork, 'loopback'>
}

export interface IdentityProviders {
  /** Errors: BAD_REQUEST, POLICY_VIOLATION. */
  create(wanted: Omit<IdentityProvider, 'id' | 'createdMs'>): Promise<IdentityProvider>
  /** By id. */
  listPage(wanted: PageWanted): Promise<ListPage<IdentityProvider>>
  /** With its pools. Error: NOT_FOUND. */
  delete(id: string): Promise<void>
  /** Errors: NOT_FOUND, BAD_REQUEST, POLICY_VIOLATION. */
  createPool(providerId: string, wanted: Omit<IdentityPool, 'id' | 'createdMs'>): Promise<IdentityPool>
  /** By id. Error: NOT_FOUND. */
  listPoolPage(providerId: string, wanted: PageWanted): Promise<ListPage<IdentityPool>>
  /** Error: NOT_FOUND. */
  deletePool(providerId: string, id: string): Promise<void>
  /** Of all its providers, some seconds old; undefined: nobody trusts that issuer. */
  poolsOf(issuer: string): Promise<readonly IdentityPool[] | undefined>
}

/** With the time of a read, a revocation takes effect within 5 s. */
const maxAgeMs = 4000
/** All of them are read at once, so that a flood of tokens of unknown issuers reads nothing. */
const providersMax = 200
const poolsMax = 1000

export function createIdentityProviders(deps: IdentityProvidersDeps): IdentityProviders {
  const settings = { clock: deps.clock, maxAgeMs, entriesMax: providersMax }
  const list = async () => (await readAll(deps, identityProvidersPk)).map(parseIdentityProvider)
  const readPools = async (id: string) => (await readAll(deps, identityPoolsPk(id))).map(parseIdentityPool)
  const providers = createRemembered(settings, list)
  const pools = createRemembered(settings, readPools)
  const requireProvider = async (id: string) => {
    const item = await retryRepeatable(deps, () => deps.table.get(identityProviderKey(id)))
    if (item === undefined) throw new KafkaError('NOT_FOUND', `There is no identity provider ${id}.`)
  }

  return {
    listPage: (wanted) => queryPage(deps, { pk: identityProvidersPk }, wanted, parseIdentityProvider),
    async create(wanted) {
      const problem = issuerUrlProblem(wanted.issuer, deps.network)
      if (problem !== undefined) throw new KafkaError('BAD_REQUEST', `issuer ${problem}.`)
      checkCount('A deployment', 'identity providers', (await list()).length, providersMax)
      const provider = { ...wanted, id: newId(deps, 'op'), createdMs: deps.clock.now() }
      await put(deps, identityProviderKey(provider.id), identityProviderAttributes(provider))
      return provider
    },
    async delete(id) {
      // Its tokens end with it; pools that are left behind belong to nobody.
      await remove(deps, identityProviderKey(id), `There is no identity provider ${id}.`)
      for (const pool of await readPools(id)) await removeAny(deps, identityPoolKey(id, pool.id))
    },
    async createPool(providerId, wanted) {
      checkIdentityClaim(wanted.identityClaim)
      parseClaimFilter(wanted.filter)
      await requireProvider(providerId)
      checkCount('An identity provider', 'pools', (await readPools(providerId)).length, poolsMax)
      const pool = { ...wanted, id: newId(deps, 'pool'), createdMs: deps.clock.now() }
      await put(deps, identityPoolKey(providerId, pool.id), identityPoolAttributes(pool))
      return pool
    },
    async listPoolPage(providerId, wanted) {
      await requireProvider(providerId)
      return queryPage(deps, { pk: identityPoolsPk(providerId) }, wanted, parseIdentityPool)
    },
    deletePool: (providerId, id) =>
      remove(deps, identityPoolKey(providerId, id), `There is no identity pool ${id}.`),
    async poolsOf(issuer) {
      const trusted = (await providers.get('all')).filter((provider) => provider.issuer === issuer)
      if (trusted.length === 0) return undefined
      return (await Promise.all(trusted.map(({ id }) => pools.get(id)))).flat()
    },
  }
}

const newId = ({ random }: IdentityProvidersDeps, kind: 'op' | 'pool'): string =>
  `${kind}-${base32(random.bytes(10)).slice(0, 10).toLowerCase()}`

function checkCount(whose: string, what: string, count: number, max: number): void {
  if (count < max) return
  throw new KafkaError('POLICY_VIOLATION', `${whose} has at most ${max} ${what}.`)
}

const readAll = (deps: IdentityProvidersDeps, pk: string): Promise<readonly Item[]> => queryAll(deps, { pk })

async function put(deps: IdentityProvidersDeps, key: ItemKey, attributes: Item['attributes']): Promise<void> {
  await retryRepeatableWrite(deps, () => deps.table.write({ kind: 'put', key, attributes }))
}

async function remove(deps: IdentityProvidersDeps, key: ItemKey, missing: string): Promise<void> {
  const write = { kind: 'delete', key, when: [{ kind: 'itemExists' }] } as const
  const outcome = await retryRepeatableWrite(deps, () => deps.table.write(write))
  if (!outcome.ok) throw new KafkaError('NOT_FOUND', missing)
}

async function removeAny(deps: IdentityProvidersDeps, key: ItemKey): Promise<void> {
  await retryRepeatableWrite(deps, () => deps.table.write({ kind: 'delete', key }))
}
