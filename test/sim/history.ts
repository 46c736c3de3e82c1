// What clients asked and what they were told: the only thing that checkers know of a run, beside what is stored in the
// end. `invoked` and `ended` are points in the world's order; `ended` is Infinity where no answer ever came.

import type { NewRecord } from '../../shared/kafka/recordBatch.ts'

export interface Span {
  readonly invoked: number
  ended: number
}

export type RecordOutcome =
  | { readonly kind: 'ok'; readonly partition: number; readonly offset: number; readonly duplicate: boolean }
  /** Refused, certainly without effect. */
  | { readonly kind: 'none'; readonly code: string; readonly expectedSequence?: number }
  | { readonly kind: 'unknown'; readonly why: string }

export interface SentProducer {
  readonly id: bigint
  readonly epoch: number
  readonly baseSequence: number
  readonly partition: number
}

/** One request; `producer` names the sequence of its first record. Several requests may send the same records. */
export interface ProduceOp extends Span {
  readonly kind: 'produce'
  readonly topicName: string
  readonly recordIds: readonly string[]
  readonly producer?: SentProducer
  /** One for each record. */
  outcomes: readonly RecordOutcome[]
}

export interface ReadRecord {
  readonly offset: number
  readonly id: string
}

export type FetchAnswer =
  | {
      readonly kind: 'read'
      readonly partition: number
      readonly asked: number
      readonly logStartOffset: number
      readonly highWatermark: number
      /** Of whole batches: the first may begin before the asked offset. */
      readonly records: readonly ReadRecord[]
      /** Behind the last batch; batches may have no record left. Absent: behind the last record. */
      readonly endOffset?: number
    }
  | {
      readonly kind: 'outOfRange'
      readonly partition: number
      readonly asked: number
      readonly logStartOffset: number
      readonly highWatermark: number
    }

export interface FetchOp extends Span {
  readonly kind: 'fetch'
  readonly topicName: string
  /** Absent: refused, or no answer. */
  answers: readonly FetchAnswer[]
  /** What was wrong with what is stored, as the reader was told. */
  damage?: string | undefined
}

export interface ListOffsetOp extends Span {
  readonly kind: 'listOffset'
  readonly topicName: string
  readonly partition: number
  readonly spec: number | 'earliest' | 'latest' | 'maxTimestamp'
  /** -1: there is no such record. undefined: refused, or no answer. */
  offset: number | undefined
  damage?: string | undefined
}

export type Outcome = 'ok' | 'none' | 'unknown'

export interface DeleteRecordsOp extends Span {
  readonly kind: 'deleteRecords'
  readonly topicName: string
  readonly partition: number
  readonly beforeOffset: number
  outcome: Outcome
  /** The log start that was answered. */
  logStartOffset: number | undefined
}

export interface CreateTopicOp extends Span {
  readonly kind: 'createTopic'
  readonly topicName: string
  outcome: Outcome
  topicId: string | undefined
}

export interface DeleteTopicOp extends Span {
  readonly kind: 'deleteTopic'
  readonly topicName: string
  outcome: Outcome
}

export interface InitProducerOp extends Span {
  readonly kind: 'initProducer'
  producerId: bigint | undefined
}

export type Op =
  | ProduceOp
  | FetchOp
  | ListOffsetOp
  | DeleteRecordsOp
  | CreateTopicOp
  | DeleteTopicOp
  | InitProducerOp

/** A record as it was sent; its value begins with its id. null: a tombstone. */
export interface SentRecord {
  readonly id: string
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
}

/** Of a tombstone the id is in a header. */
export const idOf = ({ value, headers }: Pick<NewRecord, 'value' | 'headers'>): string => {
  const text = Buffer.from(value ?? headers[0]?.value ?? new Uint8Array(0)).toString('latin1')
  return text.slice(0, Math.max(0, text.indexOf(' ')))
}
