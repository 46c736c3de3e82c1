// The client quotas of a cluster as they are stored: an item an entity, under a hash of its one form. Attributes (names
// are stored): entity and quotas, both JSON. A version that grows with every change tells a process whether what it
// knows is still true, for the price of one small read, and lets one change at a time through.

import { KafkaError } from '../base/errors.ts'
import type { Scope } from '../metadata/scope.ts'
import { queryAll } from '../ports/queryAll.ts'
import { retryRepeatable, retryWithoutEffect } from '../ports/retry.ts'
import type { Table, TransactWrite } from '../ports/table.ts'
import type { Clock, Random } from '../ports/world.ts'
import {
  alterValues,
  checkAlteration,
  type EntityQuotas,
  entityText,
  indexQuotas,
  matchesQuotaFilter,
  type QuotaAlteration,
  type QuotaEntity,
  type QuotaFilter,
  type QuotaIndex,
  type QuotaValues,
} from './entity.ts'

export interface QuotaStoreDeps {
  readonly table: Table
  readonly clock: Clock
  readonly random: Random
  readonly scope: Scope
}

export interface QuotaChange {
  readonly entity: QuotaEntity
  readonly before: QuotaValues
  readonly after: QuotaValues
}

export interface QuotaStore {
  describe(filter: QuotaFilter): Promise<readonly EntityQuotas[]>
  /** All or none. Errors: INVALID_REQUEST, POLICY_VIOLATION where there would be more than a cluster may have. */
  alter(alterations: readonly QuotaAlteration[], validateOnly: boolean): Promise<readonly QuotaChange[]>
  /** As it was when `index` was called or later; costs one small read where nothing has changed. */
  index(): Promise<QuotaIndex>
}

const entitiesMax = 1000
/** Of a transaction's hundred writes one is the version's. */
export const alterationsMax = 99
const attemptsMax = 10

export function createQuotaStore(deps: QuotaStoreDeps): QuotaStore {
  let known: { readonly version: number; readonly index: QuotaIndex } | undefined
  return {
    describe: async (filter) =>
      (await readAll(deps)).filter(({ entity }) => matchesQuotaFilter(entity, filter)),
    alter: (alterations, validateOnly) => alter(deps, alterations, validateOnly),
    async index() {
      // Before the quotas: a change between the two reads is seen by the next one.
      const version = await readVersion(deps)
      if (known?.version !== version) known = { version, index: indexQuotas(await readAll(deps)) }
      return known.index
    },
  }
}

async function alter(
  deps: QuotaStoreDeps,
  alterations: readonly QuotaAlteration[],
  validateOnly: boolean,
): Promise<readonly QuotaChange[]> {
  checkAlterations(alterations)
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const version = await readVersion(deps)
    const before = indexQuotas(await readAll(deps))
    const after = new Map(before)
    const changes = alterations.map((one) => changeOf(before, one))
    for (const one of changes) after.set(entityText(one.entity), one.after)
    const left = [...after.values()].filter((values) => Object.keys(values).length > 0)
    if (left.length > entitiesMax) {
      throw new KafkaError(
        'POLICY_VIOLATION',
        `A cluster has client quotas of at most ${entitiesMax} entities.`,
      )
    }
    if (validateOnly) return changes
    const writes = alterations.map(({ entity }) => writeOf(deps.scope, entityText(entity), after))
    const outcome = await retryWithoutEffect(deps, () =>
      deps.table.transact([...writes, nextVersion(deps.scope, version)]),
    )
    if (outcome.ok) return changes
  }
  throw new KafkaError('KAFKA_STORAGE_ERROR', 'The quotas are being changed by many at once. Try again.')
}

function changeOf(quotas: QuotaIndex, alteration: QuotaAlteration): QuotaChange {
  const { entity } = alteration
  const before = quotas.get(entityText(entity)) ?? {}
  return { entity, before, after: alterValues(before, alteration) }
}

function checkAlterations(alterations: readonly QuotaAlteration[]): void {
  alterations.forEach(checkAlteration)
  if (alterations.length > alterationsMax) {
    throw new KafkaError('INVALID_REQUEST', `A request alters at most ${alterationsMax} entities.`)
  }
  if (new Set(alterations.map(({ entity }) => entityText(entity))).size < alterations.length) {
    throw new KafkaError('INVALID_REQUEST', 'An entity is altered once in a request.')
  }
}

function writeOf(scope: Scope, text: string, after: QuotaIndex): TransactWrite {
  const values = after.get(text) ?? {}
  const key = scope.quota(text)
  if (Object.keys(values).length === 0) return { kind: 'delete', key }
  return { kind: 'put', key, attributes: { entity: text, quotas: JSON.stringify(values) } }
}

/** 0: nothing was ever changed. */
function nextVersion(scope: Scope, version: number): TransactWrite {
  const unchanged =
    version === 0
      ? ({ kind: 'itemAbsent' } as const)
      : ({ kind: 'equals', attribute: 'v', value: version } as const)
  const set = { kind: 'set', attribute: 'v', value: version + 1 } as const
  return { kind: 'update', key: scope.quotaVersion(), actions: [set], when: [unchanged] }
}

async function readAll(deps: QuotaStoreDeps): Promise<readonly EntityQuotas[]> {
  const items = await queryAll(deps, { pk: deps.scope.quotasPk })
  return items.map(({ attributes }) => {
    const entity: EntityQuotas['entity'] = JSON.parse(String(attributes.entity))
    const values: EntityQuotas['values'] = JSON.parse(String(attributes.quotas))
    return { entity, values }
  })
}

async function readVersion({ table, scope, ...deps }: QuotaStoreDeps): Promise<number> {
  const item = await retryRepeatable(deps, () => table.get(scope.quotaVersion()))
  const version = item?.attributes.v
  return typeof version === 'number' ? version : 0
}
