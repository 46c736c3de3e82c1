// What committed offsets need of their surroundings: the table, the groups, the topics and the ends of their logs.

import type { Scope } from '../metadata/scope.ts'
import type { RetryDeps } from '../ports/retry.ts'
import type { Table } from '../ports/table.ts'
import type { GroupCoordinator } from './coordinator.ts'
import type { LogEnds } from './logEnds.ts'

export interface TopicPlace {
  readonly name: string
  readonly topicId: string
  readonly partitionCount: number
}

/** Errors: UNKNOWN_TOPIC_OR_PARTITION. What is remembered of a topic may be seconds old. */
export interface TopicLookup {
  get(name: string): Promise<TopicPlace>
  /** Reads anew where the topic, as it is remembered, has no such partition. */
  getWith(name: string, partition: number): Promise<TopicPlace>
  refresh(name: string): Promise<TopicPlace>
}

/** What a log holds: its first offset, and the one after its last. */
export interface LogRange {
  readonly start: number
  readonly end: number
}

export interface OffsetsDeps extends RetryDeps {
  readonly table: Table
  readonly scope: Scope
  readonly groups: Pick<GroupCoordinator, 'cached' | 'read'>
  readonly topics: TopicLookup
  readonly ends: LogEnds
  /** By partition, read now. Errors: UNKNOWN_TOPIC_OR_PARTITION. */
  logRanges(topic: TopicPlace, partitions: readonly number[]): Promise<ReadonlyMap<number, LogRange>>
  /** The first offset of that time or later; undefined: there is none. */
  offsetAt(topicName: string, partition: number, timestamp: number): Promise<number | undefined>
}
