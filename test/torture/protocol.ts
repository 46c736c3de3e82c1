// What the parent and the process that is killed say to each other, and what both go by.

import { KafkaError } from '../../shared/base/errors.ts'
import type { CompactionSettings } from '../../shared/compaction/deps.ts'
import type { TopicToCreate } from '../../shared/service/cluster.ts'

export const tenant = 'torture'

/** So that everything happens often: small segments, no patience, passes by key that do not fit. */
export const aggressive: Omit<CompactionSettings, 'offsetMapEntriesMax'> = {
  segmentBytesMax: 128 * 1024,
  reconcileAgeMs: 50,
  leaseMs: 1000,
  partitionsAtOnce: 2,
}

export type Ask =
  | { readonly kind: 'createTopic'; readonly topic: TopicToCreate }
  | { readonly kind: 'initProducer' }
  | {
      readonly kind: 'produce'
      readonly topicName: string
      readonly partition: number
      readonly body: Uint8Array
    }
  | {
      readonly kind: 'fetch'
      readonly topicName: string
      readonly partition: number
      readonly offset: number
      readonly maxBytes: number
    }
  | { readonly kind: 'settle' }
  | { readonly kind: 'report' }

export interface Failure {
  readonly code: string
  readonly message: string
  readonly retriable: boolean
}

export type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: Failure }
  /** Something went wrong that nobody asked for. */
  | { readonly kind: 'trouble'; readonly words: string }

export const failureOf = (error: unknown): Failure =>
  error instanceof KafkaError
    ? { code: error.code, message: error.message, retriable: error.row.retriable }
    : { code: '', message: error instanceof Error ? String(error.stack) : String(error), retriable: false }
