// Kafka's rules of idempotent producers once more, written apart from the engine: a log per partition as a plain list,
// and what a broker would answer. Rows P11 to P15; a producer that is not known begins at sequence 0.
import type { SequencedBatch } from '../../../shared/log/producerRule.ts'

export interface ModelBatch {
  readonly partition: number
  readonly recordCount: number
  readonly producer: SequencedBatch | undefined
}

export type ModelAnswer =
  | { readonly kind: 'commit'; readonly baseOffset: number }
  | { readonly kind: 'stored' }
  | { readonly kind: 'gap'; readonly expected: number }
  | { readonly kind: 'fenced'; readonly epoch: number }

interface Known {
  readonly epoch: number
  readonly next: number
  readonly lastUseMinutes: number
}

const wrap = (sequence: number): number => (sequence > 2 ** 31 - 1 ? sequence - 2 ** 31 : sequence)

export function createProducerModel() {
  const lengths = new Map<number, number>()
  const producers = new Map<string, Known>()

  const accept = (batch: ModelBatch): ModelAnswer => {
    const baseOffset = lengths.get(batch.partition) ?? 0
    lengths.set(batch.partition, baseOffset + batch.recordCount)
    return { kind: 'commit', baseOffset }
  }

  const judge = (
    known: Known | undefined,
    producer: SequencedBatch,
    nowMinutes: number,
  ): ModelAnswer | undefined => {
    const goesOn = known?.epoch === producer.epoch && known.next === producer.baseSequence
    if (goesOn) return undefined
    const expired = known !== undefined && nowMinutes - known.lastUseMinutes > 1440
    if (!known || expired || producer.epoch > known.epoch) {
      return producer.baseSequence === 0 ? undefined : { kind: 'gap', expected: 0 }
    }
    if (producer.epoch < known.epoch) return { kind: 'fenced', epoch: known.epoch }
    const back = wrap(known.next - producer.baseSequence + (known.next < producer.baseSequence ? 2 ** 31 : 0))
    if (back < 2 ** 30 && producer.recordCount <= back) return { kind: 'stored' }
    return { kind: 'gap', expected: known.next }
  }

  return {
    lengthOf: (partition: number): number => lengths.get(partition) ?? 0,
    known: (partition: number, id: bigint): Known | undefined => producers.get(`${partition}/${id}`),
    append(batch: ModelBatch, nowMinutes: number): ModelAnswer {
      const { producer, partition } = batch
      if (!producer) return accept(batch)
      const name = `${partition}/${producer.producerId}`
      const refusal = judge(producers.get(name), producer, nowMinutes)
      if (refusal) return refusal
      const next = wrap(producer.baseSequence + producer.recordCount)
      producers.set(name, { epoch: producer.epoch, next, lastUseMinutes: nowMinutes })
      return accept(batch)
    },
  }
}
