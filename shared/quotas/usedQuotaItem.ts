// What an entity used of its quotas, as one table item that all processes add to. One that nobody needs is deleted and
// may be made again; whoever remembers the one before sees by its birth that this is another. Attributes (names are
// stored), the last two for each kind:
//
//   born           when the item was made, in ms
//   at             when it was last written, in ms
//   <kind>         the total since it was made
//   <kind>.bucket  JSON: what is left, as the last one who wrote saw it, by which limit, and what total that knows of

import type { Attributes } from '../ports/table.ts'
import { refill, type TokenBucket, tokensMax } from './tokenBucket.ts'

/** Bytes in, bytes out, milliseconds, partitions made and deleted. */
export const quotaKinds = ['in', 'out', 'ms', 'mutations'] as const
export type QuotaKind = (typeof quotaKinds)[number]

interface SeenBucket extends TokenBucket {
  readonly limit: number
  readonly total: number
}

export const totalIn = (attributes: Attributes, kind: QuotaKind): number => Number(attributes[kind] ?? 0)

export const bucketAttribute = (kind: QuotaKind, bucket: SeenBucket) =>
  [`${kind}.bucket`, JSON.stringify(bucket)] as const

/** undefined: nobody has used anything. What was told since by others, whom that one had not heard, is taken out. */
export function bucketIn(attributes: Attributes, kind: QuotaKind): SeenBucket | undefined {
  const stored = attributes[`${kind}.bucket`]
  if (stored === undefined) return undefined
  const seen: SeenBucket = JSON.parse(String(stored))
  return { ...seen, tokens: seen.tokens - (totalIn(attributes, kind) - seen.total) }
}

/** Nothing was written since then, and what had been overdrawn was paid back by then: no item says the same. */
export function isUnneeded(attributes: Attributes, sinceMs: number): boolean {
  const isFull = (kind: QuotaKind) => {
    const bucket = bucketIn(attributes, kind)
    return bucket === undefined || refill(bucket, bucket.limit, sinceMs).tokens >= tokensMax(bucket.limit)
  }
  return Number(attributes.at) < sinceMs && quotaKinds.every(isFull)
}
