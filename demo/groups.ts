// The demo's consumer group: three consumers share six partitions while records come in, one is killed, one joins. Each
// consumer is a process of its own and tells what it processed and committed; what they told is added up here.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { createProducer } from '../clients/typescript/src/producer.ts'
import { connect } from './client.ts'
import { createGroupTally, type GroupTally } from './groupTally.ts'
import type { WorkerLine } from './groupWorker.ts'
import type { Screen } from './screen.ts'

export interface GroupRequest {
  readonly url: string
  readonly signal: AbortSignal
}

const partitionCount = 6
const topicName = 'demo-groups'
const groupId = 'demo'
/** Between two events of the tour, so that there is something to lose. */
const pauseMs = 1000
const patienceMs = 60_000
const sendEveryMs = 10
const recordsPerSend = 10

export async function runGroups({ url, signal }: GroupRequest, screen: Screen): Promise<GroupTally> {
  const { clusterId, sendJson } = await connect(url, signal)
  const topic = { topic_name: topicName, partitions_count: partitionCount }
  await sendJson('POST', `/v3/clusters/${encodeURIComponent(clusterId)}/topics`, topic)
  const tally = createGroupTally()
  const group = createGroup({ url, clusterId, tally, signal, screen })
  const sending = startSending({ url, clusterId, signal })
  try {
    for (const name of ['a', 'b', 'c']) group.start(name)
    await group.settled('three consumers join')
    await sleep(pauseMs, undefined, { signal })
    group.end('a', 'SIGKILL')
    await group.settled('a is killed')
    group.start('d')
    await group.settled('d joins')
    await sleep(pauseMs, undefined, { signal })
    tally.expect(await sending.stop())
    await until(() => tally.missing() === 0, signal)
    await group.stop()
  } finally {
    group.kill()
    await sending.stop()
  }
  return tally
}

interface GroupDeps {
  readonly url: string
  readonly clusterId: string
  readonly tally: GroupTally
  readonly signal: AbortSignal
  readonly screen: Screen
}

interface Worker {
  readonly child: ChildProcess
  owns: readonly number[]
}

function createGroup({ url, clusterId, tally, signal, screen }: GroupDeps) {
  const workers = new Map<string, Worker>()
  const startMs = performance.now()

  const hear = (worker: Worker, { owns, processed, committed }: WorkerLine): void => {
    if (owns !== undefined) worker.owns = owns.toSorted()
    for (const [partition, offset] of processed ?? []) tally.processed(partition, offset)
    for (const [partition, offset] of committed ?? []) tally.committed(partition, offset)
  }

  /** Every partition has one owner, and nobody more than a share. */
  const isShared = (): boolean => {
    const owned = [...workers.values()].map(({ owns }) => owns)
    const share = partitionCount / workers.size
    return new Set(owned.flat()).size === partitionCount && owned.every(({ length }) => length === share)
  }

  return {
    start(name: string): void {
      const args = [join(import.meta.dirname, 'groupWorker.ts'), url, clusterId, groupId, topicName, name]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      const worker: Worker = { child, owns: [] }
      workers.set(name, worker)
      createInterface({ input: child.stdout }).on('line', (line) => hear(worker, JSON.parse(line)))
    },
    end(name: string, how: NodeJS.Signals): void {
      workers.get(name)?.child.kill(how)
      workers.delete(name)
    },
    async settled(event: string): Promise<void> {
      await until(isShared, signal)
      const shares = Array.from(workers, ([name, { owns }]) => `${name} ${owns.join(' ')}`).join('   ')
      const seconds = ((performance.now() - startMs) / 1000).toFixed(1).padStart(5)
      screen.line(`${seconds} s  ${event.padEnd(24)}${shares}`)
    },
    /** They commit and leave. */
    async stop(): Promise<void> {
      const ended = Array.from(workers.values(), ({ child }) => once(child, 'exit'))
      for (const name of [...workers.keys()]) this.end(name, 'SIGTERM')
      await Promise.all(ended)
    },
    kill(): void {
      for (const name of [...workers.keys()]) this.end(name, 'SIGKILL')
    },
  }
}

/** Records that come in all the while; `stop` answers where they went. */
function startSending({ url, clusterId, signal }: Pick<GroupDeps, 'url' | 'clusterId' | 'signal'>) {
  const producer = createProducer({ url, clusterId, signal })
  const receipts: Promise<{ readonly partition: number; readonly offset: number }>[] = []
  const timer = setInterval(() => {
    for (let n = 0; n < recordsPerSend; n++) {
      const sent = producer.send({
        topic: topicName,
        key: `${receipts.length}`,
        value: `record ${receipts.length}`,
      })
      receipts.push(sent)
      sent.catch(() => clearInterval(timer))
    }
  }, sendEveryMs)
  return {
    async stop() {
      clearInterval(timer)
      return Promise.all(receipts)
    },
  }
}

async function until(condition: () => boolean, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!condition()) {
    if (performance.now() > deadline)
      throw new Error(`the consumer group did not settle within ${patienceMs} ms`)
    await sleep(20, undefined, { signal })
  }
}
