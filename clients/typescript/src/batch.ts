// Which records go together: those of one partition, until there are enough bytes or records, or the first of them
// has waited for its linger time. What is sent is closed: a repeated request says the same.

import type { EncodedRecord } from './producerRecord.ts'

export interface BatchLimits {
  readonly lingerMs: number
  readonly batchBytesMax: number
}

export interface Receipt {
  readonly partition: number
  /** -1: stored, but so long ago that the service does not know where. */
  readonly offset: number
  readonly timestamp: number
}

export interface Entry extends EncodedRecord {
  readonly resolve: (receipt: Receipt) => void
  readonly reject: (error: unknown) => void
}

export interface Batch {
  readonly entries: readonly Entry[]
  /** As they are sent. */
  readonly bytes: number
  readonly openedAtMs: number
  /** It takes no further records. */
  readonly closed: boolean
}

export interface OpenBatch extends Batch {
  readonly entries: Entry[]
  bytes: number
  closed: boolean
}

/** What the service takes in one idempotent append. */
const recordsMax = 10_000

export function openBatch(entry: Entry, nowMs: number, limits: BatchLimits): OpenBatch {
  const batch: OpenBatch = { entries: [], bytes: 0, openedAtMs: nowMs, closed: false }
  put(batch, entry, limits)
  return batch
}

/** false: the record does not fit any more, and the batch is closed. */
export function addTo(batch: OpenBatch, entry: Entry, limits: BatchLimits): boolean {
  batch.closed ||= batch.bytes + entry.rest.length > limits.batchBytesMax
  if (batch.closed) return false
  put(batch, entry, limits)
  return true
}

/** How long the batch may still wait for records; 0: it is to be sent. */
export function waitMs(batch: Batch, nowMs: number, { lingerMs }: BatchLimits): number {
  return batch.closed ? 0 : Math.max(0, batch.openedAtMs + lingerMs - nowMs)
}

/** Two batches in the place of one that was refused: in the end only the record that is at fault is. */
export function halved(batch: Batch): readonly [OpenBatch, OpenBatch] {
  const middle = batch.entries.length >> 1
  const half = (entries: Entry[]): OpenBatch => {
    const bytes = entries.reduce((sum, { rest }) => sum + rest.length, 0)
    return { ...batch, entries, bytes, closed: true }
  }
  return [half(batch.entries.slice(0, middle)), half(batch.entries.slice(middle))]
}

function put(batch: OpenBatch, entry: Entry, limits: BatchLimits): void {
  batch.entries.push(entry)
  batch.bytes += entry.rest.length
  batch.closed = batch.bytes >= limits.batchBytesMax || batch.entries.length >= recordsMax
}
