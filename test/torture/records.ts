// Every record of the torture is a function of its writer and its number, so that nobody has to remember it.

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

export interface Records {
  keyOf(writer: number, number: number): number
  isTombstone(writer: number, number: number): boolean
  recordOf(writer: number, number: number): NewRecord
}

const tombstonePercent = 15
const idHeader = 'id'

export function createRecords({ slots, writerCount, keyCount, startMs }: Workload): Records {
  const keysPerSlot = Math.max(1, Math.floor(keyCount / slots.length))
  const keyOf = (writer: number, number: number) =>
    (writer % slots.length) + slots.length * (mix(writer, number) % keysPerSlot)
  const isTombstone = (writer: number, number: number) =>
    mix(writer + writerCount, number) % 100 < tombstonePercent

  return {
    keyOf,
    isTombstone,
    recordOf(writer, number) {
      const key = keyOf(writer, number)
      const filling = 'x'.repeat(mix(number, writer) % 60)
      const text = `${key}:${writer}.${number}:${filling}`
      return {
        timestamp: startMs + number,
        key: Buffer.from(`key-${key}`),
        value: isTombstone(writer, number) ? null : Buffer.from(text),
        headers: [{ key: idHeader, value: Buffer.from(`${writer}.${number}`) }],
      }
    },
  }
}

/** Whose record it says it is; NaN where it says nothing. */
export function writerOf({ headers }: KafkaRecord): { readonly writer: number; readonly number: number } {
  const value = headers.find(({ key }) => key === idHeader)?.value
  const text = value ? Buffer.from(value).toString() : ''
  const [, writer, number] = /^(\d+)\.(\d+)$/.exec(text) ?? []
  return { writer: Number(writer), number: Number(number) }
}

export const isSame = (found: KafkaRecord, expected: NewRecord): boolean =>
  found.timestamp === expected.timestamp &&
  sameBytes(found.key, expected.key) &&
  sameBytes(found.value, expected.value) &&
  found.headers.length === expected.headers.length

const sameBytes = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === null || b === null ? a === b : Buffer.compare(a, b) === 0

/** 32 bits that look like chance. */
function mix(a: number, b: number): number {
  let bits = Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b + 1, 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d)
  bits = Math.imul(bits ^ (bits >>> 12), 0x297a2d39)
  return (bits ^ (bits >>> 15)) >>> 0
}
