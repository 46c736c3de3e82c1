// What the log must hold, kept apart from it: every record is a function of its writer and its number, every acknowledged
// offset is noted, and the last one of each key. What a reader brings is compared with that, record by record.

import type { KafkaRecord, NewRecord } from '../../shared/kafka/recordBatch.ts'

export interface Slot {
  readonly topicName: string
  readonly partition: number
  /** Whole segments may go from its beginning. */
  readonly forgets: boolean
}

export interface Workload {
  readonly slots: readonly Slot[]
  /** Writer w appends to slot w modulo the number of slots, and so is each key at home in one slot. */
  readonly writerCount: number
  readonly keyCount: number
  readonly startMs: number
}

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
  sending(writer: number, firstNumber: number, count: number): void
  acknowledged(sent: SentBatch, baseOffset: number): void
  /** Stored for certain, at an offset that the log no longer tells. */
  storedSomewhere(sent: SentBatch): void
  /** Answers the key. */
  met(slot: number, record: KafkaRecord): number | undefined
  lastOf(slot: number): ReadonlyMap<number, LastRecord>
  /**
   * A walk while others write: it has met each key of `before` there or later, or the key was forgotten. Tombstones that
   * were first sent at `tombstonesSinceMs` or later had no time to go.
   */
  compareDuring(
    slot: number,
    before: ReadonlyMap<number, LastRecord>,
    read: FullRead,
    tombstonesSinceMs: number,
  ): void
  /** Nobody writes any more: the last record of each key is the last acknowledged one. */
  compareAtEnd(slot: number, read: FullRead): void
}

const tombstonePercent = 15
const numbersPerWriter = 2 ** 32
const idHeader = 'id'
const differencesMax = 1000

export function createModel(workload: Workload): Model {
  const { slots, writerCount, keyCount, startMs } = workload
  const keysPerSlot = Math.max(1, Math.floor(keyCount / slots.length))
  const differences: string[] = []
  const sent = new Array<number>(writerCount).fill(0)
  /** By slot, by offset: the record that is there. */
  const idsAt = slots.map(() => new Map<number, number>())
  const lastAcknowledged = slots.map(() => new Map<number, LastRecord>())
  /** Keys of records whose offset the log no longer tells, with the records' ids. */
  const possible = new Map<number, Set<number>>()

  const report = (difference: string) => {
    if (differences.length < differencesMax) differences.push(difference)
  }
  const nameOf = (slot: number) => `${slots[slot]?.topicName}-${slots[slot]?.partition}`
  const keyOf = (writer: number, number: number) =>
    (writer % slots.length) + slots.length * (mix(writer, number) % keysPerSlot)
  const isTombstone = (writer: number, number: number) =>
    mix(writer + writerCount, number) % 100 < tombstonePercent

  const note = (slot: number, offset: number, writer: number, number: number) => {
    const id = writer * numbersPerWriter + number
    const known = idsAt[slot]?.get(offset)
    if (known !== undefined && known !== id) {
      report(`${nameOf(slot)}: offset ${offset} holds record ${words(id)} and record ${words(known)}`)
    }
    idsAt[slot]?.set(offset, id)
  }

  const recordOf = (writer: number, number: number): NewRecord => {
    const key = keyOf(writer, number)
    const filling = 'x'.repeat(mix(number, writer) % 60)
    const value = isTombstone(writer, number) ? null : Buffer.from(`${key}:${writer}.${number}:${filling}`)
    const headers = [{ key: idHeader, value: Buffer.from(`${writer}.${number}`) }]
    return { timestamp: startMs + number, key: Buffer.from(`key-${key}`), value, headers }
  }

  const isTombstoneAt = (slot: number, offset: number) => {
    const id = idsAt[slot]?.get(offset) ?? 0
    return isTombstone(Math.floor(id / numbersPerWriter), id % numbersPerWriter)
  }

  const compareKey = (slot: number, key: number, last: number, { lastOffsets, logStartOffset }: FullRead) => {
    const found = lastOffsets.get(key)
    if (found === last) return
    const unplaced = possible.get(key)
    if (found !== undefined && found > last && unplaced?.has(idsAt[slot]?.get(found) ?? -1)) return
    const mayBeGone = isTombstoneAt(slot, last) || last < logStartOffset || unplaced !== undefined
    if (found === undefined && mayBeGone) return
    report(`${nameOf(slot)}: the last record of key ${key} is at ${last}, the log ends with ${found}`)
  }

  return {
    differences,
    report,
    recordOf,
    sending(writer, firstNumber, count) {
      sent[writer] = Math.max(sent[writer] ?? 0, firstNumber + count)
    },
    acknowledged({ writer, firstNumber, count, sentMs }, baseOffset) {
      const slot = writer % slots.length
      for (let i = 0; i < count; i++) {
        const key = keyOf(writer, firstNumber + i)
        note(slot, baseOffset + i, writer, firstNumber + i)
        const last = lastAcknowledged[slot]?.get(key)
        const offset = baseOffset + i
        if (!last || last.offset < offset) lastAcknowledged[slot]?.set(key, { offset, sentMs })
      }
    },
    storedSomewhere({ writer, firstNumber, count }) {
      for (let number = firstNumber; number < firstNumber + count; number++) {
        const key = keyOf(writer, number)
        const ids = possible.get(key) ?? new Set()
        possible.set(key, ids.add(writer * numbersPerWriter + number))
      }
    },
    met(slot, record) {
      const [, writer, number] = /^(\d+)\.(\d+)$/.exec(idOf(record)) ?? []
      const w = Number(writer)
      const n = Number(number)
      const isSent = w % slots.length === slot && n < (sent[w] ?? 0)
      if (!isSent || !isSame(record, recordOf(w, n))) {
        report(`${nameOf(slot)}: what is at offset ${record.offset} was never written (id ${idOf(record)})`)
        return undefined
      }
      note(slot, record.offset, w, n)
      return keyOf(w, n)
    },
    lastOf: (slot) => new Map(lastAcknowledged[slot]),
    compareDuring(slot, before, { lastOffsets, logStartOffset }, tombstonesSinceMs) {
      for (const [key, { offset, sentMs }] of before) {
        const found = lastOffsets.get(key) ?? -1
        const mayBeGone =
          offset < logStartOffset || (isTombstoneAt(slot, offset) && sentMs < tombstonesSinceMs)
        if (found >= offset || mayBeGone) continue
        report(
          `${nameOf(slot)}: a walk to the head met key ${key} last at ${found}, it had been at ${offset}`,
        )
      }
    },
    compareAtEnd(slot, read) {
      const acknowledged = lastAcknowledged[slot] ?? new Map<number, LastRecord>()
      for (const [key, { offset }] of acknowledged) compareKey(slot, key, offset, read)
      for (const key of read.lastOffsets.keys()) {
        const isKnown = acknowledged.has(key) || possible.has(key)
        if (!isKnown) report(`${nameOf(slot)}: nobody was told that key ${key} is stored`)
      }
    },
  }
}

const words = (id: number): string => `${Math.floor(id / numbersPerWriter)}.${id % numbersPerWriter}`

const idOf = ({ headers }: KafkaRecord): string => {
  const value = headers.find(({ key }) => key === idHeader)?.value
  return value ? Buffer.from(value).toString() : ''
}

const isSame = (found: KafkaRecord, expected: NewRecord): boolean =>
  found.timestamp === expected.timestamp &&
  sameBytes(found.key, expected.key) &&
  sameBytes(found.value, expected.value) &&
  found.headers.length === 1

const sameBytes = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === null || b === null ? a === b : Buffer.compare(a, b) === 0

/** 32 bits that look like chance. */
function mix(a: number, b: number): number {
  let bits = Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b + 1, 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d)
  bits = Math.imul(bits ^ (bits >>> 12), 0x297a2d39)
  return (bits ^ (bits >>> 15)) >>> 0
}
