// Kafka's arithmetic of quotas, as one token bucket for all of them. A bucket holds what a window may use and fills up
// at the rate of the quota; a request that is admitted may overdraw it, and then nobody is until it is filled up again.
// With O, the rate observed in a window W, written as (T W - tokens) / W, that time is Kafka's throttle time
// (O - T) / T W, and its token bucket of KIP-599. Pure.

/** Of Kafka's eleven samples of a second one is still being counted: W is ten seconds. */
export const windowMs = 10_000

export interface TokenBucket {
  readonly tokens: number
  readonly atMs: number
}

/** `limit`: tokens a second. */
export const tokensMax = (limit: number): number => (limit * windowMs) / 1000

export const fullBucket = (limit: number, nowMs: number): TokenBucket => ({
  tokens: tokensMax(limit),
  atMs: nowMs,
})

/** As of then; a clock that went back fills nothing. */
export function refill({ tokens, atMs }: TokenBucket, limit: number, nowMs: number): TokenBucket {
  const added = (limit * Math.max(0, nowMs - atMs)) / 1000
  return { tokens: Math.min(tokensMax(limit), tokens + added), atMs: Math.max(atMs, nowMs) }
}

/** Until it is filled up to nothing again; 0: a request is admitted. Rounded as Kafka does it. */
export const throttleMs = (tokens: number, limit: number): number =>
  tokens >= 0 ? 0 : Math.max(1, Math.round((-tokens / limit) * 1000))
