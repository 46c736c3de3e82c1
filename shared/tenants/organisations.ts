// The organisations of a deployment: customers, each with clusters, service accounts and API keys of its own.
// Attributes (names are stored): name, state, created (ms), limits (those that are not the default's, JSON), clusters
// (how many it has; counted in the writes that make and remove them, see clusters.ts).

import { base32 } from '../base/bytes.ts'
import { invariant, KafkaError } from '../base/errors.ts'
import { organisationKey, organisationsPk } from '../metadata/scope.ts'
import { type ListPage, type PageWanted, queryPage } from '../ports/queryPage.ts'
import { retryRepeatable, retryRepeatableWrite } from '../ports/retry.ts'
import type { Attributes, Condition, Item, Table } from '../ports/table.ts'
import type { Clock, Random } from '../ports/world.ts'

/** SUSPENDED: nobody may use its clusters, data is kept. */
export type OrganisationState = 'ACTIVE' | 'SUSPENDED'

export interface Organisation {
  /** `org-…` */
  readonly id: string
  readonly name: string
  readonly state: OrganisationState
  readonly createdMs: number
  readonly limits: Readonly<Record<string, number>>
  /** How many it has, those that are being deleted with them. */
  readonly clusterCount: number
}

export type OrganisationChange = (
  organisation: Organisation,
) => Partial<Pick<Organisation, 'name' | 'state' | 'limits'>>

export interface Organisations {
  /** With this id, where one is given. */
  create(name: string, id?: string): Promise<Organisation>
  get(id: string): Promise<Organisation | undefined>
  /** By id. */
  listPage(wanted: PageWanted): Promise<ListPage<Organisation>>
  /** Reads, lets `change` decide, writes if nobody has changed it meanwhile; else again. Error: NOT_FOUND. */
  update(id: string, change: OrganisationChange): Promise<Organisation>
  /** Errors: NOT_FOUND; INVALID_REQUEST where it has clusters. */
  delete(id: string): Promise<void>
}

export interface OrganisationsDeps {
  readonly table: Table
  readonly clock: Clock
  readonly random: Random
}

/** Which clusters are in, and accounts, where nobody says another. */
export const defaultOrganisationId = 'org-default'

/** Whether there can be such an organisation. */
export const isOrganisationId = (text: string): boolean => /^org-[a-z0-9-]{1,60}$/.test(text)

const changeAttemptsMax = 10

export function createOrganisations(deps: OrganisationsDeps): Organisations {
  return {
    create: (name, id) => create(deps, name, id ?? newOrganisationId(deps.random)),
    get: (id) => get(deps, id),
    listPage: (wanted) => queryPage(deps, { pk: organisationsPk }, wanted, parseOrganisation),
    update: (id, change) => update(deps, id, change),
    delete: (id) => remove(deps, id),
  }
}

const newOrganisationId = (random: Random): string =>
  `org-${base32(random.bytes(10)).slice(0, 10).toLowerCase()}`

async function create(deps: OrganisationsDeps, name: string, id: string): Promise<Organisation> {
  const createdMs = deps.clock.now()
  const made = { id, name, state: 'ACTIVE', createdMs, limits: {}, clusterCount: 0 } as const
  const attributes = { ...changeable(made), created: createdMs, clusters: 0 }
  const put = { kind: 'put', key: organisationKey(id), attributes } as const
  const outcome = await retryRepeatableWrite(deps, () =>
    deps.table.write({ ...put, when: [{ kind: 'itemAbsent' }] }),
  )
  if (outcome.ok) return made
  // A lost answer repeated finds what it wrote itself.
  const there = outcome.current && parseOrganisation(outcome.current)
  if (there?.createdMs === createdMs && there.name === name) return there
  throw new KafkaError('INVALID_REQUEST', `There is an organization ${id} already.`)
}

async function get(deps: OrganisationsDeps, id: string): Promise<Organisation | undefined> {
  if (!isOrganisationId(id)) return undefined
  const item = await retryRepeatable(deps, () => deps.table.get(organisationKey(id)))
  return item && parseOrganisation(item)
}

async function update(
  deps: OrganisationsDeps,
  id: string,
  change: OrganisationChange,
): Promise<Organisation> {
  for (let attempt = 0; attempt < changeAttemptsMax; attempt++) {
    const before = await get(deps, id)
    if (before === undefined) throw organisationNotFound(id)
    const after = { ...before, ...change(before) }
    const actions = Object.entries(changeable(after)).map(
      ([attribute, value]) => ({ kind: 'set', attribute, value }) as const,
    )
    const when = Object.entries(changeable(before)).map(
      ([attribute, value]): Condition => ({ kind: 'equals', attribute, value }),
    )
    const write = { kind: 'update', key: organisationKey(id), actions, when } as const
    const outcome = await retryRepeatableWrite(deps, () => deps.table.write(write))
    if (outcome.ok) return after
  }
  const message = `Organization ${id} is being changed by many at once. Try again.`
  throw new KafkaError('KAFKA_STORAGE_ERROR', message)
}

async function remove(deps: OrganisationsDeps, id: string): Promise<void> {
  if (!isOrganisationId(id)) throw organisationNotFound(id)
  const when = [{ kind: 'below', attribute: 'clusters', value: 1 }] as const
  const outcome = await retryRepeatableWrite(deps, () =>
    deps.table.write({ kind: 'delete', key: organisationKey(id), when }),
  )
  if (outcome.ok) return
  throw outcome.current === undefined ? organisationNotFound(id) : organisationHasClusters(id)
}

export const organisationNotFound = (id: string): KafkaError =>
  new KafkaError('NOT_FOUND', `Organization ${id} cannot be found.`)

export const organisationHasClusters = (id: string): KafkaError =>
  new KafkaError('INVALID_REQUEST', `Organization ${id} has clusters, or some that are not gone yet.`)

export const organisationSuspended = (id: string): KafkaError =>
  new KafkaError(
    'CLUSTER_AUTHORIZATION_FAILED',
    `Organization ${id} is suspended: its data is kept, and nobody may use it.`,
    { organisationId: id },
  )

const changeable = ({ name, state, limits }: Pick<Organisation, 'name' | 'state' | 'limits'>) =>
  ({ name, state, limits: JSON.stringify(limits) }) satisfies Attributes

export function parseOrganisation({ key, attributes }: Item): Organisation {
  const { name, state, created, limits, clusters } = attributes
  invariant(typeof name === 'string' && typeof limits === 'string', 'an organisation has its texts')
  invariant(state === 'ACTIVE' || state === 'SUSPENDED', 'an organisation has a state')
  invariant(typeof created === 'number' && typeof clusters === 'number', 'an organisation has its numbers')
  const parsed: Readonly<Record<string, number>> = JSON.parse(limits)
  return { id: key.sk, name, state, createdMs: created, limits: parsed, clusterCount: clusters }
}
