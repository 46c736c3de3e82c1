// A list in pages, each at the cost of its own entries. A page goes on behind a key, so that what is made or deleted
// meanwhile hides or repeats nothing else. Where to go on is said by a token:
//
//   base64url of: checksum, 12 bytes | sort key of the last entry read, UTF-8
//
// The checksum is of the list and of the key: it refuses what is mangled or of another list. It is no seal. Whoever
// forges a token begins elsewhere in the same list, which is his to read.

import { hash } from 'node:crypto'
import { KafkaError } from '../base/errors.ts'
import { type RetryDeps, retryRepeatable } from './retry.ts'
import type { Item, Query, Table } from './table.ts'

export interface PageWanted {
  readonly size: number
  /** `next` of the page before; undefined: from the beginning. */
  readonly token: string | undefined
}

export interface ListPage<T> {
  /** Fewer than were wanted, none even, where some went while they were read. */
  readonly entries: readonly T[]
  /** undefined: nothing follows. */
  readonly next: string | undefined
}

type List = Pick<Query, 'pk' | 'prefix'>

/** `read` makes an entry of an item; undefined: it is gone. Error: BAD_REQUEST (the token). */
export async function queryPage<T>(
  deps: RetryDeps & { readonly table: Table },
  list: List,
  { size, token }: PageWanted,
  read: (item: Item) => T | undefined | Promise<T | undefined>,
): Promise<ListPage<T>> {
  const after = token === undefined ? {} : { after: parseToken(list, token) }
  // One more than is answered tells whether anything follows.
  const query = { ...list, limit: size + 1, ...after }
  const { items, next } = await retryRepeatable(deps, () => deps.table.query(query))
  const shown = items.slice(0, size)
  const last = items.length <= size ? next : shown.at(-1)?.key.sk
  const entries = await Promise.all(shown.map(read))
  return {
    entries: entries.filter((entry) => entry !== undefined),
    next: last === undefined ? undefined : tokenOf(list, last),
  }
}

/** Of a list that is never longer than a page. */
export function onlyPage<T>({ token }: PageWanted, entries: readonly T[]): ListPage<T> {
  if (token !== undefined) throw unknownToken()
  return { entries, next: undefined }
}

const checksumBytes = 12

function tokenOf({ pk, prefix = '' }: List, after: string): string {
  const digest = hash('sha256', JSON.stringify([pk, prefix, after]), 'buffer')
  return Buffer.concat([digest.subarray(0, checksumBytes), Buffer.from(after)]).toString('base64url')
}

function parseToken(list: List, token: string): string {
  const { prefix = '' } = list
  const after = Buffer.from(token, 'base64url').subarray(checksumBytes).toString()
  const isKeyOfList = after.startsWith(prefix) && after.length > prefix.length
  if (!isKeyOfList || tokenOf(list, after) !== token) throw unknownToken()
  return after
}

const unknownToken = (): KafkaError =>
  new KafkaError('BAD_REQUEST', 'Query parameter "page_token": expected what metadata.next of this list has')
