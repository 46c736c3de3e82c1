// What the log must hold, kept apart from it: every acknowledged offset, and the last one of each key. What a reader
// brings is compared with that, record by record.

import type { KafkaRecord, NewRecord } from '../../shared/kafka/recordBatch.ts'
import { createRecords, isSame, type Records, type Workload, writerOf } from './records.ts'

export interface SentBatch {
  readonly writer: number
  readonly firstNumber: number
  readonly count: number
  /** When it was first sent, by performance.now(). */
  readonly sentMs: number
}

export interface LastRecord {
  readonly offset: number
  readonly sentMs: number
}

/** What one walk from the log start to the head has found of a slot. */
export interface FullRead {
  /** By key: the last offset at which it was met. */
  readonly lastOffsets: ReadonlyMap<number, number>
  readonly logStartOffset: number
}

export interface Model {
  readonly differences: readonly string[]
  report(difference: string): void
  recordOf(writer: number, number: number): NewRecord
  /** Before it is sent: from now on readers may meet it. */
  sending(batch: SentBatch): void
  acknowledged(batch: SentBatch, baseOffset: number): void
  /** Stored for certain, at an offset that the log no longer tells. */
  storedSomewhere(batch: SentBatch): void
  /** Answers the key. */
  met(slot: number, record: KafkaRecord): number | undefined
  lastOf(slot: number): ReadonlyMap<number, LastRecord>
  /**
   * A walk while others write: it has met each key of `before` there or later, or the key was forgotten. Tombstones
   * that were first sent at `tombstonesSinceMs` or later had no time to go.
   */
  compareDuring(
    slot: number,
    before: ReadonlyMap<number, LastRecord>,
    read: FullRead,
    tombstonesSinceMs: number,
  ): void
  /** Nobody writes any more: the last record of each key is the last acknowledged one. */
  compareAtEnd(slot: number, read: FullRead, tombstonesSinceMs: number): void
}

const numbersPerWriter = 2 ** 32
const differencesMax = 1000

interface Known {
  readonly records: Records
  readonly report: (difference: string) => void
  readonly nameOf: (slot: number) => string
  /** By slot, by offset: the record that is there. */
  readonly idsAt: readonly Map<number, number>[]
  readonly lastAcknowledged: readonly Map<number, LastRecord>[]
  /** By key: records whose offset the log no longer tells. */
  readonly unplaced: Map<number, Set<number>>
}

export function createModel(workload: Workload): Model {
  const { slots } = workload
  const differences: string[] = []
  const sentCounts = new Map<number, number>()
  const records = createRecords(workload)
  const known: Known = {
    records,
    report(difference) {
      if (differences.length < differencesMax) differences.push(difference)
    },
    nameOf: (slot) => `${slots[slot]?.topicName}-${slots[slot]?.partition}`,
    idsAt: slots.map(() => new Map<number, number>()),
    lastAcknowledged: slots.map(() => new Map<number, LastRecord>()),
    unplaced: new Map(),
  }
  return {
    differences,
    report: known.report,
    recordOf: records.recordOf,
    sending: ({ writer, firstNumber, count }) => sentCounts.set(writer, firstNumber + count),
    acknowledged: (batch, baseOffset) => acknowledge(known, batch.writer % slots.length, batch, baseOffset),
    storedSomewhere({ writer, firstNumber, count }) {
      for (let number = firstNumber; number < firstNumber + count; number++) {
        const key = records.keyOf(writer, number)
        known.unplaced.set(key, (known.unplaced.get(key) ?? new Set()).add(idOf(writer, number)))
      }
    },
    met(slot, record) {
      const { writer, number } = writerOf(record)
      const isSent = writer % slots.length === slot && number < (sentCounts.get(writer) ?? 0)
      if (!isSent || !isSame(record, records.recordOf(writer, number))) {
        known.report(`${known.nameOf(slot)}: what is at offset ${record.offset} was never written`)
        return undefined
      }
      note(known, slot, record.offset, idOf(writer, number))
      return records.keyOf(writer, number)
    },
    lastOf: (slot) => new Map(known.lastAcknowledged[slot]),
    compareDuring: (slot, before, read, sinceMs) => compareDuring(known, slot, before, read, sinceMs),
    compareAtEnd: (slot, read, sinceMs) => compareAtEnd(known, slot, read, sinceMs),
  }
}

const idOf = (writer: number, number: number): number => writer * numbersPerWriter + number
const words = (id: number): string => `${Math.floor(id / numbersPerWriter)}.${id % numbersPerWriter}`

function note({ idsAt, report, nameOf }: Known, slot: number, offset: number, id: number): void {
  const before = idsAt[slot]?.get(offset)
  if (before !== undefined && before !== id) {
    report(`${nameOf(slot)}: offset ${offset} holds record ${words(id)} and record ${words(before)}`)
  }
  idsAt[slot]?.set(offset, id)
}

function acknowledge(known: Known, slot: number, batch: SentBatch, baseOffset: number): void {
  const { writer, firstNumber, count, sentMs } = batch
  const lastOfKeys = known.lastAcknowledged[slot]
  for (let i = 0; i < count; i++) {
    const offset = baseOffset + i
    note(known, slot, offset, idOf(writer, firstNumber + i))
    const key = known.records.keyOf(writer, firstNumber + i)
    const last = lastOfKeys?.get(key)
    if (!last || last.offset < offset) lastOfKeys?.set(key, { offset, sentMs })
  }
}

function isTombstoneAt({ records, idsAt }: Known, slot: number, offset: number): boolean {
  const id = idsAt[slot]?.get(offset) ?? 0
  return records.isTombstone(Math.floor(id / numbersPerWriter), id % numbersPerWriter)
}

function compareDuring(
  known: Known,
  slot: number,
  before: ReadonlyMap<number, LastRecord>,
  { lastOffsets, logStartOffset }: FullRead,
  tombstonesSinceMs: number,
): void {
  for (const [key, { offset, sentMs }] of before) {
    const found = lastOffsets.get(key) ?? -1
    const isOldTombstone = sentMs < tombstonesSinceMs && isTombstoneAt(known, slot, offset)
    if (found >= offset || offset < logStartOffset || isOldTombstone) continue
    const place = `key ${key} last at ${found}, it had been at ${offset}`
    known.report(`${known.nameOf(slot)}: a walk to the head met ${place}`)
  }
}

function compareAtEnd(known: Known, slot: number, read: FullRead, tombstonesSinceMs: number): void {
  const last = known.lastAcknowledged[slot] ?? new Map<number, LastRecord>()
  for (const [key, { offset, sentMs }] of last) {
    const isOldTombstone = sentMs < tombstonesSinceMs && isTombstoneAt(known, slot, offset)
    compareKey(known, slot, { key, offset, isOldTombstone }, read)
  }
  for (const key of read.lastOffsets.keys()) {
    if (last.has(key) || known.unplaced.has(key)) continue
    known.report(`${known.nameOf(slot)}: nobody was told that key ${key} is stored`)
  }
}

interface LastOfKey {
  readonly key: number
  readonly offset: number
  readonly isOldTombstone: boolean
}

function compareKey(known: Known, slot: number, last: LastOfKey, read: FullRead): void {
  const { key, offset, isOldTombstone } = last
  const { lastOffsets, logStartOffset } = read
  const found = lastOffsets.get(key)
  if (found === offset) return
  const unplaced = known.unplaced.get(key)
  const mayBeGone = offset < logStartOffset || unplaced !== undefined || isOldTombstone
  if (found === undefined && mayBeGone) return
  if (found !== undefined && found > offset && unplaced?.has(known.idsAt[slot]?.get(found) ?? -1)) return
  known.report(
    `${known.nameOf(slot)}: the last record of key ${key} is at ${offset}, the log ends with ${found}`,
  )
}
