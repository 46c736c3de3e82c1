// The way of one partition's records to the service: batches one after the other, each until it is acknowledged or
// given up, so that records keep their order and sequences have no gap.

import {
  addTo,
  type Batch,
  type BatchLimits,
  type Entry,
  type OpenBatch,
  openBatch,
  waitMs,
} from './batch.ts'
import { createDelivery, type DeliveryDeps } from './deliver.ts'

export interface LaneDeps extends DeliveryDeps {
  readonly limits: BatchLimits & DeliveryDeps['limits']
}

export interface Lane {
  append(entry: Entry): void
  /** The next record without a key may join the others here. */
  hasRoom(): boolean
  /** Sends what there is without lingering. */
  hurry(): void
}

export function createLane(deps: LaneDeps, topic: string, partition: number): Lane {
  const { limits, world } = deps
  const queue: OpenBatch[] = []
  const deliver = createDelivery(deps, topic, partition)
  let running = false
  let woken = new AbortController()

  // Even without a linger time the records of one turn of the event loop go together.
  const linger = async (batch: Batch): Promise<void> => {
    if (batch.closed || queue.length > 1) return
    woken = new AbortController()
    await world.sleep(waitMs(batch, world.now(), limits), woken.signal)
  }

  const run = async (): Promise<void> => {
    running = true
    for (let batch = queue[0]; batch !== undefined; batch = queue[0]) {
      await linger(batch)
      batch.closed = true
      queue.splice(0, 1, ...(await deliver(batch)))
    }
    running = false
  }

  return {
    append(entry) {
      const last = queue.at(-1)
      if (last === undefined || !addTo(last, entry, limits)) queue.push(openBatch(entry, world.now(), limits))
      if (queue.length > 1 || queue[0]?.closed) woken.abort()
      if (!running) void run()
    },
    hasRoom: () => queue.at(-1)?.closed === false,
    hurry() {
      for (const batch of queue) batch.closed = true
      woken.abort()
    },
  }
}
