import { type ConsumerRecord, createConsumer } from '@millrace/client'

const stop = new AbortController()
process.once('SIGINT', () => stop.abort())

let batch: ConsumerRecord[] = []

async function store(): Promise<void> {
  console.log(`storing ${batch.length} records`)
  await consumer.commit(batch)
  batch = []
}

const consumer = createConsumer({
  url: process.env.MILLRACE_URL ?? 'http://127.0.0.1:8082',
  clusterId: 'local',
  groupId: 'warehouse',
  topics: ['orders'],
  autoOffsetReset: 'earliest',
  autoCommit: false,
  // Others get the partitions when this has been awaited.
  onRevoked: store,
  // Others have them already, and begin where was committed last.
  onLost: () => {
    batch = []
  },
  signal: stop.signal,
})
for await (const record of consumer) {
  batch.push(record)
  if (batch.length === 100) await store()
}
