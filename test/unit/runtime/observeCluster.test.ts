import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBatch } from '../../../shared/kafka/recordBatch.ts'
import { systemClock } from '../../../shared/runtime/clock.ts'
import { createLogger } from '../../../shared/runtime/logger.ts'
import { createMetrics } from '../../../shared/runtime/metrics.ts'
import { observeCluster } from '../../../shared/runtime/observeCluster.ts'
import { createTestCluster } from '../../support/testCluster.ts'

async function start() {
  const lines: string[] = []
  const write = (line: string) => lines.push(line)
  const logger = createLogger({ level: 'INFO', facts: {}, write })
  const metrics = createMetrics({ clock: systemClock, stage: 'dev', functionName: 'fetch', write })
  const cluster = observeCluster({ clock: systemClock, logger, metrics }, createTestCluster())
  await cluster.createTopic({ name: 't', partitionCount: 2, configs: [], validateOnly: false })
  return {
    cluster,
    /** Lines without what differs each time. */
    told: () =>
      lines.splice(0).map((line) => {
        const { timestamp, ms, ...facts } = JSON.parse(line)
        return facts
      }),
    counted: () => {
      metrics.flush()
      return JSON.parse(lines.splice(0)[0] ?? '{}')
    },
  }
}

const record = (partition: number, value: string) => ({
  partition,
  key: Buffer.from('key'),
  value: Buffer.from(value),
  headers: [],
})
const line = { level: 'INFO', tenant: 'local', topic: 't' }

test('a produce tells where its records went and how many bytes they were', async () => {
  const { cluster, told, counted } = await start()
  const outcomes = await cluster.produceRecords('t', [
    record(1, 'a'),
    record(0, 'bb'),
    record(1, 'c'),
    record(9, 'd'),
  ])
  assert.deepEqual(
    outcomes.map(({ ok }) => ok),
    [true, true, true, false],
  )
  const partitions = [
    { partition: 1, baseOffset: 0, messages: 2 },
    { partition: 0, baseOffset: 0, messages: 1 },
  ]
  assert.deepEqual(told(), [{ ...line, message: 'produce', partitions, messages: 3, refused: 1, bytes: 13 }])
  const { MessagesInPerSec, BytesInPerSec, FailedProduceRequestsPerSec } = counted()
  assert.deepEqual([MessagesInPerSec, BytesInPerSec, FailedProduceRequestsPerSec], [3, 13, 1])
})

test('encoded batches and what is fetched are told alike', async () => {
  const { cluster, told, counted } = await start()
  const one = { timestamp: 1, key: null, value: Buffer.from('v'), headers: [] }
  const body = encodeBatch({ codec: 'none', records: [one, one, one] })
  await cluster.produceBatches('t', 1, body)
  const asked = { topicName: 't', maxBytes: 1e6, minBytes: 0, maxWaitMs: 0 }
  const [fetched] = await cluster.fetch({
    ...asked,
    partitions: [{ partition: 1, offset: 1, maxBytes: 1e6 }],
  })
  assert.equal(fetched?.batches[0]?.length, body.length)
  const bytes = body.length
  assert.deepEqual(told(), [
    { ...line, message: 'produce', partition: 1, baseOffset: 0, messages: 3, duplicate: false, bytes },
    { ...line, message: 'fetch', partitions: [{ partition: 1, offset: 1, highWatermark: 3, bytes }], bytes },
  ])
  const { TotalProduceRequestsPerSec, TotalFetchRequestsPerSec, BytesOutPerSec, MessagesInPerSec } = counted()
  assert.deepEqual([TotalProduceRequestsPerSec, TotalFetchRequestsPerSec, BytesOutPerSec], [1, 1, bytes])
  assert.equal(MessagesInPerSec, 3)
})

test('what is refused is told and counted, and thrown as it was', async () => {
  const { cluster, told, counted } = await start()
  await assert.rejects(cluster.produceBatches('gone', 0, new Uint8Array(70)), {
    code: 'UNKNOWN_TOPIC_OR_PARTITION',
  })
  const [{ error, ...facts }] = told() as [Record<string, unknown>]
  assert.match(String(error), /^KafkaError: /)
  assert.deepEqual(facts, { ...line, message: 'produce', topic: 'gone', partition: 0 })
  assert.equal(counted().FailedProduceRequestsPerSec, 1)
})
