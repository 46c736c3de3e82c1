// What one tenant may have, use and keep, where its operator says nothing else: the table that the documentation shows.
// Who wants more is refused with the name of the limit. Pure.

import { KafkaError } from '../base/errors.ts'

const mebibyte = 1024 * 1024
const unlimited = Number.MAX_SAFE_INTEGER

export const tenantLimits = {
  topics: { defaultValue: 2_000, words: 'topics' },
  partitions: { defaultValue: 10_000, words: 'partitions of all topics together' },
  groups: { defaultValue: 2_000, words: 'consumer groups' },
  api_keys: { defaultValue: 100, words: 'API keys of the cluster' },
  message_bytes: { defaultValue: 8 * mebibyte, words: 'largest max.message.bytes of a topic' },
  request_bytes: { defaultValue: 20 * mebibyte, words: 'bytes of one produce request' },
  retention_ms: {
    defaultValue: unlimited,
    words: 'largest retention.ms of a topic; -1 only where this is unlimited',
  },
  producer_byte_rate: { defaultValue: 250_000_000, words: 'bytes a second in, all users together' },
  consumer_byte_rate: { defaultValue: 750_000_000, words: 'bytes a second out, all users together' },
  request_percentage: {
    defaultValue: unlimited,
    words: 'compute time, all users together: 100 is one process',
  },
  controller_mutation_rate: { defaultValue: 100, words: 'partitions made or deleted a second' },
} as const

export type LimitName = keyof typeof tenantLimits
export type LimitOverrides = Readonly<Record<string, number>>

export const limitNames = Object.keys(tenantLimits).filter((name) => isLimitName(name))

function isLimitName(name: string): name is LimitName {
  return Object.hasOwn(tenantLimits, name)
}

export const limitOf = (overrides: LimitOverrides, name: LimitName): number =>
  Object.hasOwn(overrides, name) ? (overrides[name] ?? unlimited) : tenantLimits[name].defaultValue

/** undefined: there is none. */
export function boundOf(overrides: LimitOverrides, name: LimitName): number | undefined {
  const limit = limitOf(overrides, name)
  return limit === unlimited ? undefined : limit
}

/** With an operator's changes: null brings the default back. Error: INVALID_REQUEST. */
export function changeLimits(
  before: LimitOverrides,
  changes: Readonly<Record<string, number | null>>,
): LimitOverrides {
  const after = new Map(Object.entries(before))
  for (const [name, value] of Object.entries(changes)) {
    if (!isLimitName(name)) throw new KafkaError('INVALID_REQUEST', `There is no limit ${name}.`)
    if (value === null) after.delete(name)
    else if (Number.isSafeInteger(value) && value > 0) after.set(name, value)
    else throw new KafkaError('INVALID_REQUEST', `The limit ${name} is a whole number above 0.`)
  }
  return Object.fromEntries(after)
}

/** Error: POLICY_VIOLATION, naming the limit. */
export function requireWithin(overrides: LimitOverrides, name: LimitName, wanted: number): void {
  const limit = limitOf(overrides, name)
  if (wanted <= limit) return
  const { words } = tenantLimits[name]
  throw new KafkaError(
    'POLICY_VIOLATION',
    `The limit ${name} of this cluster is ${limit} (${words}), not ${wanted}.`,
  )
}
