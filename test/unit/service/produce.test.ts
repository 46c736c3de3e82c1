import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { partitionForKey } from '../../../shared/kafka/murmur2.ts'
import { encodeBatch } from '../../../shared/kafka/recordBatch.ts'
import { readHeader } from '../../../shared/kafka/recordBatchLayout.ts'
import type { ObjectStore } from '../../../shared/ports/objectStore.ts'
import { defaultClusterSettings } from '../../../shared/service/settings.ts'
import {
  batch,
  createLog,
  createTopic,
  fetchRequest,
  kafkaError,
  offsetsOf,
  readAll,
  record,
  recordsOf,
  sequenced,
  virtualPorts,
} from '../../support/logTools.ts'
import { createTestCluster } from '../../support/testCluster.ts'

const key = (text: string) => ({ key: Buffer.from(text) })

test('what was acknowledged is read at its offset', async () => {
  const { cluster } = await createLog({ partitionCount: 2 })
  const outcomes = await cluster.produceRecords('t', [record('a'), record('b', 1), record('c')])
  assert.deepEqual(
    outcomes.map((one) => one.ok && [one.partition, one.offset]),
    [
      [0, 0],
      [1, 0],
      [0, 1],
    ],
  )
  assert.deepEqual(await readAll(cluster), ['a', 'c'])
})

test('a log of many commits is read from any offset, and a restarted process goes on where it was', async () => {
  const { cluster, ports } = await createLog()
  for (let i = 0; i < 200; i++) await cluster.produceRecords('t', [record(`v${i}`)])
  const restarted = createTestCluster(ports)
  await restarted.produceRecords('t', [record('v200')])
  for (const offset of [0, 1, 11, 12, 13, 100, 187, 199, 200]) {
    const [fetched] = await restarted.fetch(fetchRequest([[0, offset]]))
    assert.deepEqual(
      recordsOf(fetched).map((one) => [one.offset, one.value]),
      Array.from({ length: 201 - offset }, (_, i) => [offset + i, `v${offset + i}`]),
    )
  }
})

test('a record is readable from the moment of its acknowledgement, in every process', async () => {
  const { cluster, ports } = await createLog()
  const elsewhere = createTestCluster(ports)
  for (let i = 0; i < 40; i++) {
    await cluster.produceRecords('t', [record(`v${i}`)])
    for (const reader of [cluster, elsewhere]) {
      const [fetched] = await reader.fetch(fetchRequest([[0, i]]))
      assert.deepEqual(
        recordsOf(fetched).map(({ value }) => value),
        [`v${i}`],
      )
    }
  }
})

test('offsets of many producers at once are dense, and each producer keeps its order', async () => {
  const { cluster, ports } = await createLog({ partitionCount: 3 })
  const clusters = [cluster, createTestCluster(ports), createTestCluster(ports)]
  const perProducer = 60
  const produce = async (producer: number) => {
    const mine = clusters[producer % 3] ?? cluster
    for (let i = 0; i < perProducer; i += 3) {
      const values = [0, 1, 2].map((k) => record(`${producer}:${i + k}`, producer % 2))
      const outcomes = await mine.produceRecords('t', values)
      assert.ok(outcomes.every(({ ok }) => ok))
    }
  }
  await Promise.all(Array.from({ length: 30 }, (_, producer) => produce(producer)))
  for (const partition of [0, 1]) {
    const values = await readAll(cluster, partition)
    assert.equal(values.length, 15 * perProducer)
    for (let producer = partition; producer < 30; producer += 2) {
      const mine = values.filter((value) => value?.startsWith(`${producer}:`))
      assert.deepEqual(
        mine,
        Array.from({ length: perProducer }, (_, i) => `${producer}:${i}`),
      )
    }
  }
})

test('headers keep their order, their doubles and the difference of null and empty', async () => {
  const { cluster } = await createLog()
  const headers = [
    { key: 'h', value: Buffer.from('1') },
    { key: 'null', value: null },
    { key: '', value: Buffer.alloc(0) },
    { key: 'h', value: Buffer.from('2') },
  ]
  await cluster.produceRecords('t', [
    { ...record('a'), headers },
    { ...record('b'), key: Buffer.alloc(0), value: null },
  ])
  const [fetched] = await cluster.fetch(fetchRequest([[0, 0]]))
  const { decodeRecords } = await import('../../../shared/kafka/recordBatch.ts')
  const [first, second] = (fetched?.batches ?? []).flatMap((one) => decodeRecords(one, 1 << 20))
  assert.deepEqual(
    first?.headers.map((one) => [one.key, one.value && Buffer.from(one.value).toString()]),
    [
      ['h', '1'],
      ['null', null],
      ['', ''],
      ['h', '2'],
    ],
  )
  assert.deepEqual([second?.key?.length, second?.value], [0, null])
})

test('a key chooses the partition by murmur2, an empty one too, and keyless records stay together', async () => {
  const { cluster } = await createLog({ partitionCount: 7 })
  const keyed = ['a', 'b', 'foobar', ''].map((text) => ({ ...key(text), value: null, headers: [] }))
  const keyless = Array.from({ length: 5 }, () => ({ key: null, value: Buffer.from('v'), headers: [] }))
  const outcomes = await cluster.produceRecords('t', [...keyed, ...keyless])
  const partitions = outcomes.map((one) => (one.ok ? one.partition : -1))
  assert.deepEqual(
    partitions.slice(0, 4),
    keyed.map((one) => partitionForKey(one.key, 7)),
  )
  assert.equal(new Set(partitions.slice(4)).size, 1)
})

test('CreateTime keeps the timestamp of the client, and the time of arrival stands in for a missing one', async () => {
  const { cluster, clock } = await createLog()
  const now = clock.now()
  const outcomes = await cluster.produceRecords('t', [record('a', 0, { timestamp: 1 }), record('b')])
  assert.deepEqual(
    outcomes.map((one) => one.ok && one.timestamp),
    [1, now],
  )
  const [fetched] = await cluster.fetch(fetchRequest([[0, 0]]))
  assert.deepEqual(
    recordsOf(fetched).map(({ timestamp }) => timestamp),
    [1, now],
  )
})

test('LogAppendTime stamps every record of a batch with the time of its arrival', async () => {
  const { cluster, clock } = await createLog({ configs: { 'message.timestamp.type': 'LogAppendTime' } })
  const now = clock.now()
  const outcomes = await cluster.produceRecords('t', [
    record('a', 0, { timestamp: 1 }),
    record('b', 0, { timestamp: 2 }),
  ])
  assert.deepEqual(
    outcomes.map((one) => one.ok && one.timestamp),
    [now, now],
  )
  clock.advance(500)
  const later = clock.now()
  assert.equal((await cluster.produceBatches('t', 0, batch([5, 4]))).logAppendTimeMs, later)
  const [fetched] = await cluster.fetch(fetchRequest([[0, 0]]))
  assert.deepEqual(
    recordsOf(fetched).map(({ timestamp }) => timestamp),
    [now, now, later, later],
  )
  assert.ok(fetched?.batches.every((one) => readHeader(one).attributes & 8))
  const found = await cluster.listOffsets('t', 0, { kind: 'timestamp', timestamp: now + 1 })
  assert.deepEqual(found, { offset: 2, timestamp: later })
})

test('a timestamp outside the window refuses its batch, names the record and stores nothing', async () => {
  const { cluster, clock } = await createLog({ configs: { 'message.timestamp.after.max.ms': '1000' } })
  const now = clock.now()
  await assert.rejects(
    cluster.produceBatches('t', 0, batch([now, now + 2000])),
    kafkaError('INVALID_TIMESTAMP', { recordIndex: 1 }),
  )
  const single = await cluster.produceRecords('t', [record('a', 0, { timestamp: now + 1001 }), record('b')])
  assert.deepEqual(offsetsOf(single), ['INVALID_TIMESTAMP', 0])
  await cluster.alterConfigs(
    't',
    [{ name: 'message.timestamp.type', operation: 'SET', value: 'LogAppendTime' }],
    false,
  )
  assert.deepEqual((await cluster.produceBatches('t', 0, batch([now + 2000]))).baseOffsets, [1])
})

test('a batch of exactly the largest size is taken, one byte more is not', async () => {
  const { cluster } = await createLog({ configs: { 'max.message.bytes': '2000' } })
  const ofSize = (size: number) => {
    const overhead = batch(['x'.repeat(1000)]).length - 1000
    return batch(['x'.repeat(size - overhead)])
  }
  assert.equal(ofSize(2000).length, 2000)
  assert.deepEqual((await cluster.produceBatches('t', 0, ofSize(2000))).baseOffsets, [0])
  await assert.rejects(cluster.produceBatches('t', 0, ofSize(2001)), kafkaError('MESSAGE_TOO_LARGE'))
  const records = [{ timestamp: 1, key: null, value: Buffer.alloc(100_000), headers: [] }]
  assert.deepEqual(
    (await cluster.produceBatches('t', 0, encodeBatch({ records, codec: 'gzip' }))).baseOffsets,
    [1],
  )
})

test('records are divided into batches that the topic takes: what would fit alone is never refused', async () => {
  for (let max = 200; max < 1200; max += 61) {
    const { cluster } = await createLog({ configs: { 'max.message.bytes': `${max}` } })
    const values = Array.from({ length: 12 }, (_, i) =>
      'x'.repeat(Math.max(1, Math.floor((max - 75) / (1 + (i % 4))) - i)),
    )
    const outcomes = await cluster.produceRecords(
      't',
      values.map((value) => record(value)),
    )
    assert.deepEqual(
      offsetsOf(outcomes),
      values.map((_, i) => i),
      `max.message.bytes ${max}`,
    )
  }
})

test('the header of a batch counts when records are divided: two that fill it without one go apart', async () => {
  for (let size = 440; size <= 480; size++) {
    const { cluster } = await createLog({ configs: { 'max.message.bytes': '1000' } })
    const outcomes = await cluster.produceRecords('t', [record('a'.repeat(size)), record('b'.repeat(size))])
    assert.deepEqual(offsetsOf(outcomes), [0, 1], `two records of ${size} bytes`)
  }
})

test('a record that no batch may hold is refused alone', async () => {
  const { cluster } = await createLog({ configs: { 'max.message.bytes': '1000' } })
  const outcomes = await cluster.produceRecords('t', [record('a'), record('b'.repeat(1000)), record('c')])
  assert.deepEqual(offsetsOf(outcomes), [0, 'MESSAGE_TOO_LARGE', 1])
})

test('a compacted topic takes no record without a key and names the one it refused', async () => {
  const { cluster } = await createLog({ configs: { 'cleanup.policy': 'compact' } })
  await assert.rejects(
    cluster.produceBatches('t', 0, batch(['a'])),
    kafkaError('INVALID_RECORD', { recordIndex: 0 }),
  )
  const mixed = encodeBatch({
    codec: 'none',
    records: [
      { timestamp: 1, ...key('k'), value: null, headers: [] },
      { timestamp: 1, key: null, value: null, headers: [] },
    ],
  })
  await assert.rejects(
    cluster.produceBatches('t', 0, mixed),
    kafkaError('INVALID_RECORD', { recordIndex: 1 }),
  )
  assert.deepEqual(await readAll(cluster), [])
  const outcomes = await cluster.produceRecords('t', [record('a'), { ...record('b'), ...key('k') }])
  assert.deepEqual(offsetsOf(outcomes), ['INVALID_RECORD', 0])
})

test('a flipped byte, a wrong count and a control batch are refused, and nothing of the body is stored', async () => {
  const { cluster } = await createLog()
  const good = batch(['good'])
  const flipped = batch(['flipped'])
  flipped[70] = (flipped[70] ?? 0) ^ 1
  await assert.rejects(
    cluster.produceBatches('t', 0, Buffer.concat([good, flipped])),
    kafkaError('CORRUPT_MESSAGE'),
  )
  await assert.rejects(cluster.produceBatches('t', 0, good.subarray(0, 40)), kafkaError('CORRUPT_MESSAGE'))
  const old = batch(['old'])
  old[16] = 1
  await assert.rejects(cluster.produceBatches('t', 0, old), kafkaError('INVALID_RECORD'))
  assert.deepEqual(await readAll(cluster), [])
  assert.deepEqual((await cluster.produceBatches('t', 0, Buffer.concat([good, good]))).baseOffsets, [0, 1])
})

test('a topic with a codec of its own encodes again, and "producer" keeps what was sent', async () => {
  const value = 'compressible '.repeat(100)
  const { cluster } = await createLog()
  await createTopic(cluster, 'zipped', 1, { 'compression.type': 'gzip' })
  await createTopic(cluster, 'plain', 1, { 'compression.type': 'uncompressed' })
  const records = [{ timestamp: 1, key: null, value: Buffer.from(value), headers: [] }]
  const codecs = new Map([
    ['t', [0, 1]],
    ['zipped', [1, 1]],
    ['plain', [0, 0]],
  ])
  for (const [topicName, expected] of codecs) {
    await cluster.produceBatches(topicName, 0, encodeBatch({ records, codec: 'none' }))
    await cluster.produceBatches(topicName, 0, encodeBatch({ records, codec: 'gzip' }))
    const [fetched] = await cluster.fetch(fetchRequest([[0, 0]], { topicName }))
    assert.deepEqual(
      fetched?.batches.map((one) => readHeader(one).attributes & 7),
      expected,
    )
    assert.deepEqual(
      recordsOf(fetched).map((one) => one.value),
      [value, value],
    )
    if (topicName === 'zipped') assert.ok(gunzipSync(fetched?.batches[0]?.subarray(61) ?? '').includes(value))
  }
})

test('an unknown topic is refused, or made where topics are made by themselves', async () => {
  const { cluster } = await createLog()
  const unknown = kafkaError('UNKNOWN_TOPIC_OR_PARTITION')
  await assert.rejects(cluster.produceRecords('new', [record('a')]), unknown)
  await assert.rejects(cluster.produceBatches('new', 0, batch(['a'])), unknown)
  const making = createTestCluster(virtualPorts(), { autoCreateTopics: true, numPartitions: 3 })
  await Promise.all(Array.from({ length: 10 }, (_, i) => making.produceRecords('new', [record(`${i}`)])))
  assert.equal((await making.describeTopic('new')).partitionCount, 3)
  assert.equal((await readAll(making, 0, 'new')).length, 10)
  await assert.rejects(
    making.produceRecords('no such name', [record('a')]),
    kafkaError('INVALID_TOPIC_EXCEPTION'),
  )
  await assert.rejects(making.fetch(fetchRequest([[0, 0]], { topicName: 'other' })), unknown)
})

test('records of partitions that there are not are refused, the others are stored', async () => {
  const { cluster } = await createLog({ partitionCount: 2 })
  const outcomes = await cluster.produceRecords('t', [
    record('a', 5),
    record('b', 1),
    record('c', -1),
    record('d', 0.5),
  ])
  assert.deepEqual(offsetsOf(outcomes), [
    'PARTITION_NOT_FOUND',
    0,
    'PARTITION_NOT_FOUND',
    'PARTITION_NOT_FOUND',
  ])
  for (const partition of [2, -1, 0.5, Number.NaN]) {
    await assert.rejects(
      cluster.produceBatches('t', partition, sequenced(1n, 0)),
      kafkaError('PARTITION_NOT_FOUND'),
    )
  }
})

test('a request one part of which fails is answered when nothing of it is on its way any more', async () => {
  const ports = virtualPorts()
  const gate = Promise.withResolvers<void>()
  let puts = 0
  const objects: ObjectStore = {
    ...ports.objects,
    async putIfAbsent(name, parts) {
      if (++puts === 1) throw new Error('a failure of ours')
      await gate.promise
      return ports.objects.putIfAbsent(name, parts)
    },
  }
  // Each large batch is a flush of its own.
  const flush = { ...defaultClusterSettings.flush, flushBytesMax: 32 * 1024 }
  const cluster = createTestCluster({ ...ports, objects }, { flush })
  await createTopic(cluster, 't', 2)
  let isAnswered = false
  const failed = assert.rejects(
    cluster
      .produceRecords('t', [record('x'.repeat(40_000), 0), record('y'.repeat(40_000), 1)])
      .finally(() => {
        isAnswered = true
      }),
    /a failure of ours/,
  )
  for (let i = 0; i < 50; i++) await setImmediate()
  assert.deepEqual([puts, isAnswered], [2, false])
  gate.resolve()
  await failed
})
