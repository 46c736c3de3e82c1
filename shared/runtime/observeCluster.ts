// A cluster with every produce and fetch told to the log and to the metrics: who, where, how much, how long, and never
// what the records hold. Behaves as what it observes.

import { splitBatches } from '../kafka/recordBatch.ts'
import { readHeader } from '../kafka/recordBatchLayout.ts'
import type { Clock } from '../ports/world.ts'
import type { Cluster, RecordOutcome, RecordToProduce } from '../service/cluster.ts'
import type { Facts, Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'

export interface Observer {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
}

export function observeCluster(observer: Observer, cluster: Cluster): Cluster {
  const { clusterId } = cluster
  const told = tellRequests(observer, clusterId)
  return {
    ...cluster,
    produceRecords: (topicName, records, producer) =>
      told('Produce', { topic: topicName }, async () => {
        const outcomes = await cluster.produceRecords(topicName, records, producer)
        return { answer: outcomes, ...appended(records, outcomes) }
      }),
    produceBatches: (topicName, partition, body) =>
      told('Produce', { topic: topicName, partition }, async () => {
        const answer = await cluster.produceBatches(topicName, partition, body)
        const messages = splitBatches(body).reduce((sum, batch) => sum + readHeader(batch).recordCount, 0)
        const facts = { baseOffset: answer.baseOffsets[0], messages, duplicate: answer.duplicate }
        return { answer, facts, messages, bytes: body.length, isFailed: false }
      }),
    fetch: (request) =>
      told('Fetch', { topic: request.topicName }, async () => {
        const answer = await cluster.fetch(request)
        const partitions = answer.map(({ partition, highWatermark, batches, error }, i) => {
          const bytes = batches.reduce((sum, { length }) => sum + length, 0)
          return {
            partition,
            offset: request.partitions[i]?.offset,
            highWatermark,
            bytes,
            error: error?.code,
          }
        })
        const bytes = partitions.reduce((sum, one) => sum + one.bytes, 0)
        const isFailed = partitions.some(({ error }) => error !== undefined)
        return {
          answer,
          facts: { partitions: partitions.slice(0, partitionsMax) },
          messages: 0,
          bytes,
          isFailed,
        }
      }),
  }
}

/** Told of one request; a line stays readable. */
const partitionsMax = 20

interface Told<T> {
  readonly answer: T
  readonly facts: Facts
  readonly messages: number
  readonly bytes: number
  readonly isFailed: boolean
}

function tellRequests({ clock, logger, metrics }: Observer, clusterId: string) {
  return async <T>(request: 'Produce' | 'Fetch', facts: Facts, call: () => Promise<Told<T>>): Promise<T> => {
    const start = clock.now()
    const tell = (outcome: Facts) => {
      const ms = clock.now() - start
      metrics.time('TotalTimeMs', request, ms)
      logger.log('INFO', request.toLowerCase(), { tenant: clusterId, ...facts, ...outcome, ms })
    }
    metrics.add(`Total${request}RequestsPerSec`, 1)
    try {
      const { answer, facts: outcome, messages, bytes, isFailed } = await call()
      metrics.add('MessagesInPerSec', messages)
      metrics.add(request === 'Produce' ? 'BytesInPerSec' : 'BytesOutPerSec', bytes)
      metrics.add(`Failed${request}RequestsPerSec`, isFailed ? 1 : 0)
      tell({ ...outcome, bytes })
      return answer
    } catch (error) {
      metrics.add(`Failed${request}RequestsPerSec`, 1)
      tell({ error: String(error) })
      throw error
    }
  }
}

function appended(records: readonly RecordToProduce[], outcomes: readonly RecordOutcome[]) {
  const offsets = new Map<number, { readonly baseOffset: number; messages: number }>()
  let messages = 0
  let bytes = 0
  for (const [i, outcome] of outcomes.entries()) {
    if (!outcome.ok) continue
    const { partition, offset: baseOffset } = outcome
    const place = offsets.get(partition) ?? { baseOffset, messages: 0 }
    place.messages++
    offsets.set(partition, place)
    messages++
    bytes += (records[i]?.key?.length ?? 0) + (records[i]?.value?.length ?? 0)
  }
  const partitions = [...offsets]
    .slice(0, partitionsMax)
    .map(([partition, place]) => ({ partition, ...place }))
  const refused = outcomes.length - messages
  return { facts: { partitions, messages, refused }, messages, bytes, isFailed: refused > 0 }
}
