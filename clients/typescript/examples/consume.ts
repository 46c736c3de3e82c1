import { createConsumer } from '@millrace/client'

const stop = new AbortController()
process.once('SIGINT', () => stop.abort())

const consumer = createConsumer({
  url: process.env.MILLRACE_URL ?? 'http://127.0.0.1:8082',
  clusterId: 'local',
  groupId: 'kitchen',
  topics: ['orders'],
  autoOffsetReset: 'earliest',
  signal: stop.signal,
})
for await (const record of consumer) {
  console.log(record.partition, record.offset, record.keyText(), record.json())
}
