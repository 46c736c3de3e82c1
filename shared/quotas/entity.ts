// Whom a quota is of, and which one holds: Kafka's client quota entities and the order in which they are looked for.
// Source: KIP-13, KIP-55, KIP-546 and the behaviour of ClientQuotaManager. Pure.

import { KafkaError } from '../base/errors.ts'

export const quotaKeys = [
  'producer_byte_rate',
  'consumer_byte_rate',
  'request_percentage',
  'controller_mutation_rate',
] as const
export type QuotaKey = (typeof quotaKeys)[number]

/** An absent field has no part in it; null is the default: of whoever has no quota under its own name. */
export interface QuotaEntity {
  readonly user?: string | null
  readonly clientId?: string | null
}

/** Bytes a second; percent of the time of one process; partitions a second. */
export type QuotaValues = Partial<Readonly<Record<QuotaKey, number>>>

export interface EntityQuotas {
  readonly entity: QuotaEntity
  readonly values: QuotaValues
}

/** By the entity's one form. */
export type QuotaIndex = ReadonlyMap<string, QuotaValues>

/** What holds for a request. */
export interface GoverningQuota {
  readonly limit: number
  /** Requests with the same name count together. */
  readonly counter: string
  /** Clients name themselves, and each that does has a counter: there is no end of them. */
  readonly isOfMany: boolean
}

/** The one form of an entity: its fields in this order. */
export const entityText = ({ user, clientId }: QuotaEntity): string => JSON.stringify({ user, clientId })

export const indexQuotas = (all: readonly EntityQuotas[]): QuotaIndex =>
  new Map(all.map(({ entity, values }) => [entityText(entity), values]))

/** The most specific entity that has this quota; others are not looked at, however small theirs are. */
export function findQuota(
  index: QuotaIndex,
  key: QuotaKey,
  user: string,
  clientId: string,
): GoverningQuota | undefined {
  if (index.size === 0) return undefined
  for (const { entity, counter } of candidates(user, clientId)) {
    const limit = index.get(entityText(entity))?.[key]
    if (limit !== undefined)
      return { limit, counter: entityText(counter), isOfMany: entity.clientId === null }
  }
  return undefined
}

/**
 * Most specific first. A default is a value for each of those whom it stands for, not one that they share: what is
 * counted together are the requests of the user, of the client, or of both.
 */
const candidates = (user: string, clientId: string) => [
  { entity: { user, clientId }, counter: { user, clientId } },
  { entity: { user, clientId: null }, counter: { user, clientId } },
  { entity: { user }, counter: { user } },
  { entity: { user: null, clientId }, counter: { user, clientId } },
  { entity: { user: null, clientId: null }, counter: { user, clientId } },
  { entity: { user: null }, counter: { user } },
  { entity: { clientId }, counter: { clientId } },
  { entity: { clientId: null }, counter: { clientId } },
]

/** What entities must be like; an absent field takes any, also none. */
export interface QuotaFilter {
  readonly user?: QuotaMatch
  readonly clientId?: QuotaMatch
  /** Leaves out entities with a part that the filter does not name. */
  readonly strict: boolean
}

export type QuotaMatch =
  | { readonly kind: 'exact'; readonly name: string }
  | { readonly kind: 'default' }
  /** Any name, or the default. */
  | { readonly kind: 'any' }

export function matchesQuotaFilter({ user, clientId }: QuotaEntity, filter: QuotaFilter): boolean {
  return matches(user, filter.user, filter.strict) && matches(clientId, filter.clientId, filter.strict)
}

function matches(part: string | null | undefined, match: QuotaMatch | undefined, strict: boolean): boolean {
  if (match === undefined) return !strict || part === undefined
  if (part === undefined) return false
  if (match.kind === 'any') return true
  return match.kind === 'default' ? part === null : part === match.name
}

export interface QuotaAlteration {
  readonly entity: QuotaEntity
  /** null takes a quota away. */
  readonly ops: readonly { readonly key: QuotaKey; readonly value: number | null }[]
}

export const alterValues = (before: QuotaValues, { ops }: QuotaAlteration): QuotaValues => {
  const values: Partial<Record<QuotaKey, number>> = { ...before }
  for (const { key, value } of ops) {
    if (value === null) delete values[key]
    else values[key] = value
  }
  return values
}

const nameBytesMax = 256

/** Refuses what could never apply. Error: INVALID_REQUEST, naming the field. */
export function checkAlteration({ entity, ops }: QuotaAlteration): void {
  const names = [entity.user, entity.clientId].filter((name) => name !== undefined)
  if (names.length === 0) throw refused('A quota entity has a user, a client-id or both.')
  for (const name of names) {
    if (name === '' || Buffer.byteLength(name ?? '') > nameBytesMax) {
      throw refused(`entity_name must have 1 to ${nameBytesMax} bytes; null is the default.`)
    }
  }
  if (entity.user?.startsWith('User:')) {
    throw refused(`The entity_name of a user is ${entity.user.slice('User:'.length)}, without User:.`)
  }
  if (new Set(ops.map(({ key }) => key)).size < ops.length)
    throw refused('A quota is altered once in an entry.')
  for (const { key, value } of ops) {
    if (value !== null && !(value > 0 && value <= Number.MAX_SAFE_INTEGER)) {
      throw refused(`Quota ${key} must be greater than 0.`)
    }
    if (value !== null && key.endsWith('_byte_rate') && !Number.isSafeInteger(value)) {
      throw refused(`Quota ${key} must be a whole number of bytes a second.`)
    }
  }
}

const refused = (sentence: string): KafkaError => new KafkaError('INVALID_REQUEST', sentence)
