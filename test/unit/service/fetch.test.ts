import assert from 'node:assert/strict'
import { test } from 'node:test'
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

const values = (...args: Parameters<typeof recordsOf>) => recordsOf(...args).map(({ value }) => value)

test('a fetch of an empty partition is answered when its time is up, not before', async () => {
  const { cluster, clock } = await createLog()
  const start = clock.now()
  const [fetched] = await cluster.fetch(fetchRequest([[0, 0]], { maxWaitMs: 500 }))
  assert.deepEqual(fetched?.batches, [])
  assert.equal(clock.now() - start, 500)
})

test('a waiting fetch is answered at once by a record that lands in the same process', async () => {
  const { cluster, clock } = await createLog({ partitionCount: 20 })
  const start = clock.now()
  const waiting = cluster.fetch(
    fetchRequest(
      [
        [0, 0],
        [17, 0],
      ],
      { maxWaitMs: 60_000 },
    ),
  )
  await cluster.produceRecords('t', [record('a', 17)])
  assert.deepEqual(
    (await waiting).map((one) => values(one)),
    [[], ['a']],
  )
  assert.equal(clock.now(), start)
})

test('a waiting fetch finds what another process has appended, within the longest pause between looks', async () => {
  const { cluster, clock, ports } = await createLog()
  const start = clock.now()
  const waiting = cluster.fetch(fetchRequest([[0, 0]], { maxWaitMs: 60_000 }))
  await clock.sleep(5_010)
  await createTestCluster(ports).produceRecords('t', [record('a')])
  assert.deepEqual(values((await waiting)[0]), ['a'])
  assert.ok(clock.now() - start <= 5_510, `${clock.now() - start} ms`)
})

test('a fetch waits for its least bytes, and takes what there is when its time is up', async () => {
  const { cluster, clock } = await createLog()
  const size = batch(['a']).length
  await cluster.produceBatches('t', 0, batch(['a']))
  const waiting = cluster.fetch(fetchRequest([[0, 0]], { minBytes: size * 3, maxWaitMs: 500 }))
  await clock.sleep(100)
  await cluster.produceBatches('t', 0, batch(['b']))
  await clock.sleep(100)
  await cluster.produceBatches('t', 0, batch(['c']))
  const before = clock.now()
  assert.deepEqual(values((await waiting)[0]), ['a', 'b', 'c'])
  assert.ok(clock.now() - before < 50)
  const start = clock.now()
  const [fetched] = await cluster.fetch(fetchRequest([[0, 0]], { minBytes: size * 4, maxWaitMs: 500 }))
  assert.deepEqual([values(fetched).length, clock.now() - start], [3, 500])
})

test('an error in one partition is answered without waiting', async () => {
  const { cluster, clock } = await createLog({ partitionCount: 2 })
  const start = clock.now()
  const fetched = await cluster.fetch(
    fetchRequest(
      [
        [0, 0],
        [1, 1],
      ],
      { maxWaitMs: 500 },
    ),
  )
  assert.deepEqual(
    fetched.map(({ error }) => error?.code),
    [undefined, 'OFFSET_OUT_OF_RANGE'],
  )
  assert.equal(clock.now(), start)
})

test('a client that has gone is not waited for', async () => {
  const { cluster, clock } = await createLog()
  const gone = new AbortController()
  const start = clock.now()
  const waiting = cluster.fetch(fetchRequest([[0, 0]], { maxWaitMs: 60_000, signal: gone.signal }))
  await clock.sleep(1)
  gone.abort()
  await waiting
  assert.equal(clock.now() - start, 1)
})

test('a fetch that waits on a topic that is deleted hears of it', async () => {
  const { cluster } = await createLog()
  const waiting = cluster.fetch(fetchRequest([[0, 0]], { maxWaitMs: 60_000 }))
  const refused = assert.rejects(waiting, kafkaError('UNKNOWN_TOPIC_OR_PARTITION'))
  await cluster.deleteTopic('t')
  await refused
})

test('the first batch of the first partition that has one is whole even beyond every limit', async () => {
  const { cluster } = await createLog({ partitionCount: 3 })
  for (const partition of [1, 2]) await cluster.produceRecords('t', [record('x'.repeat(5000), partition)])
  const limits = { partitionMaxBytes: 100, maxBytes: 100 }
  const lengths = async (...offsets: Parameters<typeof fetchRequest>[0][number][]) =>
    (await cluster.fetch(fetchRequest(offsets, limits))).map(({ batches }) => batches.length)
  assert.deepEqual(await lengths([0, 0], [1, 0], [2, 0]), [0, 1, 0])
  assert.deepEqual(await lengths([2, 0], [1, 0]), [1, 0])
})

test('partitions are served in the order of the request until its bytes are used up', async () => {
  const { cluster } = await createLog({ partitionCount: 3 })
  const size = batch(['x'.repeat(500)]).length
  for (const partition of [0, 1, 2]) {
    for (let i = 0; i < 4; i++) await cluster.produceBatches('t', partition, batch(['x'.repeat(500)]))
  }
  const fetched = await cluster.fetch(
    fetchRequest(
      [
        [2, 0],
        [0, 0],
        [1, 0],
      ],
      { maxBytes: size * 4, partitionMaxBytes: size * 3 },
    ),
  )
  assert.deepEqual(
    fetched.map(({ partition, batches }) => [partition, batches.length]),
    [
      [2, 3],
      [0, 1],
      [1, 0],
    ],
  )
  assert.ok(fetched.every(({ highWatermark }) => highWatermark === 4))
})

test('partitions that the bytes no longer reach cost no requests', async () => {
  const ports = virtualPorts()
  const counted = countCalls(ports)
  const cluster = createTestCluster({ ...counted, clock: ports.clock })
  await createTopic(cluster, 't', 16, { 'millrace.write.path': 's3' })
  for (let p = 0; p < 16; p++) await cluster.produceRecords('t', [record('x', p)])
  await cluster.idle()
  const request = fetchRequest(
    Array.from({ length: 16 }, (_, p) => [p, 0]),
    { maxBytes: 1 },
  )
  assert.deepEqual(await counted.during(() => cluster.fetch(request)), {
    puts: 0,
    objectReads: 1,
    tableReads: 2,
    tableWrites: 0,
  })
})

test('below the log start and above the high watermark is out of range, at it is empty', async () => {
  const { cluster } = await createLog()
  for (let i = 0; i < 30; i++) await cluster.produceRecords('t', [record(`v${i}`)])
  await cluster.deleteRecords('t', 0, 20)
  const at = async (offset: number) => {
    const [fetched] = await cluster.fetch(fetchRequest([[0, offset]]))
    return fetched?.error ? [fetched.error.code, fetched.error.details] : values(fetched)
  }
  const outOfRange = ['OFFSET_OUT_OF_RANGE', { logStartOffset: 20, highWatermark: 30 }]
  assert.deepEqual(await at(19), outOfRange)
  assert.deepEqual(await at(0), outOfRange)
  assert.deepEqual(await at(31), outOfRange)
  assert.deepEqual(await at(30), [])
  assert.deepEqual(await at(29), ['v29'])
})

test('a fetch from the middle of a batch brings the whole batch', async () => {
  const { cluster } = await createLog()
  await cluster.produceBatches('t', 0, batch(['a', 'b', 'c']))
  const [fetched] = await cluster.fetch(fetchRequest([[0, 1]]))
  assert.deepEqual(
    recordsOf(fetched).map(({ offset }) => offset),
    [0, 1, 2],
  )
})

test('an unknown topic and an unknown partition fail the whole fetch', async () => {
  const { cluster } = await createLog()
  const unknown = kafkaError('UNKNOWN_TOPIC_OR_PARTITION')
  await assert.rejects(cluster.fetch(fetchRequest([[0, 0]], { topicName: 'nope' })), unknown)
  for (const partition of [1, -1, 0.5]) {
    await assert.rejects(cluster.fetch(fetchRequest([[partition, 0]])), kafkaError('PARTITION_NOT_FOUND'))
  }
})

test('earliest and latest are the log start and the high watermark', async () => {
  const { cluster } = await createLog()
  const listed = async () => [
    await cluster.listOffsets('t', 0, { kind: 'earliest' }),
    await cluster.listOffsets('t', 0, { kind: 'latest' }),
  ]
  assert.deepEqual(await listed(), [
    { offset: 0, timestamp: -1 },
    { offset: 0, timestamp: -1 },
  ])
  await cluster.produceBatches('t', 0, batch(['a', 'b', 'c']))
  await cluster.deleteRecords('t', 0, 1)
  assert.deepEqual(await listed(), [
    { offset: 1, timestamp: -1 },
    { offset: 3, timestamp: -1 },
  ])
})

test('DeleteRecords moves the log start and never back; -1 is the high watermark', async () => {
  const { cluster, ports } = await createLog()
  for (let i = 0; i < 30; i++) await cluster.produceRecords('t', [record(`v${i}`)])
  assert.equal(await cluster.deleteRecords('t', 0, 5), 5)
  assert.equal(await cluster.deleteRecords('t', 0, 3), 5)
  for (const offset of [31, -2]) {
    await assert.rejects(cluster.deleteRecords('t', 0, offset), kafkaError('OFFSET_OUT_OF_RANGE'))
  }
  const other = createTestCluster(ports)
  const moved = await Promise.all(
    [7, 20, 12, 9].map((to, i) => (i % 2 ? other : cluster).deleteRecords('t', 0, to)),
  )
  assert.ok(moved.every((start, i) => start >= ([7, 20, 12, 9][i] ?? 0)))
  assert.equal((await cluster.listOffsets('t', 0, { kind: 'earliest' })).offset, 20)
  assert.equal(await cluster.deleteRecords('t', 0, -1), 30)
  assert.equal((await cluster.produceRecords('t', [record('next')]))[0]?.ok, true)
  assert.deepEqual(values((await cluster.fetch(fetchRequest([[0, 30]])))[0]), ['next'])
})

test('a topic that only compacts keeps its records from DeleteRecords', async () => {
  const { cluster } = await createLog({ configs: { 'cleanup.policy': 'compact' } })
  await assert.rejects(cluster.deleteRecords('t', 0, 0), kafkaError('POLICY_VIOLATION'))
  await createTopic(cluster, 'both', 1, { 'cleanup.policy': 'compact,delete' })
  assert.equal(await cluster.deleteRecords('both', 0, 0), 0)
})
