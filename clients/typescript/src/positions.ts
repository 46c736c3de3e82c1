// Where the consumer is in each of its partitions: what was asked for, handed out, finished and committed. What was
// read ahead counts as long as the version is the same; what the application was given, as long as it is the same
// stay.

import type { ConsumerRecord } from './consumerRecord.ts'
import { localError, type MillraceError } from './errors.ts'
import { keyOf, type TopicPartition } from './topicPartition.ts'

export interface Position extends TopicPartition {
  /** Another one after each assignment and each move. */
  readonly stay: number
  /** Another one after these and after each pause. */
  readonly version: number
  /** Where the next request goes on. */
  readonly fetchFrom: number
  /** Behind the last record that the application was given. */
  readonly next: number
  /** Behind the last record that the application is done with: what may be committed. */
  readonly done: number
  /** undefined: nothing is. */
  readonly committed: number | undefined
  readonly paused: boolean
  /** Who was served last is asked for last. */
  readonly servedAt: number
}

export interface Page extends TopicPartition {
  readonly version: number
  readonly records: readonly ConsumerRecord[]
  /** Behind the page, which may hold fewer records than offsets. */
  readonly nextOffset: number
}

/** A record that is with the application. */
export interface Handed {
  readonly record: ConsumerRecord
  readonly stay: number
  /** Where its partition goes on when it is done. */
  readonly after: number
}

export interface Positions {
  all(): readonly Position[]
  find(partition: TopicPartition): Position | undefined
  assign(partition: TopicPartition, offset: number, committed: number | undefined): void
  remove(partitions: readonly TopicPartition[]): void
  /** Error: the partition is not assigned. */
  move(partition: TopicPartition, offset: number): void
  pause(partition: TopicPartition, paused: boolean): void
  /** false: the page is of no use any more. */
  fetched(page: Page): boolean
  /** undefined: the page is of no use any more. */
  hand(page: Page, record: ConsumerRecord, after: number): Handed | undefined
  isCurrent(page: Page): boolean
  finish(handed: Handed): void
  commit(partition: TopicPartition, offset: number): void
}

export function createPositions(): Positions {
  const places = new Map<string, Position>()
  let count = 0

  const change = (partition: TopicPartition, changes: (now: Position) => Partial<Position>): boolean => {
    const key = keyOf(partition)
    const now = places.get(key)
    if (now !== undefined) places.set(key, { ...now, ...changes(now) })
    return now !== undefined
  }
  const assigned = (partition: TopicPartition, changes: (now: Position) => Partial<Position>): void => {
    if (change(partition, changes)) return
    throw notAssigned(partition)
  }
  const beginAt = (offset: number) => {
    return { stay: ++count, version: count, fetchFrom: offset, next: offset, done: offset }
  }
  const isCurrent = (page: Page): boolean => places.get(keyOf(page))?.version === page.version

  return {
    isCurrent,
    all: () => [...places.values()],
    find: (partition) => places.get(keyOf(partition)),
    assign({ topic, partition }, offset, committed) {
      const place = { topic, partition, ...beginAt(offset), committed, paused: false, servedAt: 0 }
      places.set(keyOf(place), place)
    },
    remove(partitions) {
      for (const partition of partitions) places.delete(keyOf(partition))
    },
    move: (partition, offset) => assigned(partition, () => beginAt(offset)),
    pause: (partition, paused) =>
      assigned(partition, ({ next }) => ({ paused, version: ++count, fetchFrom: next })),
    fetched(page) {
      if (!isCurrent(page)) return false
      const { records, nextOffset: fetchFrom } = page
      if (records.length > 0) return change(page, () => ({ fetchFrom, servedAt: ++count }))
      // Offsets without records are done with when everything before them is.
      return change(page, (now) => {
        return now.done === now.fetchFrom ? { fetchFrom, next: fetchFrom, done: fetchFrom } : { fetchFrom }
      })
    },
    hand(page, record, after) {
      const stay = places.get(keyOf(page))?.stay
      if (stay === undefined || !isCurrent(page)) return undefined
      change(page, () => ({ next: after }))
      return { record, stay, after }
    },
    finish: ({ record, stay, after }) => {
      change(record, (now) => (now.stay === stay ? { done: after } : {}))
    },
    commit(partition, offset) {
      // Whoever commits a record that he was given is done with it.
      change(partition, ({ done, next }) => ({
        committed: offset,
        done: offset > next ? done : Math.max(done, offset),
      }))
    },
  }
}

const notAssigned = ({ topic, partition }: TopicPartition): MillraceError =>
  localError(`partition ${partition} of ${topic} is not assigned to this consumer`)
