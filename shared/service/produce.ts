// Produce: records or encoded batches in, offsets out. Everything is checked before anything is stored; what is refused
// is refused record by record, unless a producer's sequence binds the records of a request together.

import { KafkaError } from '../base/errors.ts'
import { partitionForKey } from '../kafka/murmur2.ts'
import { createStickyPartitioner } from '../kafka/partitioner.ts'
import { encodeBatch, type NewRecord, splitBatches } from '../kafka/recordBatch.ts'
import { batchHeaderSize } from '../kafka/recordBatchLayout.ts'
import { type AcceptedBatch, checkRecord, timestampWindow, validateBatch } from '../kafka/validateBatch.ts'
import type { Appender } from '../log/appender.ts'
import type { BatchResult } from '../log/commit.ts'
import type { AppendRequest } from '../log/planFlush.ts'
import { sequenceAfter } from '../log/producerRule.ts'
import type { Clock, Random } from '../ports/world.ts'
import type { BatchesAppended, Cluster, ProducerState, RecordOutcome, RecordToProduce } from './cluster.ts'
import { type CachedTopic, checkPartition, type TopicCache } from './topicCache.ts'

export interface ProduceDeps {
  readonly appender: Appender
  readonly topics: TopicCache
  readonly clock: Clock
  readonly random: Random
}

/** A record on its way, with its place in the request. */
interface Placed {
  readonly index: number
  readonly partition: number
  readonly record: NewRecord
}

interface EncodedBatch {
  readonly records: readonly Placed[]
  readonly batch: AcceptedBatch
}

/** Uncompressed bytes of a batch that is made of single records. */
const recordBatchBytesMax = 1024 * 1024
const recordOverheadBytes = 32

export function createProduce(deps: ProduceDeps): Pick<Cluster, 'produceRecords' | 'produceBatches'> {
  return {
    async produceRecords(topicName, records, producer) {
      const largest = records.reduce((max, { partition }) => Math.max(max, partition ?? 0), 0)
      const topic = await deps.topics.getWith(topicName, largest)
      const nowMs = deps.clock.now()
      const outcomes = new Array<RecordOutcome | undefined>(records.length)
      const placed = placeRecords(deps.random, topic, records, nowMs, outcomes)
      if (producer) bindTogether(placed, records.length, outcomes)
      const accepted = producer && outcomes.some((outcome) => outcome) ? [] : placed
      const all = encodeRecords(topic, accepted, producer, nowMs, outcomes)
      if (producer)
        bindTogether(
          all.flatMap((one) => one.records),
          records.length,
          outcomes,
        )
      const encoded = producer && outcomes.some((outcome) => outcome) ? [] : all
      const requests = encoded.map(({ batch, records: [first] }): AppendRequest => {
        return appendRequest(topic, first?.partition ?? 0, [batch])
      })
      const results = await append(deps, topicName, requests)
      for (const [i, { records: stored, batch }] of encoded.entries()) {
        const [result] = results[i] ?? []
        if (result) settle(stored, batch, result, topic, outcomes)
      }
      return outcomes.filter((outcome) => outcome !== undefined)
    },

    async produceBatches(topicName, partition, body) {
      const topic = await deps.topics.getWith(topicName, partition)
      checkPartition(topic, partition)
      const nowMs = deps.clock.now()
      const split = splitBatches(body)
      if (split.length === 0) throw new KafkaError('INVALID_RECORD', 'The body holds no record batch.')
      const batches = split.map((batch) => validateBatch(batch, topic.rules, nowMs))
      checkOneProducer(batches)
      const [results] = await append(deps, topicName, [appendRequest(topic, partition, batches)])
      return batchesAppended(results ?? [], topic, nowMs)
    },
  }
}

function placeRecords(
  random: Random,
  topic: CachedTopic,
  records: readonly RecordToProduce[],
  nowMs: number,
  outcomes: (RecordOutcome | undefined)[],
): readonly Placed[] {
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

/** With a producer's sequence all records are stored or none: a gap inside the request would refuse what follows it. */
function bindTogether(
  placed: readonly Placed[],
  count: number,
  outcomes: (RecordOutcome | undefined)[],
): void {
  const [first] = placed
  const elsewhere = placed.find(({ partition }) => partition !== first?.partition)
  const problem = elsewhere
    ? 'The records of an idempotent request must go to one partition: give them partition_id.'
    : 'Not stored: another record of the same idempotent request was refused.'
  if (!elsewhere && placed.length === count) return
  for (const { index } of placed) outcomes[index] ??= refused(new KafkaError('INVALID_REQUEST', problem))
}

/** Batches of one partition each, in the order of the records; a record that no batch may hold is refused alone. */
function encodeRecords(
  topic: CachedTopic,
  placed: readonly Placed[],
  producer: ProducerState | undefined,
  nowMs: number,
  outcomes: (RecordOutcome | undefined)[],
): readonly EncodedBatch[] {
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
    }
  }
  return encoded
}

/**
 * A body is stored whole or not at all: batches of several producers, or with a gap between them, could be refused one
 * by one. (Kafka takes one batch a partition.)
 */
function checkOneProducer(batches: readonly AcceptedBatch[]): void {
  for (const [i, { producer }] of batches.entries()) {
    const before = batches[i - 1]
    if (!before || (!producer && !before.producer)) continue
    const expected = sequenceAfter(before.producer?.baseSequence ?? 0, before.recordCount)
    const isSame = producer?.id === before.producer?.id && producer?.epoch === before.producer?.epoch
    if (isSame && producer?.baseSequence === expected) continue
    const why = 'the batches of one body are of one producer and follow each other in their sequence'
    throw new KafkaError('INVALID_RECORD', `batch ${i}: ${why}`)
  }
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

function appendRequest(
  topic: CachedTopic,
  partition: number,
  batches: readonly AcceptedBatch[],
): AppendRequest {
  return { topicId: topic.topicId, partition, writePath: topic.config.writePath, batches }
}

/**
 * Appends, and where the topic turned out to be gone looks whether one of the same name took its place: what is
 * remembered of a topic may be some seconds old.
 */
async function append(
  deps: ProduceDeps,
  topicName: string,
  requests: readonly AppendRequest[],
): Promise<readonly (readonly BatchResult[])[]> {
  const results = await allDone(requests.map((request) => deps.appender.append(request)))
  if (!results.some(isGone)) return results
  const now = await refreshed(deps.topics, topicName)
  return allDone(
    requests.map(async (request, i) => {
      const result = results[i] ?? []
      const isElsewhere = now && now.topicId !== request.topicId && request.partition < now.partitionCount
      return isGone(result) && isElsewhere
        ? deps.appender.append({ ...request, topicId: now.topicId })
        : result
    }),
  )
}

/** Waits for those beside one that fails, too: their bytes are in memory until then, and count as the caller's. */
async function allDone<T>(works: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(works)
  return Promise.all(works)
}

/** undefined: it cannot be read; what has been appended keeps its answer all the same. */
async function refreshed(topics: TopicCache, topicName: string): Promise<CachedTopic | undefined> {
  try {
    return await topics.refresh(topicName)
  } catch (error) {
    if (error instanceof KafkaError) return undefined
    throw error
  }
}

const isGone = (results: readonly BatchResult[]): boolean =>
  results.length > 0 &&
  results.every((result) => result.kind === 'refused' && result.error.code === 'UNKNOWN_TOPIC_OR_PARTITION')

function settle(
  records: readonly Placed[],
  batch: AcceptedBatch,
  result: BatchResult,
  topic: CachedTopic,
  outcomes: (RecordOutcome | undefined)[],
): void {
  const appendTime = topic.rules.timestampType === 'LogAppendTime'
  for (const [i, { index, partition, record }] of records.entries()) {
    if (result.kind === 'refused') {
      outcomes[index] = { ok: false, error: result.error }
      continue
    }
    const timestamp = appendTime ? batch.maxTimestamp : record.timestamp
    const offset = result.baseOffset + i
    outcomes[index] = { ok: true, partition, offset, timestamp, duplicate: result.duplicate }
  }
}

function batchesAppended(
  results: readonly BatchResult[],
  topic: CachedTopic,
  nowMs: number,
): BatchesAppended {
  const placed = results.map((result) => {
    if (result.kind === 'refused') throw result.error
    return result
  })
  return {
    baseOffsets: placed.map(({ baseOffset }) => baseOffset),
    duplicate: placed.every(({ duplicate }) => duplicate),
    logAppendTimeMs: topic.rules.timestampType === 'LogAppendTime' ? nowMs : -1,
  }
}

function refused(error: unknown): RecordOutcome {
  if (!(error instanceof KafkaError)) throw error
  return { ok: false, error }
}
