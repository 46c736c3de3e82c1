// Records on their way to a partition: where each goes, and the batches that they become. A record that no batch may
// hold is refused alone.

import { KafkaError } from '../base/errors.ts'
import { partitionForKey } from '../kafka/murmur2.ts'
import { createStickyPartitioner } from '../kafka/partitioner.ts'
import { encodeBatch, type NewRecord } from '../kafka/recordBatch.ts'
import { batchHeaderSize } from '../kafka/recordBatchLayout.ts'
import { type AcceptedBatch, checkRecord, timestampWindow, validateBatch } from '../kafka/validateBatch.ts'
import { sequenceAfter } from '../log/producerRule.ts'
import type { GiveWay } from '../ports/giveWay.ts'
import type { Random } from '../ports/world.ts'
import type { ProducerState, RecordOutcome, RecordToProduce } from './cluster.ts'
import { type CachedTopic, checkPartition } from './topicCache.ts'

/** A record on its way, with its place in the request. */
export interface Placed {
  readonly index: number
  readonly partition: number
  readonly record: NewRecord
}

export interface EncodedBatch {
  readonly records: readonly Placed[]
  readonly batch: AcceptedBatch
}

/** Uncompressed bytes of a batch that is made of single records. */
const recordBatchBytesMax = 1024 * 1024
const recordOverheadBytes = 32
export async function placeRecords(
  { random, giveWay }: { readonly random: Random; readonly giveWay: GiveWay },
  topic: CachedTopic,
  records: readonly RecordToProduce[],
  nowMs: number,
  outcomes: (RecordOutcome | undefined)[],
): Promise<readonly Placed[]> {
  const sticky = createStickyPartitioner(random)
  const window = timestampWindow(topic.rules, nowMs)
  const placed: Placed[] = []
  for (const [index, record] of records.entries()) {
    try {
      const partition = record.partition ?? choosePartition(sticky, topic, record)
      checkPartition(topic, partition)
      const timestamp = record.timestamp ?? nowMs
      checkRecord({ index, timestamp, keyLength: record.key ? record.key.length : -1 }, topic.rules, window)
      placed.push({ index, partition, record: { ...record, timestamp } })
    } catch (error) {
      outcomes[index] = refused(error)
    }
    const turn = giveWay()
    if (turn !== undefined) await turn
  }
  return placed
}

const choosePartition = (
  sticky: ReturnType<typeof createStickyPartitioner>,
  topic: CachedTopic,
  record: RecordToProduce,
): number =>
  record.key
    ? partitionForKey(record.key, topic.partitionCount)
    : sticky.choose(topic.topicId, topic.partitionCount)

/** Batches of one partition each, in the order of the records; a record that no batch may hold is refused alone. */
export async function encodeRecords(
  giveWay: GiveWay,
  topic: CachedTopic,
  placed: readonly Placed[],
  { producer, nowMs }: { readonly producer: ProducerState | undefined; readonly nowMs: number },
  outcomes: (RecordOutcome | undefined)[],
): Promise<readonly EncodedBatch[]> {
  const encoded: EncodedBatch[] = []
  const bytesMax = Math.min(topic.rules.maxMessageBytes, recordBatchBytesMax)
  for (const records of Map.groupBy(placed, ({ partition }) => partition).values()) {
    let sequence = producer?.baseSequence ?? 0
    for (const some of splitBySize(records, bytesMax)) {
      const sequenced = producer && { id: producer.id, epoch: producer.epoch, baseSequence: sequence }
      try {
        const input = { records: some.map(({ record }) => record), codec: 'none' as const }
        const bytes = encodeBatch(sequenced ? { ...input, producer: sequenced } : input)
        encoded.push({ records: some, batch: validateBatch(bytes, topic.rules, nowMs) })
      } catch (error) {
        for (const { index } of some) outcomes[index] = refused(error)
      }
      sequence = sequenceAfter(sequence, some.length)
      const turn = giveWay()
      if (turn !== undefined) await turn
    }
  }
  return encoded
}

function splitBySize(records: readonly Placed[], bytesMax: number): readonly (readonly Placed[])[] {
  const batches: Placed[][] = []
  let bytes = 0
  for (const placed of records) {
    const size = sizeBound(placed.record)
    const last = batches.at(-1)
    if (last && bytes + size <= bytesMax) {
      last.push(placed)
      bytes += size
    } else {
      batches.push([placed])
      bytes = batchHeaderSize + size
    }
  }
  return batches
}

function sizeBound({ key, value, headers }: NewRecord): number {
  const headerBytes = headers.reduce((sum, h) => sum + h.key.length * 3 + (h.value?.length ?? 0) + 10, 0)
  return recordOverheadBytes + (key?.length ?? 0) + (value?.length ?? 0) + headerBytes
}

export function refused(error: unknown): RecordOutcome {
  if (!(error instanceof KafkaError)) throw error
  return { ok: false, error }
}
