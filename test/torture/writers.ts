// Idempotent producers, one batch under way each. A batch whose fate is unknown is sent again as it was until it is
// answered, so that in the end the offset of every record is known.

import type { Codec } from '../../shared/kafka/compression.ts'
import { encodeBatch } from '../../shared/kafka/recordBatch.ts'
import { type Host, Killed, Refused } from './host.ts'
import type { Model, SentBatch } from './model.ts'
import type { Slot } from './records.ts'

export interface WriterDeps {
  readonly host: Host
  readonly model: Model
  readonly slots: readonly Slot[]
  /** Takes at most so many records off what is left to write. */
  readonly take: (count: number) => number
  readonly isOver: () => boolean
  readonly onAcknowledged: (count: number) => void
}

const recordsPerBatchMax = 100
const codecs: readonly Codec[] = ['none', 'none', 'gzip', 'snappy', 'lz4', 'zstd']

export async function writeOn(deps: WriterDeps, writer: number): Promise<void> {
  const { host, model } = deps
  const producer = await again(deps, async () => {
    const { id } = (await host.ask({ kind: 'initProducer' })) as { id: bigint }
    return id
  })
  for (let number = 0; ; ) {
    const count = deps.take(1 + Math.floor(Math.random() * recordsPerBatchMax))
    if (count === 0 || producer === undefined) return
    const batch = { writer, firstNumber: number, count, sentMs: performance.now() }
    model.sending(batch)
    await writeBatch(deps, producer, batch)
    if (deps.isOver()) return
    number += count
  }
}

async function writeBatch(deps: WriterDeps, producerId: bigint, batch: SentBatch): Promise<void> {
  const { host, model, slots } = deps
  const { writer, firstNumber, count } = batch
  const slot = slots[writer % slots.length]
  if (!slot) throw new Error('every writer has a slot')
  const body = encodeBatch({
    records: Array.from({ length: count }, (_, i) => model.recordOf(writer, firstNumber + i)),
    codec: codecs[firstNumber % codecs.length] ?? 'none',
    producer: { id: producerId, epoch: 0, baseSequence: firstNumber },
  })
  const ask = { kind: 'produce', topicName: slot.topicName, partition: slot.partition, body } as const
  await again(deps, async () => {
    try {
      const { baseOffsets } = (await host.ask(ask)) as { baseOffsets: readonly number[] }
      model.acknowledged(batch, baseOffsets[0] ?? -1)
    } catch (error) {
      const isStored = error instanceof Refused && error.failure.code === 'DUPLICATE_SEQUENCE_NUMBER'
      if (!isStored) throw error
      model.storedSomewhere(batch)
    }
    deps.onAcknowledged(count)
  })
}

/** undefined: it was refused for good, which is a difference, or there is no use in going on. */
export async function again<T>(
  { model, isOver }: Pick<WriterDeps, 'model' | 'isOver'>,
  work: () => Promise<T>,
): Promise<T | undefined> {
  while (!isOver()) {
    try {
      return await work()
    } catch (error) {
      const isTemporary = error instanceof Refused && error.failure.retriable
      if (error instanceof Killed || isTemporary) continue
      model.report(`an answer that nobody should get: ${error}`)
    }
  }
  return undefined
}
