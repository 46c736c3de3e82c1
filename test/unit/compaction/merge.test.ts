// Merging: flushes become segments, every byte of a batch stays but base offset and leader epoch, and damage stops
// one partition only.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { StorageError } from '../../../shared/base/errors.ts'
import type { Codec } from '../../../shared/kafka/compression.ts'
import { encodeBatch } from '../../../shared/kafka/recordBatch.ts'
import { parseSegmentItem } from '../../../shared/metadata/segmentItem.ts'
import type { ObjectStore } from '../../../shared/ports/objectStore.ts'
import {
  collectAll,
  createMill,
  hour,
  keyed,
  type Mill,
  minute,
  pass,
  produceEach,
  readBatchesFrom,
  readLog,
  settle,
  shown,
} from '../../support/compactorTools.ts'
import { createTopic } from '../../support/logTools.ts'

const codecs: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const crcFrom = 16

/** A batch without the two fields that merging may set. */
const lasting = (batch: Uint8Array): string =>
  Buffer.concat([batch.subarray(8, 12), batch.subarray(crcFrom)]).toString('hex')

const anyBatch = fc.record({
  codec: fc.constantFrom(...codecs),
  values: fc.array(fc.option(fc.uint8Array({ maxLength: 60 })), { minLength: 1, maxLength: 6 }),
  keys: fc.array(fc.option(fc.string({ maxLength: 5 })), { minLength: 6, maxLength: 6 }),
  timestamp: fc.integer({ min: 0, max: 1_700_000_000_000 }),
  idempotent: fc.boolean(),
})

test('merging keeps every byte of every batch but base offset and leader epoch', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyBatch, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 60, max: 4000 }),
      async (specs, segmentBytesMax) => {
        const mill = createMill()
        const cluster = mill.cluster()
        await createTopic(cluster, 't', 1, { 'retention.ms': '-1' })
        let sequence = 0
        for (const [i, { codec, values, keys, timestamp, idempotent }] of specs.entries()) {
          const records = values.map((value, r) => {
            const key = keys[r]
            return { timestamp: timestamp + r, key: key ? Buffer.from(key) : null, value, headers: [] }
          })
          const producer = { id: 5n, epoch: 0, baseSequence: sequence }
          if (idempotent) sequence += records.length
          await cluster.produceBatches(
            't',
            0,
            encodeBatch({ records, codec, ...(idempotent ? { producer } : {}) }),
          )
          if (i % 10 === 9) await settle(mill, mill.compactor({ segmentBytesMax }))
        }
        await cluster.idle()
        const before = (await readBatchesFrom(cluster, 't', 0, 0)).map(lasting)
        await settle(mill, mill.compactor({ segmentBytesMax }))
        assert.deepEqual((await readBatchesFrom(mill.cluster(), 't', 0, 0)).map(lasting), before)
        assert.deepEqual(mill.failures, [])
      },
    ),
    { numRuns: 30, seed: 4 },
  )
})

const objectsUnder = async (mill: Mill, prefix: string) =>
  (await mill.objectNames()).filter((name) => name.startsWith(prefix))

test('many small flushes become one segment, and their objects go after the grace', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 2, { 'millrace.write.path': 's3' })
  for (let i = 0; i < 100; i++) await produceEach(cluster, [{ ...keyed(null, `${i}`), partition: i % 2 }])
  const compactor = mill.compactor()
  await settle(mill, compactor)
  assert.equal((await objectsUnder(mill, mill.scope.segmentObjects)).length, 2)
  assert.equal((await objectsUnder(mill, mill.scope.logObjects)).length, 100)
  mill.clock.advance(4 * hour)
  await pass(mill, compactor)
  mill.clock.advance(4 * hour)
  await pass(mill, compactor)
  await collectAll(mill, compactor)
  assert.equal((await objectsUnder(mill, mill.scope.logObjects)).length, 0)
  assert.equal((await readLog(mill.cluster(), 't', 1)).length, 50)
})

test('segment.ms is when flushes are merged, where it is less than ten minutes', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 'soon', 1, { 'segment.ms': `${minute}` })
  await createTopic(cluster, 'late', 1, { 'segment.ms': `${hour}` })
  for (const topic of ['soon', 'late']) await produceEach(cluster, [keyed(null, 'a')], topic)
  const compactor = mill.compactor()
  const mergedAfter = async (ms: number) => {
    mill.clock.advance(ms)
    await pass(mill, compactor)
    return compactor.report.counters.segmentsWritten
  }
  assert.deepEqual(
    [await mergedAfter(minute - 1), await mergedAfter(1), await mergedAfter(8 * minute)],
    [0, 1, 1],
  )
  assert.equal(await mergedAfter(minute), 2)
})

test('inline data moves to segments and is collected', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 1, { 'millrace.write.path': 'inline' })
  await produceEach(cluster, [keyed(null, 'a'), keyed(null, 'b')])
  const inline = async () => (await mill.items()).filter(({ key }) => key.pk.startsWith('test/inline'))
  assert.equal((await inline()).length, 3, 'two items and the note of their time')
  const compactor = mill.compactor()
  await settle(mill, compactor)
  for (let i = 0; i < 2; i++) {
    mill.clock.advance(4 * hour)
    await pass(mill, compactor)
    await collectAll(mill, compactor)
  }
  assert.deepEqual(await inline(), [])
  assert.deepEqual(shown(await readLog(mill.cluster())), ['0:null=a', '1:null=b'])
})

/** The object store with the bytes of some objects changed on the way out. */
const damaging = (
  objects: ObjectStore,
  damage: (name: string, bytes: Uint8Array, start: number) => void,
) => ({
  ...objects,
  getRange: async (name: string, start: number, length: number) => {
    const bytes = (await objects.getRange(name, start, length))?.slice()
    if (bytes) damage(name, bytes, start)
    return bytes
  },
})

const places = {
  'a byte of its records': 70,
  'its magic': 16,
  'its batchLength': 9,
  'its lastOffsetDelta': 26,
  'its baseTimestamp': 27,
}

for (const [what, position] of Object.entries(places)) {
  test(`${what} damaged: the flush stops its partition only, is told with its place, and stays`, async () => {
    const mill = createMill()
    const cluster = mill.cluster()
    await createTopic(cluster, 'bad', 2, { 'millrace.write.path': 's3' })
    await createTopic(cluster, 'good', 1, { 'millrace.write.path': 's3' })
    await produceEach(cluster, [keyed(null, 'x'), { ...keyed(null, 'x'), partition: 1 }], 'bad')
    mill.clock.advance(1)
    await produceEach(cluster, [keyed(null, 'value')], 'bad')
    const names = await mill.objectNames()
    const damaged = names.at(-1) ?? ''
    await produceEach(cluster, [keyed(null, 'y')], 'good')
    const objects = damaging(mill.objects, (name, bytes) => {
      if (name === damaged) bytes.set([(bytes[position] ?? 0) ^ 0x55], position)
    })
    const compactor = mill.compactor({}, { objects })
    await settle(mill, compactor)
    assert.deepEqual([...compactor.report.uncleanable.keys()], ['bad-0'])
    const reason = compactor.report.uncleanable.get('bad-0') ?? ''
    assert.match(reason, new RegExp(damaged.replace('test/log/', '').replace('/', '')), reason)
    assert.match(reason, /offset 1\b/, reason)
    assert.match(reason, /position 0\b/, reason)
    assert.equal(mill.failures.length, 1)
    const segments = await objectsUnder(mill, mill.scope.segmentObjects)
    assert.equal(segments.length, 2, 'the other partition and the other topic were merged')
    for (let i = 0; i < 3; i++) {
      mill.clock.advance(4 * hour)
      await pass(mill, compactor)
      await collectAll(mill, compactor)
    }
    assert.ok((await mill.objectNames()).includes(damaged))
    const whole = mill.compactor()
    await pass(mill, whole)
    mill.clock.advance(hour)
    await pass(mill, whole)
    assert.deepEqual([...whole.report.uncleanable], [])
    assert.deepEqual(shown(await readLog(mill.cluster(), 'bad')), ['0:null=x', '1:null=value'])
  })
}

/** A topic with two segments, and behind them a flush that is damaged on its way out. */
async function withDamagedFlush(configs: Readonly<Record<string, string>>) {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 1, { 'millrace.write.path': 's3', ...configs })
  const settings = { segmentBytesMax: 250 }
  await produceEach(cluster, [keyed('a', '0'), keyed('b', '1'), keyed('a', '2'), keyed('b', '3')])
  await settle(mill, mill.compactor(settings))
  mill.clock.advance(hour)
  const before = new Set(await mill.objectNames())
  await produceEach(cluster, [keyed('c', 'damaged'.repeat(20))])
  const damaged = (await mill.objectNames()).find((name) => !before.has(name)) ?? ''
  const objects = damaging(mill.objects, (name, bytes) => {
    if (name === damaged) bytes.set([(bytes[70] ?? 0) ^ 0x55], 70)
  })
  return { mill, cluster, damaged, compactor: mill.compactor(settings, { objects }) }
}

test('behind a damaged flush retention by time goes on with what is merged, and deletes no more', async () => {
  const { mill, cluster, damaged, compactor } = await withDamagedFlush({ 'retention.ms': `${5 * hour}` })
  for (let i = 0; i < 8; i++) {
    mill.clock.advance(hour)
    await pass(mill, compactor)
    await collectAll(mill, compactor)
  }
  assert.deepEqual([...compactor.report.uncleanable.keys()], ['t-0'])
  assert.equal((await cluster.listOffsets('t', 0, { kind: 'earliest' })).offset, 4)
  assert.ok((await mill.objectNames()).includes(damaged))
  assert.deepEqual(shown(await readLog(mill.cluster())), [`4:c=${'damaged'.repeat(20)}`])
})

test('behind a damaged flush retention by bytes counts it', async () => {
  const { mill, cluster, compactor } = await withDamagedFlush({ 'retention.bytes': '200' })
  await settle(mill, compactor)
  assert.deepEqual([...compactor.report.uncleanable.keys()], ['t-0'])
  assert.equal((await cluster.listOffsets('t', 0, { kind: 'earliest' })).offset, 4)
  assert.equal((await readLog(mill.cluster())).length, 1)
})

test('behind a damaged flush what is merged is still compacted by key', async () => {
  const eager = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' }
  const { mill, cluster, compactor } = await withDamagedFlush({
    ...eager,
    'min.compaction.lag.ms': `${2 * hour}`,
  })
  assert.equal((await readLog(mill.cluster())).length, 5)
  mill.clock.advance(2 * hour)
  await pass(mill, compactor)
  assert.deepEqual([...compactor.report.uncleanable.keys()], ['t-0'])
  const left = shown(await readLog(mill.cluster()))
  assert.deepEqual(left, ['2:a=2', '3:b=3', `4:c=${'damaged'.repeat(20)}`])
  assert.equal((await cluster.listOffsets('t', 0, { kind: 'earliest' })).offset, 0)
})

test('DeleteRecords beyond a damaged flush makes way: merging goes on behind it', async () => {
  const { mill, cluster, damaged, compactor } = await withDamagedFlush({})
  await produceEach(cluster, [keyed('d', '5'), keyed('e', '6')])
  await cluster.idle()
  await settle(mill, compactor)
  assert.deepEqual([...compactor.report.uncleanable.keys()], ['t-0'])
  await cluster.deleteRecords('t', 0, 6)
  await cluster.idle()
  await pass(mill, compactor)
  assert.deepEqual([...compactor.report.uncleanable], [])
  assert.deepEqual(await segmentsOf(mill), ['6-6'])
  assert.deepEqual(shown(await readLog(mill.cluster())), ['6:e=6'])
  for (let i = 0; i < 3; i++) {
    mill.clock.advance(4 * hour)
    await pass(mill, compactor)
    await collectAll(mill, compactor)
  }
  assert.ok(!(await mill.objectNames()).includes(damaged))
  assert.deepEqual(shown(await readLog(mill.cluster())), ['6:e=6'])
})

test('a partition whose topic was deleted is uncleanable no more', async () => {
  const { mill, cluster, compactor } = await withDamagedFlush({})
  await settle(mill, compactor)
  assert.deepEqual([...compactor.report.uncleanable.keys()], ['t-0'])
  await cluster.deleteTopic('t')
  await pass(mill, compactor)
  assert.deepEqual([...compactor.report.uncleanable], [])
})

test('what DeleteRecords took before it was merged is not merged, also where nothing is left', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 1, { 'millrace.write.path': 's3' })
  await produceEach(cluster, [keyed('a', '0'), keyed('b', '1'), keyed('c', '2')])
  await cluster.deleteRecords('t', 0, 3)
  const compactor = mill.compactor()
  for (let i = 0; i < 4; i++) {
    mill.clock.advance(4 * hour)
    await pass(mill, compactor)
    await collectAll(mill, compactor)
  }
  assert.equal(compactor.report.counters.segmentsWritten, 0)
  assert.deepEqual(await mill.objectNames(), [])
  await produceEach(cluster, [keyed('d', '3')])
  await settle(mill, compactor)
  assert.deepEqual(await segmentsOf(mill), ['3-3'])
  assert.deepEqual(shown(await readLog(mill.cluster())), ['3:d=3'])
})

async function segmentsOf(mill: Mill): Promise<readonly string[]> {
  const items = (await mill.items()).filter(({ key }) => key.sk.startsWith('segment/')).map(parseSegmentItem)
  return items.map(({ baseOffset, endOffset }) => `${baseOffset}-${endOffset - 1}`)
}

test('retention by bytes counts what is not merged yet, in index and tail', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 1, { 'retention.bytes': '4000', 'millrace.write.path': 's3' })
  const records = Array.from({ length: 10 }, () => keyed(null, 'x'.repeat(100)))
  await produceEach(cluster, records)
  const compactor = mill.compactor({ segmentBytesMax: 600 })
  await settle(mill, compactor)
  const earliest = async () => (await cluster.listOffsets('t', 0, { kind: 'earliest' })).offset
  assert.equal(await earliest(), 0)
  await produceEach(cluster, [...records, ...records])
  await cluster.idle()
  const young = mill.compactor()
  await pass(mill, young)
  assert.equal(young.report.counters.segmentsWritten, 0, 'what is new is not merged')
  const start = await earliest()
  assert.ok(start > 0 && start < 10, `${start}`)
  assert.equal((await readLog(mill.cluster())).length, 30 - start)
})

test('a storage that fails for one partition does not keep the others from being merged', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 3)
  await produceEach(
    cluster,
    [0, 1, 2].map((partition) => ({ ...keyed(null, 'x'), partition })),
  )
  const table = {
    ...mill.table,
    get: (key: { pk: string; sk: string }) =>
      key.sk.endsWith('/0') ? Promise.reject(new StorageError('none', 'down')) : mill.table.get(key),
  }
  const compactor = mill.compactor({}, { table })
  await settle(mill, compactor)
  assert.equal((await objectsUnder(mill, mill.scope.segmentObjects)).length, 2)
  const later = mill.compactor()
  await settle(mill, later)
  mill.clock.advance(hour)
  await pass(mill, later)
  assert.equal((await objectsUnder(mill, mill.scope.segmentObjects)).length, 3)
})

test('a search by timestamp finds what reading everything finds, over segments, index and tail', async () => {
  const mill = createMill(9)
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 1, { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' })
  const compactor = mill.compactor({ segmentBytesMax: 1500 })
  const base = mill.clock.now()
  const check = async () => {
    const records = await readLog(mill.cluster())
    for (let i = 0; i < 40; i++) {
      const timestamp = base - hour + Math.floor(mill.random.float() * 3 * hour)
      const expected = records.find((one) => one.timestamp >= timestamp)
      const found = await cluster.listOffsets('t', 0, { kind: 'timestamp', timestamp })
      assert.equal(found.offset, expected?.offset ?? -1, `timestamp ${timestamp - base}`)
    }
    const largest = records.reduce((max, { timestamp }) => Math.max(max, timestamp), -1)
    const latest = await cluster.listOffsets('t', 0, { kind: 'maxTimestamp' })
    assert.equal(latest.offset, records.find(({ timestamp }) => timestamp === largest)?.offset)
  }
  for (let round = 0; round < 6; round++) {
    for (let i = 0; i < 40; i++) {
      const timestamp = base + round * 10 * minute + Math.floor((mill.random.float() - 0.5) * hour)
      await produceEach(cluster, [keyed(`k${Math.floor(mill.random.float() * 25)}`, 'v', { timestamp })])
    }
    await check()
    await settle(mill, compactor)
    await check()
  }
})
