import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { batchCrcIsValid, readHeader } from '../../../shared/kafka/recordBatchLayout.ts'
import { defaultClusterSettings } from '../../../shared/service/settings.ts'
import { countCalls } from '../../support/counting.ts'
import {
  batch,
  createLog,
  createTopic,
  fetchRequest,
  kafkaError,
  record,
  recordsOf,
  virtualPorts,
} from '../../support/logTools.ts'
import { createTestCluster } from '../../support/testCluster.ts'

test('a read from any offset with any limit begins with the batch that holds it and leaves nothing out', async () => {
  const { cluster } = await createLog()
  const counts: number[] = []
  for (let i = 0; i < 70; i++) {
    const count = 1 + ((i * 7) % 5)
    counts.push(count)
    await cluster.produceBatches('t', 0, batch(Array.from({ length: count }, (_, k) => `${i}.${k}`)))
  }
  await cluster.idle()
  const total = counts.reduce((sum, count) => sum + count, 0)
  await fc.assert(
    fc.asyncProperty(
      fc.nat(total - 1),
      fc.constantFrom(0, 1, 100, 500, 3000, 1 << 20),
      async (offset, maxBytes) => {
        const [fetched] = await cluster.fetch(fetchRequest([[0, offset]], { partitionMaxBytes: maxBytes }))
        const records = recordsOf(fetched)
        const [first] = fetched?.batches ?? []
        assert.ok(first && readHeader(first).baseOffset <= offset)
        assert.ok(readHeader(first).baseOffset + readHeader(first).lastOffsetDelta >= offset)
        for (const [i, one] of records.entries()) assert.equal(one.offset, (records[0]?.offset ?? 0) + i)
        const bytes = fetched?.batches.reduce((sum, one) => sum + one.length, 0) ?? 0
        assert.ok(bytes <= Math.max(maxBytes, first.length), 'only the first batch may be larger')
        assert.ok(fetched?.batches.every(batchCrcIsValid), 'a stamped batch keeps its CRC')
      },
    ),
    { numRuns: 200 },
  )
})

test('a reader that follows small limits to the end has read every record once', async () => {
  const { cluster } = await createLog()
  for (let i = 0; i < 60; i++) await cluster.produceBatches('t', 0, batch([`${i}a`, `${i}b`]))
  await cluster.idle()
  for (const maxBytes of [0, 1, 150, 1000]) {
    const values: (string | null)[] = []
    for (let offset = 0; offset < 120; ) {
      const [fetched] = await cluster.fetch(fetchRequest([[0, offset]], { partitionMaxBytes: maxBytes }))
      const records = recordsOf(fetched)
      values.push(...records.map(({ value }) => value))
      offset = (records.at(-1)?.offset ?? Number.NaN) + 1
    }
    assert.deepEqual(
      values,
      Array.from({ length: 120 }, (_, i) => `${i >> 1}${i % 2 ? 'b' : 'a'}`),
    )
  }
})

test('readers of one object at the same time share one request, and later ones need none', async () => {
  const ports = virtualPorts()
  const counted = countCalls(ports)
  const cluster = createTestCluster({ ...counted, clock: ports.clock })
  await createTopic(cluster, 't', 4, { 'millrace.write.path': 's3' })
  await cluster.produceRecords(
    't',
    [0, 1, 2, 3].map((p) => record('x', p)),
  )
  const read = () =>
    Promise.all(Array.from({ length: 20 }, (_, i) => cluster.fetch(fetchRequest([[i % 4, 0]]))))
  assert.equal((await counted.during(read)).objectReads, 1)
  assert.equal((await counted.during(read)).objectReads, 0)
})

test('an object that is damaged is said to be so, with its place', async () => {
  const ports = virtualPorts()
  const objects = {
    ...ports.objects,
    getRange: async (...[name, start, length]: Parameters<typeof ports.objects.getRange>) => {
      const bytes = await ports.objects.getRange(name, start, length)
      return bytes && Uint8Array.from(bytes).fill(9, 0, 100)
    },
  }
  const cluster = createTestCluster({ ...ports, objects })
  await createTopic(cluster, 't', 2, { 'millrace.write.path': 's3' })
  await cluster.produceRecords('t', [record('a'), record('b'.repeat(200), 1)])
  await assert.rejects(cluster.fetch(fetchRequest([[0, 0]])), kafkaError('KAFKA_STORAGE_ERROR'))
  await assert.rejects(cluster.fetch(fetchRequest([[0, 0]])), /object [0-9a-f]{32}, position 0, offset 0/)
})

test('a log that is longer than the cache is read to its end', async () => {
  const settings = { fetch: { ...defaultClusterSettings.fetch, cacheBytesMax: 20_000, blockBytes: 4096 } }
  const { cluster } = await createLog({ settings, configs: { 'millrace.write.path': 's3' } })
  for (let i = 0; i < 40; i++) await cluster.produceRecords('t', [record(`${i}`.padEnd(5000, '.'))])
  await cluster.idle()
  for (let offset = 0; offset < 40; offset++) {
    const [fetched] = await cluster.fetch(fetchRequest([[0, offset]], { partitionMaxBytes: 1 }))
    assert.ok(recordsOf(fetched)[0]?.value?.startsWith(`${offset}.`))
  }
})
