// The rule of idempotent producers (Kafka's ProducerStateManager): what to do with a batch of sequence s, given the
// producer's row. Sequences run from 0 to 2^31-1 and go on at 0. One difference from Kafka is deliberate: a producer
// that is not known must begin at sequence 0, because HTTP requests overtake each other and TCP connections' do not.
// Who goes on exactly where the row ends is never refused, expired or not: a commit in the common case looks at no
// more.

import { KafkaError } from '../base/errors.ts'
import type { ProducerRow } from '../metadata/sequencer.ts'

export interface SequencedBatch {
  readonly producerId: bigint
  readonly epoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

export type ProducerVerdict =
  | { readonly kind: 'commit' }
  /** Stored before, as far as the row tells: its first offset is in the log. */
  | { readonly kind: 'stored' }
  | { readonly kind: 'refused'; readonly error: KafkaError }

const sequences = 2 ** 31
export const producerIdExpirationMinutes = 24 * 60

export function decideSequence(
  row: ProducerRow | undefined,
  batch: SequencedBatch,
  nowMinutes: number,
): ProducerVerdict {
  if (row?.epoch === batch.epoch && row.nextSequence === batch.baseSequence) return { kind: 'commit' }
  if (row === undefined || nowMinutes - row.lastUseMinutes > producerIdExpirationMinutes)
    return beginning(batch)
  if (batch.epoch < row.epoch) return { kind: 'refused', error: staleEpoch(batch, row.epoch) }
  if (batch.epoch > row.epoch) return beginning(batch)
  const behind = (row.nextSequence - batch.baseSequence + sequences) % sequences
  const wasStored = behind < sequences / 2 && behind >= batch.recordCount
  return wasStored ? { kind: 'stored' } : { kind: 'refused', error: gap(batch, row.nextSequence) }
}

export const sequenceAfter = (baseSequence: number, recordCount: number): number =>
  (baseSequence + recordCount) % sequences

function beginning(batch: SequencedBatch): ProducerVerdict {
  return batch.baseSequence === 0 ? { kind: 'commit' } : { kind: 'refused', error: gap(batch, 0) }
}

function gap(batch: SequencedBatch, expectedSequence: number): KafkaError {
  const numbers = `got ${batch.baseSequence}, expected ${expectedSequence}`
  const message = `Out of order sequence number for producer ${batch.producerId}: ${numbers}.`
  return new KafkaError('OUT_OF_ORDER_SEQUENCE_NUMBER', message, { expectedSequence })
}

function staleEpoch(batch: SequencedBatch, currentEpoch: number): KafkaError {
  return new KafkaError(
    'INVALID_PRODUCER_EPOCH',
    `Producer ${batch.producerId} has epoch ${currentEpoch}; epoch ${batch.epoch} is fenced.`,
    { currentEpoch },
  )
}
