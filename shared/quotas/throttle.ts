// What one caller may still use: its own quota, as the precedence says, and the tenant's, whichever is tighter. Who has
// overdrawn either waits, and so does everybody who shares it.

import { KafkaError } from '../base/errors.ts'
import type { Counter, Counters } from './counters.ts'
import { entityText, findQuota, type QuotaIndex, type QuotaKey, type QuotaValues } from './entity.ts'
import { throttleMs, tokensMax } from './tokenBucket.ts'
import type { QuotaKind } from './usedQuotaItem.ts'

export interface Caller {
  readonly user: string
  readonly clientId: string
}

export interface Throttle {
  /** Until it may use more; 0: now. */
  waitMs(kind: QuotaKind): number
  /** Error: THROTTLING_QUOTA_EXCEEDED, while it has to wait. */
  refuseWaiting(kind: QuotaKind): void
  /** Counts what was used, and answers how long to wait from now on. */
  take(kind: QuotaKind, amount: number): number
  /** What a window may use; infinite where there is no quota. */
  amountMax(kind: QuotaKind): number
  /** What is known of others is a second old at most then. */
  refresh(kind: QuotaKind): Promise<void>
}

/** Compute time is a percentage of one process's: ten milliseconds of a second are a percent. */
const quotas: Readonly<Record<QuotaKind, { readonly key: QuotaKey; readonly tokens: number }>> = {
  in: { key: 'producer_byte_rate', tokens: 1 },
  out: { key: 'consumer_byte_rate', tokens: 1 },
  ms: { key: 'request_percentage', tokens: 10 },
  mutations: { key: 'controller_mutation_rate', tokens: 1 },
}

/** The tenant's own: of nobody in particular. */
const tenantCounter = entityText({})

/** Kafka lets nobody wait longer for compute time at once. */
const computeWaitMsMax = 1000

interface Governing {
  readonly counter: Counter
  readonly limit: number
}

export function createThrottle(
  counters: Counters,
  index: QuotaIndex,
  tenant: QuotaValues,
  { user, clientId }: Caller,
  noteRefused: (waitMs: number) => void,
): Throttle {
  const governing = (kind: QuotaKind): readonly Governing[] => {
    const { key, tokens } = quotas[kind]
    const own = findQuota(index, key, user, clientId)
    const limit = tenant[key]
    const all = limit === undefined ? undefined : { limit, counter: tenantCounter, isOfMany: false }
    const found = [own, all].filter((one) => one !== undefined)
    return found.map((one) => ({ counter: counters(one.counter, one.isOfMany), limit: one.limit * tokens }))
  }
  const known = {
    in: governing('in'),
    out: governing('out'),
    ms: governing('ms'),
    mutations: governing('mutations'),
  }

  const waitMs = (kind: QuotaKind): number => {
    const waits = known[kind].map(({ counter, limit }) => throttleMs(counter.tokens(kind, limit), limit))
    const longest = Math.max(0, ...waits)
    return kind === 'ms' ? Math.min(longest, computeWaitMsMax) : longest
  }
  return {
    waitMs,
    refuseWaiting(kind) {
      const ms = waitMs(kind)
      if (ms === 0) return
      noteRefused(ms)
      throw exceeded(quotas[kind].key, ms)
    },
    take(kind, amount) {
      for (const { counter, limit } of known[kind]) counter.take(kind, amount, limit)
      return waitMs(kind)
    },
    amountMax: (kind) => Math.min(...known[kind].map(({ limit }) => tokensMax(limit))),
    async refresh(kind) {
      await Promise.all(known[kind].map(({ counter, limit }) => counter.refresh(kind, limit)))
    },
  }
}

function exceeded(key: QuotaKey, waitMs: number): KafkaError {
  const message = `The quota ${key} is used up. Try again in ${Math.ceil(waitMs / 1000)} s.`
  return new KafkaError('THROTTLING_QUOTA_EXCEEDED', message, { retryAfterMs: waitMs })
}
