// The producer: records in, receipts out. Each record is stored once, in the order of the calls within its partition,
// whatever happens to requests and answers on the way, or its promise is rejected.

import type { Receipt } from './batch.ts'
import { codes, isRefusal, localError } from './errors.ts'
import { createProducerIds } from './producerIds.ts'
import { encodeRecord, type ProducerRecord } from './producerRecord.ts'
import { createTopics } from './producerTopics.ts'
import { createRoom } from './room.ts'
import { type ConnectionOptions, createTransport } from './transport.ts'
import { systemWorld } from './world.ts'

export interface ProducerOptions extends ConnectionOptions {
  /** How long a record waits for others to share its request; default 5. */
  readonly lingerMs?: number
  /** Of a request, as it is sent; default 512 KiB. A larger record goes by itself. */
  readonly batchBytesMax?: number
  /** Of records that are not yet acknowledged; beyond it `send` waits. Default 32 MiB. */
  readonly bufferBytesMax?: number
  /** From `send` to when a record is given up; default 120,000. */
  readonly deliveryTimeoutMs?: number
  /** Gives up everything that is not yet acknowledged. */
  readonly signal?: AbortSignal
}

export interface Producer {
  /** Resolves when the record is stored. The order of the calls is the order within a partition. */
  send(record: ProducerRecord): Promise<Receipt>
  /** Sends what waits, and resolves when all that was given to `send` before is stored or rejected. */
  flush(): Promise<void>
  /** `flush`, and takes no more. */
  close(): Promise<void>
}

export function createProducer(options: ProducerOptions): Producer {
  const { world = systemWorld, signal = new AbortController().signal } = options
  const { lingerMs = 5, batchBytesMax = 512 * 1024, bufferBytesMax = 32 * 1024 * 1024 } = options
  const limits = { lingerMs, batchBytesMax, deliveryTimeoutMs: options.deliveryTimeoutMs ?? 120_000 }
  const transport = createTransport(options, world)
  const asking = { transport, world, limits, signal }
  const topics = createTopics({ ...asking, producerIds: createProducerIds(asking) })
  const room = createRoom(bufferBytesMax)
  const pending = new Set<Promise<unknown>>()
  let closed = false
  let flushing = 0

  signal.addEventListener('abort', () => topics.hurry(), { once: true })

  const deliver = async (record: ProducerRecord): Promise<Receipt> => {
    const encoded = encodeRecord(record, world.now())
    await room.enter(encoded.rest.length)
    try {
      const partitionCount = await topics.partitionCount(record.topic)
      return await new Promise((resolve, reject) => {
        const lane = topics.append(record, { ...encoded, resolve, reject }, partitionCount)
        if (flushing > 0 || signal.aborted) lane.hurry()
      })
    } catch (error) {
      if (isRefusal(error, codes.unknownTopic, codes.partitionNotFound)) topics.forget(record.topic)
      throw error
    } finally {
      room.leave(encoded.rest.length)
    }
  }

  const flush = async (): Promise<void> => {
    flushing++
    topics.hurry()
    await Promise.allSettled(pending)
    flushing--
  }

  return {
    flush,
    send(record) {
      if (closed) return Promise.reject(localError('the producer is closed'))
      const delivery = deliver(record)
      pending.add(delivery)
      const settled = () => pending.delete(delivery)
      delivery.then(settled, settled)
      return delivery
    },
    async close() {
      closed = true
      await flush()
    },
  }
}
