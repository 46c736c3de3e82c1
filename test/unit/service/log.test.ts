import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeRecords } from '../../../shared/kafka/recordBatch.ts'
import type { FetchedPartition } from '../../../shared/service/cluster.ts'
import { createTestCluster, memoryPorts } from '../../support/testCluster.ts'

const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString())
const record = (value: string, partition = 0) => ({
  partition,
  key: null,
  value: Buffer.from(value),
  headers: [],
})

const wanted = (offset: number, partition = 0, maxBytes = 1 << 20) => ({ partition, offset, maxBytes })
const valuesOf = (fetched: FetchedPartition | undefined) =>
  (fetched?.batches ?? []).flatMap((batch) =>
    decodeRecords(batch, 1 << 20).map((r) => `${r.offset}:${text(r.value)}`),
  )

test('what was acknowledged is read at its offset', async () => {
  const cluster = createTestCluster()
  await cluster.createTopic({ name: 't', partitionCount: 2, configs: [], validateOnly: false })
  const outcomes = await cluster.produceRecords('t', [record('a'), record('b', 1), record('c')])
  assert.deepEqual(
    outcomes.map((o) => o.ok && [o.partition, o.offset]),
    [
      [0, 0],
      [1, 0],
      [0, 1],
    ],
  )
  const [first] = await cluster.fetch({
    topicName: 't',
    partitions: [wanted(0)],
    maxBytes: 1e6,
    minBytes: 1,
    maxWaitMs: 0,
  })
  assert.deepEqual(valuesOf(first), ['0:a', '1:c'])
})

test('a log of many commits is read from any offset, and a restarted process goes on where it was', async () => {
  const ports = memoryPorts()
  const cluster = createTestCluster(ports)
  await cluster.createTopic({ name: 't', partitionCount: 1, configs: [], validateOnly: false })
  for (let i = 0; i < 200; i++) await cluster.produceRecords('t', [record(`v${i}`)])
  const restarted = createTestCluster(ports)
  await restarted.produceRecords('t', [record('v200')])
  for (const offset of [0, 1, 11, 12, 13, 100, 187, 199, 200]) {
    const [fetched] = await restarted.fetch({
      topicName: 't',
      partitions: [wanted(offset)],
      maxBytes: 1e6,
      minBytes: 1,
      maxWaitMs: 0,
    })
    assert.deepEqual(
      valuesOf(fetched),
      Array.from({ length: 201 - offset }, (_, i) => `${offset + i}:v${offset + i}`),
    )
  }
})
