// Which items a query names and where its page ends, for every adapter: sort keys are ordered by their UTF-8
// bytes, a page ends at its limit or at 1 MB, and `next` is set whenever it ended there, even if nothing
// follows.
import { invariant } from '../base/errors.ts'
import type { Item, Page, Query } from '../ports/table.ts'
import { pageBytesMax } from './limits.ts'

/** Half-open; `high` undefined: no upper bound. */
export interface SortKeyRange {
  readonly low: string
  readonly high: string | undefined
}

export interface SizedItem {
  readonly item: Item
  readonly bytes: number
}

/** undefined where the bounds leave nothing between them. */
export const sortKeyRange = (query: Query): SortKeyRange | undefined => {
  checkQuery(query)
  const { after, descending = false } = query
  const bounds = boundsOf(query)
  const low = after === undefined || descending ? bounds.low : larger(bounds.low, successor(after))
  const high = after === undefined || !descending ? bounds.high : smaller(bounds.high, after)
  return high !== undefined && compareUtf8(low, high) >= 0 ? undefined : { low, high }
}

export const fillPage = (
  sizedItems: Iterable<SizedItem>,
  limit: number,
): { readonly page: Page; readonly bytes: number } => {
  const items: Item[] = []
  let bytes = 0
  const page = (next: string | undefined) => ({ page: { items, next }, bytes })
  for (const { item, bytes: itemBytes } of sizedItems) {
    if (items.length > 0 && bytes + itemBytes > pageBytesMax) return page(items.at(-1)?.key.sk)
    items.push(item)
    bytes += itemBytes
    if (items.length === limit) return page(item.key.sk)
  }
  return page(undefined)
}

/** UTF-16 order, but for surrogates, which stand for code points above all others. */
export const compareUtf8 = (left: string, right: string): number => {
  if (left === right) return 0
  const length = Math.min(left.length, right.length)
  for (let at = 0; at < length; at += 1) {
    const difference = left.charCodeAt(at) - right.charCodeAt(at)
    if (difference !== 0) return rank(left.charCodeAt(at)) - rank(right.charCodeAt(at))
  }
  return left.length - right.length
}

/** The position of the first key that is not below `key`. */
export const lowerBound = (sorted: readonly string[], key: string): number => {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareUtf8(sorted[middle] ?? '', key) < 0) low = middle + 1
    else high = middle
  }
  return low
}

const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit)

const checkQuery = ({ pk, prefix, from, to, limit }: Query): void => {
  invariant(pk.length > 0, 'a query has a pk')
  invariant(Number.isSafeInteger(limit) && limit >= 1, `a query's limit is at least 1, not ${limit}`)
  invariant(to !== '', "a query's upper bound is not empty")
  invariant(prefix === undefined || (from ?? to) === undefined, 'a query has a prefix or bounds, not both')
}

const boundsOf = ({ prefix, from, to }: Query): SortKeyRange =>
  prefix === undefined
    ? { low: from ?? '', high: to === undefined ? undefined : successor(to) }
    : { low: prefix, high: prefixEnd(prefix) }

/** The smallest string above `text`. */
const successor = (text: string): string => `${text}\0`

/**
 * The smallest string above all that begin with `prefix`: its last code point that can grow is one larger.
 */
const prefixEnd = (prefix: string): string | undefined => {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0)
  while (points.at(-1) === 0x10ffff) points.pop()
  const last = points.pop()
  if (last === undefined) return undefined
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1)
}

const larger = (left: string, right: string): string => (compareUtf8(left, right) < 0 ? right : left)

const smaller = (left: string | undefined, right: string): string =>
  left !== undefined && compareUtf8(left, right) < 0 ? left : right
