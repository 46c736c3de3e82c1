// Compaction by key: rows LC1 to LC12 of Kafka's behaviour; what stays of producers and transactions is in
// cleanProducers.test.ts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attributeBit, readHeader } from '../../../shared/kafka/recordBatchLayout.ts'
import {
  compacted,
  createMill,
  hour,
  keyed,
  type Mill,
  minute,
  pass,
  produceEach,
  readBatchesFrom,
  readFrom,
  readLog,
  settle,
  shown,
  text,
} from '../../support/compactorTools.ts'
import { createTopic } from '../../support/logTools.ts'

test('LC1: the last value of every key survives, and nothing else', async () => {
  const { mill, cluster, compactor } = await compacted()
  await produceEach(cluster, [
    keyed('a', '1'),
    keyed('b', '1'),
    keyed('a', '2'),
    keyed('c', '1'),
    keyed('b', '2'),
  ])
  await settle(mill, compactor)
  assert.deepEqual(shown(await readLog(mill.cluster())), ['2:a=2', '3:c=1', '4:b=2'])
  assert.equal(compactor.report.counters.recordsDropped, 2)
})

test('LC2: a record is removed only when it is older than min.compaction.lag.ms', async () => {
  const { mill, cluster, compactor } = await compacted({ 'min.compaction.lag.ms': `${hour}` })
  await produceEach(cluster, [keyed('a', '1'), keyed('a', '2')])
  await settle(mill, compactor)
  assert.deepEqual(shown(await readLog(cluster)), ['0:a=1', '1:a=2'])
  mill.clock.advance(hour)
  await pass(mill, compactor)
  assert.deepEqual(shown(await readLog(cluster)), ['1:a=2'])
})

test('LC2, LC7: a young record does not supersede older ones yet', async () => {
  const { mill, cluster, compactor } = await compacted(
    { 'min.compaction.lag.ms': `${hour}` },
    { segmentBytesMax: 100 },
  )
  await produceEach(cluster, [keyed('a', '1'), keyed('a', '2')])
  await settle(mill, compactor)
  mill.clock.advance(hour)
  await produceEach(cluster, [keyed('a', '3')])
  await settle(mill, compactor)
  assert.deepEqual(shown(await readLog(cluster)), ['1:a=2', '2:a=3'])
})

test('LC3: offsets and order stay, and offsets are not used again', async () => {
  const { mill, cluster, compactor } = await compacted()
  for (let round = 0; round < 5; round++) {
    await produceEach(
      cluster,
      Array.from({ length: 30 }, (_, i) => keyed(`k${(i * 7) % 11}`, `${round}/${i}`)),
    )
    await settle(mill, compactor)
    const offsets = (await readLog(cluster)).map(({ offset }) => offset)
    assert.deepEqual(
      offsets,
      [...new Set(offsets)].sort((a, b) => a - b),
    )
    assert.equal(offsets.at(-1), round * 30 + 29)
  }
})

test('LC4: replaying what is left gives the final state of every key', async () => {
  const { mill, cluster, compactor } = await compacted({}, { segmentBytesMax: 2000 })
  const state = new Map<string, string>()
  for (let i = 0; i < 300; i++) {
    const key = `k${(i * 31) % 47}`
    state.set(key, `${i}`)
    await produceEach(cluster, [keyed(key, `${i}`)])
    if (i % 60 === 59) await settle(mill, compactor)
  }
  await settle(mill, compactor)
  const replayed = new Map((await readLog(cluster)).map(({ key, value }) => [text(key), text(value)]))
  assert.deepEqual(new Map([...replayed].sort()), new Map([...state].sort()))
})

test('LC5, LC6: a tombstone stays for delete.retention.ms from the first clean that keeps it', async () => {
  const { mill, cluster, compactor } = await compacted({ 'delete.retention.ms': `${24 * hour}` })
  const longAgo = mill.clock.now() - 30 * 24 * hour
  await produceEach(cluster, [
    keyed('a', '1', { timestamp: longAgo }),
    keyed('a', null, { timestamp: longAgo }),
  ])
  await settle(mill, compactor)
  const cleanedMs = mill.clock.now()
  assert.deepEqual(shown(await readLog(cluster)), ['1:a=null'], 'its own age does not count')
  const [kept] = await readBatchesFrom(mill.cluster(), 't', 0, 0)
  assert.ok(kept)
  const header = readHeader(kept)
  assert.equal(header.attributes & attributeBit.deleteHorizon, attributeBit.deleteHorizon)
  assert.equal(header.baseTimestamp, cleanedMs + 24 * hour)
  const [tombstone] = await readLog(mill.cluster())
  assert.equal(tombstone?.timestamp, longAgo, 'the record keeps its timestamp')

  mill.clock.advance(23 * hour)
  await produceEach(cluster, [keyed('b', '1')])
  await settle(mill, compactor)
  assert.deepEqual(shown(await readLog(cluster)), ['1:a=null', '2:b=1'], 'another clean does not prolong it')
  const [again] = await readBatchesFrom(mill.cluster(), 't', 0, 0)
  assert.ok(again)
  assert.equal(readHeader(again).baseTimestamp, header.baseTimestamp)

  mill.clock.advance(hour)
  await produceEach(cluster, [keyed('b', '2')])
  await settle(mill, compactor)
  assert.deepEqual(shown(await readLog(cluster)), ['3:b=2'])
})

test('LC8: what no segment holds yet is left as it is', async () => {
  const { mill, cluster, compactor } = await compacted()
  await produceEach(cluster, [keyed('a', '1'), keyed('a', '2')])
  await pass(mill, compactor)
  assert.deepEqual(shown(await readLog(cluster)), ['0:a=1', '1:a=2'])
})

test('LC9: a log is cleaned when the share of its dirty bytes exceeds min.cleanable.dirty.ratio', async () => {
  const { mill, cluster, compactor } = await compacted({ 'min.cleanable.dirty.ratio': '0.5' })
  const some = (count: number) => Array.from({ length: count }, (_, i) => keyed(`k${i}`, 'x'.repeat(1000)))
  await produceEach(cluster, some(20))
  await settle(mill, compactor)
  await produceEach(cluster, some(15))
  await settle(mill, compactor)
  assert.equal((await readLog(cluster)).length, 35, '15 of 35 are not enough')
  await produceEach(cluster, some(10))
  await settle(mill, compactor)
  assert.equal((await readLog(cluster)).length, 20, '25 of 45 are')
})

test('LC9: what may not be cleaned yet does not count as dirty', async () => {
  const { mill, cluster, compactor } = await compacted(
    { 'min.cleanable.dirty.ratio': '0.5', 'min.compaction.lag.ms': `${hour}` },
    { segmentBytesMax: 25_000 },
  )
  const some = (count: number) => Array.from({ length: count }, (_, i) => keyed(`k${i}`, 'x'.repeat(1000)))
  await produceEach(cluster, some(20))
  mill.clock.advance(2 * hour)
  await pass(mill, compactor)
  await produceEach(cluster, some(15))
  await settle(mill, compactor)
  mill.clock.advance(hour)
  await produceEach(cluster, some(20))
  await settle(mill, compactor)
  assert.equal((await readLog(cluster)).length, 55, '15 of 35 are not enough, and 20 are too young')
})

test('LC10: max.compaction.lag.ms makes a log eligible that is not dirty enough', async () => {
  const { mill, cluster, compactor } = await compacted({
    'min.cleanable.dirty.ratio': '1',
    'max.compaction.lag.ms': `${3 * hour}`,
  })
  await produceEach(cluster, [keyed('a', '1'), keyed('a', '2')])
  await settle(mill, compactor)
  assert.equal((await readLog(cluster)).length, 2)
  mill.clock.advance(3 * hour)
  await pass(mill, compactor)
  assert.deepEqual(shown(await readLog(cluster)), ['1:a=2'])
})

test('LC10: the lag counts from the oldest record that is not clean, however many follow it', async () => {
  const { mill, cluster, compactor } = await compacted({
    'min.cleanable.dirty.ratio': '1',
    'max.compaction.lag.ms': `${2 * hour}`,
  })
  await produceEach(cluster, [keyed('a', 'first')])
  for (let size = 1; size < 2 ** 9; size *= 2) {
    mill.clock.advance(14 * minute)
    for (let i = 0; i < size; i++) await produceEach(cluster, [keyed('a', `${size}/${i}`)])
    await settle(mill, compactor)
  }
  assert.notEqual(shown(await readFrom(cluster, 't', 0, 0))[0], '0:a=first')
})

test('LC11: a full offset map ends a pass at a record, and the work goes on from there', async () => {
  for (const offsetMapEntriesMax of [1, 2, 3, 5, 8]) {
    const { mill, cluster, compactor } = await compacted({}, { offsetMapEntriesMax })
    const batch = Array.from({ length: 40 }, (_, i) => keyed(`k${i % 8}`, `${i}`))
    await cluster.produceRecords('t', batch)
    await settle(mill, compactor)
    assert.deepEqual(
      shown(await readLog(cluster)),
      Array.from({ length: 8 }, (_, i) => `${32 + i}:k${i}=${32 + i}`),
      `${offsetMapEntriesMax} keys at once`,
    )
  }
})

test('LC12: records without a key are dropped and counted', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 1, { 'cleanup.policy': 'delete' })
  await produceEach(cluster, [keyed(null, 'x'), keyed('a', '1'), keyed(null, 'y')])
  const change = { name: 'cleanup.policy', operation: 'SET', value: 'compact' } as const
  await cluster.alterConfigs(
    't',
    [change, { ...change, name: 'min.cleanable.dirty.ratio', value: '0' }],
    false,
  )
  const compactor = mill.compactor()
  await settle(mill, compactor)
  assert.deepEqual(shown(await readLog(cluster)), ['1:a=1'])
  assert.equal(compactor.report.counters.invalidRecords, 2)
})

test('a gap is readable from every offset, with any limit of bytes', async () => {
  const { mill, cluster, compactor } = await compacted({}, { segmentBytesMax: 6000 })
  for (let i = 0; i < 10; i++) await produceEach(cluster, [keyed(`only${i}`, 'x'.repeat(50))])
  for (let i = 0; i < 100; i++) await produceEach(cluster, [keyed('hot', `${i}`)])
  for (let i = 0; i < 5; i++) await produceEach(cluster, [keyed(`late${i}`, 'x')])
  await settle(mill, compactor)
  const all = shown(await readLog(mill.cluster()))
  assert.equal(all.length, 16)
  for (const maxBytes of [1, 100, 1000, 1 << 20]) {
    for (let offset = 0; offset <= 115; offset++) {
      const expected = all.filter((line) => Number(line.split(':')[0]) >= offset)
      const found = shown(await readFrom(cluster, 't', 0, offset, maxBytes))
      assert.deepEqual(found, expected, `from ${offset}, at most ${maxBytes} bytes`)
    }
  }
})

/** The object store, each read of which takes `ms`. */
const slowly = (mill: Mill, ms: number, onRead: () => Promise<void> = async () => {}) => ({
  ...mill.objects,
  getRange: async (name: string, start: number, length: number) => {
    mill.clock.advance(ms)
    await onRead()
    return mill.objects.getRange(name, start, length)
  },
})

test('a clean that takes longer than a lease keeps it', async () => {
  const { mill, cluster } = await compacted({}, {})
  for (let i = 0; i < 40; i++) await produceEach(cluster, [keyed(`k${i % 25}`, 'x'.repeat(300))])
  await settle(mill, mill.compactor({ segmentBytesMax: 1000 }))
  for (let i = 0; i < 40; i++) await produceEach(cluster, [keyed(`k${i % 30}`, 'y'.repeat(300))])
  mill.clock.advance(11 * minute)
  const other = mill.compactor()
  const work = async () => {
    await pass(mill, other)
  }
  const objects = slowly(mill, 3000, work)
  await pass(mill, mill.compactor({ segmentBytesMax: 1000 }, { objects }))
  assert.equal(other.report.counters.bytesRead, 0, 'nobody else got the partition')
  assert.equal((await readLog(mill.cluster())).length, 30)
})

test('a clean that does not fit into one pass ends between segments, and later passes end it', async () => {
  const { mill, cluster } = await compacted()
  for (let i = 0; i < 60; i++) await produceEach(cluster, [keyed(`k${i % 25}`, 'x'.repeat(300))])
  mill.clock.advance(11 * minute)
  const compactor = mill.compactor({ segmentBytesMax: 1000 }, { objects: slowly(mill, 1000) })
  let passes = 0
  for (let left = true; left; passes++) {
    const deadlineMs = mill.clock.now() + 10_000
    left = (await compactor.run({ deadlineMs })).unfinished
    assert.ok(mill.clock.now() <= deadlineMs + 20_000, 'it ends soon after its deadline')
    assert.ok(passes < 50)
    const keys = new Set((await readLog(mill.cluster())).map(({ key }) => text(key)))
    assert.equal(keys.size, 25)
  }
  assert.ok(passes > 1)
  assert.equal((await readLog(mill.cluster())).length, 25)
})
