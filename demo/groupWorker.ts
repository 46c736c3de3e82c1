// One consumer of the demo's group, in a process of its own so that it can be killed. It says on standard output, a
// line of JSON each, what it owns, which records it has processed, and what it has committed of them.

import { createConsumer } from '../clients/typescript/src/consumer.ts'
import type { ConsumerRecord } from '../clients/typescript/src/consumerRecord.ts'

export interface WorkerLine {
  readonly owns?: readonly number[]
  /** Partition and offset of each record. */
  readonly processed?: readonly (readonly [number, number])[]
  /** Partition, and the offset behind the last record that is committed. */
  readonly committed?: readonly (readonly [number, number])[]
}

const [url = '', clusterId = '', groupId = '', topic = '', clientId = ''] = process.argv.slice(2)
const commitEveryMs = 100

const say = (line: WorkerLine): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

let batch: readonly ConsumerRecord[] = []
let stored = Promise.resolve()

/** One after the other: what is revoked is committed before it is given up. */
function store(): Promise<void> {
  stored = stored.then(async () => {
    const records = batch
    batch = []
    if (records.length === 0) return
    say({ processed: records.map(({ partition, offset }) => [partition, offset]) })
    await consumer.commit(records)
    say({ committed: records.map(({ partition, offset }) => [partition, offset + 1]) })
  })
  return stored
}

const sayOwned = () => say({ owns: consumer.assignment().map(({ partition }) => partition) })
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())

const consumer = createConsumer({
  ...{ url, clusterId, groupId, clientId },
  topics: [topic],
  autoOffsetReset: 'earliest',
  autoCommit: false,
  onAssigned: sayOwned,
  onRevoked: async (partitions) => {
    await store()
    const gone = new Set(partitions.map(({ partition }) => partition))
    say({ owns: consumer.assignment().flatMap(({ partition }) => (gone.has(partition) ? [] : [partition])) })
  },
  signal: stop.signal,
})

const timer = setInterval(store, commitEveryMs)
for await (const record of consumer) batch = [...batch, record]
clearInterval(timer)
