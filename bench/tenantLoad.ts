// One tenant's load, in a process of its own: takes its plan as an argument and prints what it gave. Requests leave
// at a steady pace, whether or not those before are answered, and nobody heeds Retry-After. A latency runs from when
// the request was due.

import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { recordBatch, recordBatchType } from './requests.ts'

export interface TenantPlan {
  readonly port: number
  readonly clusterId: string
  readonly authorization: string
  /** Of a request, and how many of them a second. */
  readonly bytes: number
  readonly perSecond: number
  readonly seconds: number
}

export interface TenantLoad {
  readonly stored: readonly Stored[]
  readonly refused: number
  readonly failed: number
}

interface Stored {
  /** Since the epoch. */
  readonly dueMs: number
  readonly latencyMs: number
}

const connectionsMax = 16
process.stdout.write(JSON.stringify(await run(JSON.parse(process.argv[2] ?? ''))))

async function run({ perSecond, seconds, ...target }: TenantPlan): Promise<TenantLoad> {
  const agent = new Agent({ keepAlive: true, maxSockets: connectionsMax })
  const body = recordBatch(1, target.bytes)
  const stored: Stored[] = []
  let refused = 0
  let failed = 0
  const start = performance.now()
  const all: Promise<void>[] = []
  for (let sent = 0; sent < perSecond * seconds; sent++) {
    const dueMs = start + (sent * 1000) / perSecond
    const aheadMs = dueMs - performance.now()
    if (aheadMs > 0) await sleep(aheadMs)
    const done = post(target, agent, sent % 4, body).then((status) => {
      if (status === 200) {
        stored.push({ dueMs: performance.timeOrigin + dueMs, latencyMs: performance.now() - dueMs })
      } else if (status === 429) refused++
      else failed++
    })
    all.push(done)
  }
  await Promise.all(all)
  agent.destroy()
  return { stored, refused, failed }
}

/** 0: there was no answer. */
function post(
  { port, clusterId, authorization }: Pick<TenantPlan, 'port' | 'clusterId' | 'authorization'>,
  agent: Agent,
  partition: number,
  body: Uint8Array,
): Promise<number> {
  return new Promise((resolve) => {
    const sent = request(
      {
        port,
        agent,
        host: '127.0.0.1',
        method: 'POST',
        path: `/v3/clusters/${clusterId}/topics/t/partitions/${partition}/records`,
        headers: { authorization, 'content-type': recordBatchType, 'content-length': body.length },
      },
      (answer) => {
        answer.resume()
        answer.on('end', () => resolve(answer.statusCode ?? 0))
      },
    )
    sent.on('error', () => resolve(0))
    sent.end(body)
  })
}
