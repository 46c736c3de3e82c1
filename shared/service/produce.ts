// Produce: records or encoded batches in, offsets out. Everything is checked before anything is stored; what is refused
// is refused record by record, unless a producer's sequence binds the records of a request together.

import { KafkaError } from '../base/errors.ts'
import { eachBatch } from '../kafka/recordBatch.ts'
import { type AcceptedBatch, validateInSteps } from '../kafka/validateBatch.ts'
import type { Appender } from '../log/appender.ts'
import type { BatchResult } from '../log/commit.ts'
import type { AppendRequest } from '../log/planFlush.ts'
import { sequenceAfter } from '../log/producerRule.ts'
import { createGiveWay, takeSteps } from '../ports/giveWay.ts'
import type { Clock, Random } from '../ports/world.ts'
import { encodeRecords, type Placed, placeRecords, refused } from './batchRecords.ts'
import type { BatchesAppended, Cluster, RecordOutcome } from './cluster.ts'
import { type CachedTopic, checkPartition, type TopicCache } from './topicCache.ts'

export interface ProduceDeps {
  readonly appender: Appender
  readonly topics: TopicCache
  readonly clock: Clock
  readonly random: Random
}

/** Of one body: each takes a hundred times its least bytes until it is stored. */
const batchesMax = 10_000

export function createProduce(deps: ProduceDeps): Pick<Cluster, 'produceRecords' | 'produceBatches'> {
  return {
    async produceRecords(topicName, records, producer) {
      const largest = records.reduce((max, { partition }) => Math.max(max, partition ?? 0), 0)
      const topic = await deps.topics.getWith(topicName, largest)
      const nowMs = deps.clock.now()
      const outcomes = new Array<RecordOutcome | undefined>(records.length)
      const giveWay = createGiveWay(deps.clock)
      const placed = await placeRecords({ ...deps, giveWay }, topic, records, nowMs, outcomes)
      if (producer) bindTogether(placed, records.length, outcomes)
      const accepted = producer && outcomes.some((outcome) => outcome) ? [] : placed
      const all = await encodeRecords(giveWay, topic, accepted, { producer, nowMs }, outcomes)
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
      const giveWay = createGiveWay(deps.clock)
      const batches: AcceptedBatch[] = []
      for (const batch of eachBatch(body)) {
        if (batches.length === batchesMax) throw tooManyBatches()
        batches.push(await takeSteps(validateInSteps(batch, topic.rules, nowMs), giveWay))
        const turn = giveWay()
        if (turn !== undefined) await turn
      }
      if (batches.length === 0) throw new KafkaError('INVALID_RECORD', 'The body holds no record batch.')
      checkOneProducer(batches)
      const [results] = await append(deps, topicName, [appendRequest(topic, partition, batches)])
      return batchesAppended(results ?? [], topic, nowMs)
    },
  }
}

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

function tooManyBatches(): KafkaError {
  const message = `a body takes at most ${batchesMax} record batches: larger ones cost less`
  return new KafkaError('RECORD_LIST_TOO_LARGE', message)
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
