// What a partition holds, as one checksum: of every record, in the order of the log, its offset,
// timestamp, key and value. Two tallies are equal only where the same records stand at the same offsets
// in the same order.

import { createHash } from 'node:crypto'

export interface StoredRecord {
  readonly offset: number
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
}

export interface Tally {
  readonly records: number
  /** Of keys and values. */
  readonly bytes: number
  readonly checksum: string
}

/** Acknowledgements come in any order; the log has one. */
export function tallyAcknowledged(records: readonly StoredRecord[]): Tally {
  return tallyInOrder([...records].sort((a, b) => a.offset - b.offset))
}

export function tallyInOrder(records: readonly StoredRecord[]): Tally {
  const hash = createHash('sha256')
  let bytes = 0
  for (const { offset, timestamp, key, value } of records) {
    // The lengths keep a byte from moving between key and value unseen.
    hash.update(`${offset} ${timestamp} ${key?.length ?? -1} ${value?.length ?? -1}\n`)
    if (key !== null) hash.update(key)
    if (value !== null) hash.update(value)
    bytes += bytesOf({ key, value })
  }
  return { records: records.length, bytes, checksum: hash.digest('hex').slice(0, 8) }
}

export function bytesOf({ key, value }: Pick<StoredRecord, 'key' | 'value'>): number {
  return (key?.length ?? 0) + (value?.length ?? 0)
}
