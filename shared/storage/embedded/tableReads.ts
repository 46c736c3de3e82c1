// Reads of the embedded table: a read-only connection of the thread that reads, which sees every acknowledged write.

import type { DatabaseSync } from 'node:sqlite'
import { StorageError } from '../../base/errors.ts'
import type { Item, ItemKey, Query, Table } from '../../ports/table.ts'
import { checkKey, itemBytes } from '../limits.ts'
import { fillPage, type SizedItem, sortKeyRange } from '../query.ts'
import { decodeAttributes } from './attributes.ts'
import { codeOf } from './files.ts'
import { createFind, openTableReader } from './tableFile.ts'

export interface TableReads extends Pick<Table, 'get' | 'query'> {
  close(): void
}

/** Of a file that its writer has opened. */
export const openTableReads = (file: string): TableReads => {
  const reader = openTableReader(file)
  const turns = createTurns()
  const find = createFind(reader)
  const range = createRange(reader)

  const get = (key: ItemKey): Item | undefined => {
    checkKey(key)
    const attributes = find(key)
    return attributes === undefined ? undefined : { key: { pk: key.pk, sk: key.sk }, attributes }
  }

  return {
    get: async (key) => {
      if (turns.isOver()) await turns.next()
      turns.note(1)
      return read(() => get(key))
    },
    query: async (query) => {
      if (turns.isOver()) await turns.next()
      const { page } = read(() => fillPage(range(query), query.limit))
      // To find none is work too.
      turns.note(Math.max(1, page.items.length))
      return page
    },
    close: () => reader.close(),
  }
}

const itemsPerTurn = 16

/**
 * SQLite answers at once: whoever reads item after item would keep the thread until the last of them, and every request
 * would wait. After so many the next reader waits until others had their turn.
 */
const createTurns = () => {
  let items = 0
  return {
    isOver: (): boolean => items >= itemsPerTurn,
    async next(): Promise<void> {
      await new Promise((resolve) => setImmediate(resolve))
      items = 0
    },
    note(count: number): void {
      items += count
    },
  }
}

/** Any BLOB is above any TEXT. */
const aboveAllText = new Uint8Array(0)

const createRange = (reader: DatabaseSync) => {
  const select = (order: string) =>
    reader.prepare(`SELECT sk, attributes FROM item WHERE pk = ? AND sk >= ? AND sk < ? ORDER BY sk ${order}`)
  const ascending = select('ASC')
  const descending = select('DESC')

  return function* (query: Query): Generator<SizedItem> {
    const bounds = sortKeyRange(query)
    if (bounds === undefined) return
    const statement = query.descending ? descending : ascending
    for (const row of statement.iterate(query.pk, bounds.low, bounds.high ?? aboveAllText)) {
      const key = { pk: query.pk, sk: String(row.sk) }
      const attributes = decodeAttributes(row.attributes)
      yield { item: { key, attributes }, bytes: itemBytes(key, attributes) }
    }
  }
}

const read = <Value>(operation: () => Value): Value => {
  try {
    return operation()
  } catch (error) {
    if (!isSqliteError(error)) throw error
    throw new StorageError('none', `the table: ${error.message}`, { cause: error })
  }
}

/** ERR_INVALID_STATE: the table is closed. */
const isSqliteError = (error: unknown): error is Error =>
  codeOf(error) === 'ERR_SQLITE_ERROR' || codeOf(error) === 'ERR_INVALID_STATE'
