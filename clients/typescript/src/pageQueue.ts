// What was read ahead, in the order in which it came.

import type { Handed, Page, Positions } from './positions.ts'

export interface PageQueue {
  /** Of what waits, roughly. */
  bytes(): number
  put(page: Page): void
  /** The next record; pages that are of no use any more are passed over. */
  take(): Handed | undefined
}

export function createPageQueue(positions: Positions): PageQueue {
  const pages: Page[] = []
  let index = 0
  let bytes = 0

  const drop = (page: Page): void => {
    pages.shift()
    index = 0
    bytes -= bytesOf(page)
  }

  return {
    bytes: () => bytes,
    put(page) {
      pages.push(page)
      bytes += bytesOf(page)
    },
    take() {
      for (let page = pages[0]; page !== undefined; page = pages[0]) {
        const record = positions.isCurrent(page) ? page.records[index++] : undefined
        const isLast = index === page.records.length
        if (record === undefined || isLast) drop(page)
        const after = isLast ? page.nextOffset : (record?.offset ?? 0) + 1
        const handed = record && positions.hand(page, record, after)
        if (handed !== undefined) return handed
      }
      return undefined
    },
  }
}

/** What a record takes besides key and value. */
const recordBytes = 100

const bytesOf = ({ records }: Page): number =>
  records.reduce((sum, { key, value }) => sum + recordBytes + (key?.length ?? 0) + (value?.length ?? 0), 0)
