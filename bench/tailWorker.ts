// The way of a record from a producer to a reader who waits for it, timed by one clock: one connection
// appends a record every interval, another reads from where it stands and is answered as soon as there is
// something.

import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { openConnection } from './connection.ts'
import type { Load } from './load.ts'
import { getRequest, postRequest, recordBatchType, recordsPath } from './requests.ts'

export interface TailPlan {
  readonly port: number
  readonly topic: string
  readonly batch: Uint8Array
  readonly intervalMs: number
  readonly seconds: number
}

const waitMs = 5000

const plan: TailPlan = workerData
parentPort?.postMessage(await run(plan))

async function run({ port, topic, batch, intervalMs, seconds }: TailPlan): Promise<Load> {
  const path = recordsPath(topic, 0)
  const producer = await openConnection(port)
  const reader = await openConnection(port)
  const append = postRequest(path, recordBatchType, batch)
  const count = Math.ceil((seconds * 1000) / intervalMs)
  const sentAt: number[] = []
  const latenciesMs: number[] = []

  const produce = async () => {
    for (let sent = 0; sent < count; sent++) {
      await sleep(Math.max(0, start + sent * intervalMs - performance.now()))
      sentAt.push(performance.now())
      await producer.exchange(append)
    }
  }

  // The topic was empty: a record's offset is its place in sentAt.
  const read = async () => {
    while (latenciesMs.length < count) {
      const from = `${path}?offset=${latenciesMs.length}&timeout=${waitMs}`
      const { head } = await reader.exchange(getRequest(from, recordBatchType))
      const now = performance.now()
      const next = Number(/\r\nmillrace-next-offset: (\d+)/.exec(head)?.[1])
      for (const sent of sentAt.slice(latenciesMs.length, next)) latenciesMs.push(now - sent)
    }
  }

  const start = performance.now()
  await Promise.all([produce(), read()])
  const elapsed = (performance.now() - start) / 1000
  producer.close()
  reader.close()
  return { seconds: elapsed, latenciesMs }
}
