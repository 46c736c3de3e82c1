// Every item of a range, page after page, in the order of the sort keys. What is deleted on the way does not move what
// comes: pages go on behind a key.

import { type RetryDeps, retryRepeatable } from './retry.ts'
import type { Item, Query, Table } from './table.ts'

type Range = Pick<Query, 'pk' | 'prefix' | 'from' | 'to'>

interface QueryDeps extends RetryDeps {
  readonly table: Table
}

/** A page ends at 1 MB, however few its items are. */
const itemsPerPage = 500

export async function* queryEach(deps: QueryDeps, range: Range): AsyncGenerator<Item, undefined> {
  for (let after: string | undefined; ; ) {
    const query = { ...range, limit: itemsPerPage, ...(after === undefined ? {} : { after }) }
    const { items, next } = await retryRepeatable(deps, () => deps.table.query(query))
    yield* items
    if (next === undefined) return
    after = next
  }
}

export async function queryAll(deps: QueryDeps, range: Range): Promise<Item[]> {
  const items: Item[] = []
  for await (const item of queryEach(deps, range)) items.push(item)
  return items
}
