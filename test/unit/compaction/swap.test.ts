// Swaps seen from outside: crashes anywhere, readers in flight, log starts that move, topics that compact and delete.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBatch } from '../../../shared/kafka/recordBatch.ts'
import type { ObjectStore } from '../../../shared/ports/objectStore.ts'
import type { Table } from '../../../shared/ports/table.ts'
import type { MillPorts } from '../../support/compactorTools.ts'
import {
  collectAll,
  createMill,
  hour,
  keyed,
  type Mill,
  minute,
  pass,
  produceEach,
  readFrom,
  readLog,
  settle,
  shown,
  text,
} from '../../support/compactorTools.ts'
import { createTopic } from '../../support/logTools.ts'

const eager = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' }

async function hotKeys(mill: Mill, rounds: number): Promise<Map<string, string>> {
  const cluster = mill.cluster()
  const last = new Map<string, string>()
  for (let i = 0; i < rounds; i++) {
    last.set(`k${i % 9}`, `${i}`)
    await produceEach(cluster, [keyed(`k${i % 9}`, `${i}`)])
  }
  await cluster.idle()
  return last
}

const lastOf = async (mill: Mill) =>
  new Map((await readLog(mill.cluster())).map(({ key, value }) => [text(key), text(value)]))

/** The ports, on which the process dies after `calls` calls that change something: no call comes back. */
function dyingAfter(mill: Mill, calls: number): { readonly ports: MillPorts; readonly dead: Promise<void> } {
  const { promise: dead, resolve } = Promise.withResolvers<void>()
  let left = calls
  const orDie = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      if (left === 0) resolve()
      if (left-- <= 0) return new Promise<R>(() => {})
      return call(...args)
    }
  }
  const { table, objects } = mill
  return {
    ports: {
      table: { ...table, write: orDie(table.write), transact: orDie(table.transact) },
      objects: { ...objects, putIfAbsent: orDie(objects.putIfAbsent), delete: orDie(objects.delete) },
    },
    dead,
  }
}

test('LC17: a crash at any write leaves the old or the new, and the next pass ends the work', async () => {
  for (let calls = 0; ; calls++) {
    const mill = createMill(calls)
    await createTopic(mill.cluster(), 't', 1, eager)
    const last = await hotKeys(mill, 45)
    await settle(mill, mill.compactor({ segmentBytesMax: 900 }))
    for (const [key, value] of await hotKeys(mill, 30)) last.set(key, value)
    mill.clock.advance(11 * minute)
    const { ports, dead } = dyingAfter(mill, calls)
    const passed = pass(mill, mill.compactor({ segmentBytesMax: 900 }, ports)).then(() => 'whole' as const)
    const ended = await Promise.race([dead.then(() => 'dead' as const), passed])
    assert.deepEqual(await lastOf(mill), last, `after ${calls} writes`)
    for (let i = 0; i < 3; i++) {
      mill.clock.advance(4 * hour)
      await pass(mill, mill.compactor())
      await collectAll(mill, mill.compactor())
      assert.deepEqual(await lastOf(mill), last, `after ${calls} writes, collected`)
    }
    assert.equal((await readLog(mill.cluster())).length, 9)
    const segments = (await mill.objectNames()).filter((name) => name.includes('/segment/'))
    const items = (await mill.items()).filter(({ key }) => key.sk.startsWith('segment/'))
    assert.equal(segments.length, items.length, 'nothing is left behind')
    if (ended === 'whole') {
      assert.ok(calls > 10, `${calls}`)
      return
    }
  }
})

test('LC18: a reader in flight during swaps sees the old or the new, never an error', async () => {
  const mill = createMill()
  await createTopic(mill.cluster(), 't', 1, eager)
  const compactor = mill.compactor({ segmentBytesMax: 700 })
  const last = new Map<string, string>()
  for (let round = 0; round < 8; round++) {
    for (const [key, value] of await hotKeys(mill, 40)) last.set(key, value)
    mill.clock.advance(11 * minute)
    let passes = 0
    const between = async () => {
      if (passes++ % 3 !== 0) return
      await pass(mill, compactor)
      mill.clock.advance(1000)
    }
    const table: Table = {
      ...mill.table,
      get: async (key) => {
        const item = await mill.table.get(key)
        await between()
        return item
      },
      query: async (query) => {
        const page = await mill.table.query(query)
        await between()
        return page
      },
    }
    const reader = mill.cluster({ table })
    for (const maxBytes of [1, 500, 1 << 20]) {
      const records = await readFrom(reader, 't', 0, 0, maxBytes)
      const offsets = records.map(({ offset }) => offset)
      assert.deepEqual(
        offsets,
        [...new Set(offsets)].sort((a, b) => a - b),
      )
      assert.deepEqual(new Map(records.map(({ key, value }) => [text(key), text(value)])), last)
    }
  }
})

test('LC18: a reader whose look at the sequencer is old still gets all that was there then', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 1, { 'retention.ms': '-1' })
  const compactor = mill.compactor()
  let written = 0
  const grow = async () => {
    for (let i = 0; i < 5; i++) await produceEach(cluster, [keyed(null, `${written++}`)])
    await settle(mill, compactor)
    await settle(mill, compactor)
  }
  for (let i = 0; i < 3; i++) await grow()
  const table: Table = {
    ...mill.table,
    get: async (key) => {
      const item = await mill.table.get(key)
      if (key.sk === 'sequencer' && written < 200) await grow()
      return item
    },
  }
  const reader = mill.cluster({ table })
  while (written < 200) {
    const offset = written - 1 - Math.floor(mill.random.float() * 12)
    const partitions = [{ partition: 0, offset, maxBytes: 400 }]
    const request = { topicName: 't', partitions, maxBytes: 400, minBytes: 1, maxWaitMs: 0 }
    const [fetched] = await reader.fetch(request)
    assert.ok(fetched && fetched.highWatermark > offset)
    assert.ok(fetched.batches.length > 0, `from ${offset} of ${fetched.highWatermark}`)
  }
})

test('LC18: a reader frozen for an hour after its look at the sequencer finds what it saw', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 1, { 'retention.ms': '-1', 'millrace.write.path': 's3' })
  for (let i = 0; i < 40; i++) await produceEach(cluster, [keyed(null, `${i}`)])
  await cluster.idle()
  const compactor = mill.compactor()
  let frozen = false
  const table: Table = {
    ...mill.table,
    get: async (key) => {
      const item = await mill.table.get(key)
      if (key.sk !== 'sequencer' || frozen) return item
      frozen = true
      for (let i = 0; i < 4; i++) {
        mill.clock.advance(15 * minute)
        await produceEach(cluster, [keyed(null, 'later')])
        await cluster.idle()
        await pass(mill, compactor)
        await collectAll(mill, compactor)
      }
      return item
    },
  }
  const records = await readFrom(mill.cluster({ table }), 't', 0, 0)
  assert.deepEqual(
    records.map(({ offset }) => offset),
    Array.from({ length: 44 }, (_, i) => i),
  )
})

test('a reader that remembers items of segments long replaced still reads them', async () => {
  const mill = createMill()
  await createTopic(mill.cluster(), 't', 1, eager)
  const last = await hotKeys(mill, 50)
  await settle(mill, mill.compactor({ segmentBytesMax: 500 }))
  const reader = mill.cluster()
  await readFrom(reader, 't', 0, 0)
  for (const [key, value] of await hotKeys(mill, 20)) last.set(key, value)
  const compactor = mill.compactor({ reconcileAgeMs: 1000 })
  mill.clock.advance(30_000)
  await pass(mill, compactor)
  mill.clock.advance(20_000)
  await collectAll(mill, compactor)
  const retired = (await mill.items()).filter(({ key }) => key.pk === mill.scope.retiredPk)
  assert.ok(retired.length > 1)
  const records = await readFrom(reader, 't', 0, 0)
  assert.deepEqual(new Map(records.map(({ key, value }) => [text(key), text(value)])), last)
})

test('LC18: what DeleteRecords cuts off during a clean stays cut off, and the rest is clean', async () => {
  for (let at = 0; at < 4; at++) {
    const mill = createMill(at)
    const cluster = mill.cluster()
    await createTopic(cluster, 't', 1, { ...eager, 'cleanup.policy': 'compact,delete', 'retention.ms': '-1' })
    await produceEach(
      cluster,
      Array.from({ length: 40 }, (_, i) => keyed(`k${i % 10}`, `${i}`)),
    )
    mill.clock.advance(11 * minute)
    let reads = 0
    const objects: ObjectStore = {
      ...mill.objects,
      getRange: async (...range) => {
        if (range[0].startsWith(mill.scope.segmentObjects) && reads++ === at)
          await cluster.deleteRecords('t', 0, 33)
        return mill.objects.getRange(...range)
      },
    }
    const deleting = mill.compactor({ segmentBytesMax: 700 }, { objects })
    await pass(mill, deleting)
    await settle(mill, mill.compactor({ segmentBytesMax: 700 }))
    assert.ok(reads > at, `${reads} reads of segments`)
    assert.deepEqual([...deleting.report.uncleanable], [])
    const left = shown(await readLog(mill.cluster())).map((line) => line.split(':')[1])
    assert.deepEqual(left, ['k3=33', 'k4=34', 'k5=35', 'k6=36', 'k7=37', 'k8=38', 'k9=39'], `at read ${at}`)
    assert.deepEqual(mill.failures, [])
  }
})

test('LC16: with compact,delete old segments go whole and the others are compacted', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 1, {
    ...eager,
    'cleanup.policy': 'compact,delete',
    'retention.ms': `${24 * hour}`,
  })
  const compactor = mill.compactor({ segmentBytesMax: 200 })
  await produceEach(cluster, [keyed('old', '1'), keyed('old', '2'), keyed('older', '1')])
  await settle(mill, compactor)
  assert.deepEqual(shown(await readLog(mill.cluster())), ['1:old=2', '2:older=1'])
  mill.clock.advance(20 * hour)
  await produceEach(cluster, [keyed('new', '1'), keyed('new', '2')])
  await settle(mill, compactor)
  mill.clock.advance(5 * hour)
  await pass(mill, compactor)
  assert.deepEqual(shown(await readLog(mill.cluster())), ['4:new=2'])
  mill.clock.advance(24 * hour)
  await pass(mill, compactor)
  assert.deepEqual(await readLog(mill.cluster()), [])
  assert.equal((await cluster.listOffsets('t', 0, { kind: 'earliest' })).offset, 5)
})

test('records expire by time though nobody writes or asks any more, and their objects go', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 1, { 'retention.ms': `${5 * hour}`, 'millrace.write.path': 's3' })
  await produceEach(cluster, [keyed(null, 'a'), keyed(null, 'b')])
  const compactor = mill.compactor()
  for (let i = 0; i < 15; i++) {
    mill.clock.advance(hour)
    await pass(mill, compactor)
    await collectAll(mill, compactor)
  }
  assert.deepEqual(await mill.objectNames(), [])
  assert.equal((await cluster.listOffsets('t', 0, { kind: 'earliest' })).offset, 2)
  await produceEach(cluster, [keyed(null, 'c')])
  assert.deepEqual(shown(await readLog(mill.cluster())), ['2:null=c'])
})

test('what DeleteRecords has cut off is retired, wherever the log start lies', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 1, { 'retention.ms': '-1' })
  const compactor = mill.compactor({ segmentBytesMax: 300 })
  const some = Array.from({ length: 30 }, (_, i) => keyed(null, `${i}`))
  await produceEach(cluster, some)
  await settle(mill, compactor)
  await produceEach(cluster, some)
  for (const logStart of [7, 29, 31, 45, 60]) {
    await cluster.deleteRecords('t', 0, logStart)
    await settle(mill, compactor)
    const expected = Array.from(
      { length: 60 - logStart },
      (_, i) => `${logStart + i}:null=${(logStart + i) % 30}`,
    )
    assert.deepEqual(shown(await readLog(mill.cluster())), expected)
  }
  for (let i = 0; i < 3; i++) {
    mill.clock.advance(4 * hour)
    await pass(mill, compactor)
    await collectAll(mill, compactor)
  }
  assert.deepEqual(await mill.objectNames(), [])
})

test('a retried batch is a duplicate after merging, and never stored twice', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 1)
  const batch = encodeBatch({
    codec: 'none',
    producer: { id: 3n, epoch: 0, baseSequence: 0 },
    records: [{ timestamp: mill.clock.now(), key: null, value: Buffer.from('once'), headers: [] }],
  })
  await cluster.produceBatches('t', 0, batch)
  const compactor = mill.compactor()
  await settle(mill, compactor)
  const merged = await mill.cluster().produceBatches('t', 0, batch)
  assert.deepEqual([merged.baseOffsets, merged.duplicate], [[0], true])
  mill.clock.advance(4 * hour)
  await pass(mill, compactor)
  await assert.rejects(
    mill.cluster().produceBatches('t', 0, batch),
    /is stored already; its offset is no longer known/,
  )
  assert.deepEqual(shown(await readLog(mill.cluster())), ['0:null=once'])
})
