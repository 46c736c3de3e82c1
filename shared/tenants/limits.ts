// What one tenant, and one organisation, may have, use and keep, where their operator says nothing else: the tables
// that the documentation shows. Who wants more is refused with the name of the limit. Pure.

import { KafkaError } from '../base/errors.ts'

const mebibyte = 1024 * 1024
const unlimited = Number.MAX_SAFE_INTEGER

export const tenantLimits = {
  topics: { defaultValue: 2_000, words: 'topics' },
  partitions: { defaultValue: 10_000, words: 'partitions of all topics together' },
  groups: { defaultValue: 2_000, words: 'consumer groups' },
  consumer_instances: { defaultValue: 2_000, words: 'consumer instances of the v2 API' },
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

const organisationLimits = {
  clusters: { defaultValue: 10, words: 'clusters, those that are being deleted with them' },
  service_accounts: { defaultValue: 1_000, words: 'service accounts' },
  api_keys: { defaultValue: 100, words: 'API keys of the organization itself' },
} as const

export type LimitOverrides = Readonly<Record<string, number>>

type Limits<N extends string> = Readonly<Record<N, { readonly defaultValue: number; readonly words: string }>>

function limitRules<N extends string>(limits: Limits<N>, whose: string) {
  const isName = (name: string): name is N => Object.hasOwn(limits, name)
  const limitOf = (overrides: LimitOverrides, name: N): number =>
    Object.hasOwn(overrides, name) ? (overrides[name] ?? unlimited) : limits[name].defaultValue
  const refusal = (overrides: LimitOverrides, name: N, wanted: number): KafkaError => {
    const limit = limitOf(overrides, name)
    const { words } = limits[name]
    const message = `The limit ${name} of this ${whose} is ${limit} (${words}), not ${wanted}.`
    return new KafkaError('POLICY_VIOLATION', message)
  }
  return {
    limitNames: Object.keys(limits).filter(isName),
    limitOf,

    /** undefined: there is none. */
    boundOf(overrides: LimitOverrides, name: N): number | undefined {
      const limit = limitOf(overrides, name)
      return limit === unlimited ? undefined : limit
    },

    /** With an operator's changes: null brings the default back. Error: INVALID_REQUEST. */
    changeLimits(before: LimitOverrides, changes: Readonly<Record<string, number | null>>): LimitOverrides {
      const after = new Map(Object.entries(before))
      for (const [name, value] of Object.entries(changes)) {
        if (!isName(name)) throw new KafkaError('INVALID_REQUEST', `There is no limit ${name}.`)
        if (value === null) after.delete(name)
        else if (Number.isSafeInteger(value) && value > 0) after.set(name, value)
        else throw new KafkaError('INVALID_REQUEST', `The limit ${name} is a whole number above 0.`)
      }
      return Object.fromEntries(after)
    },

    /** Error: POLICY_VIOLATION, naming the limit. */
    requireWithin(overrides: LimitOverrides, name: N, wanted: number): void {
      if (wanted > limitOf(overrides, name)) throw refusal(overrides, name, wanted)
    },
    refusal,
  }
}

export const { limitNames, limitOf, boundOf, changeLimits, requireWithin } = limitRules(
  tenantLimits,
  'cluster',
)
export const ofOrganisation = limitRules(organisationLimits, 'organization')
