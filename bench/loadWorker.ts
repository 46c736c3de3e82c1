// The load, in a thread of its own: every connection sends its next request as soon as the last one is
// answered.

import { parentPort, workerData } from 'node:worker_threads'
import { openConnection } from './connection.ts'
import type { Load, LoadPlan } from './load.ts'

const plan: LoadPlan = workerData
parentPort?.postMessage(await run(plan))

async function run({ port, connections, seconds, requestsMax }: LoadPlan): Promise<Load> {
  const latenciesMs: number[] = []
  let sent = 0
  const opened = await Promise.all(connections.map(() => openConnection(port)))
  const start = performance.now()
  const end = start + seconds * 1000
  await Promise.all(
    opened.map(async (connection, index) => {
      const requests = connections[index] ?? []
      for (let turn = 0; sent < requestsMax && performance.now() < end; turn++) {
        const request = requests[turn % requests.length]
        if (request === undefined) throw new Error('a connection without requests')
        sent++
        const sentAt = performance.now()
        await connection.exchange(request)
        latenciesMs.push(performance.now() - sentAt)
      }
    }),
  )
  const elapsed = (performance.now() - start) / 1000
  for (const connection of opened) connection.close()
  return { seconds: elapsed, latenciesMs }
}
