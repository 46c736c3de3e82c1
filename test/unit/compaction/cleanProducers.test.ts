// What compaction by key leaves of producers and transactions: rows LC13 and LC15 of Kafka's behaviour.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBatch } from '../../../shared/kafka/recordBatch.ts'
import { attributeBit, readHeader, writeHeader } from '../../../shared/kafka/recordBatchLayout.ts'
import {
  compacted,
  hour,
  keyed,
  produceEach,
  readBatchesFrom,
  readLog,
  settle,
  shown,
} from '../../support/compactorTools.ts'

const idempotent = (id: bigint, baseSequence: number, entries: readonly (readonly [string, string])[]) =>
  encodeBatch({
    codec: 'none',
    producer: { id, epoch: 0, baseSequence },
    records: entries.map(([key, value]) => ({
      timestamp: 1_700_000_000_000,
      key: Buffer.from(key),
      value: Buffer.from(value),
      headers: [],
    })),
  })

test('LC13: the last batch of each producer stays, empty where none of its records does', async () => {
  const { mill, cluster, compactor } = await compacted()
  await cluster.produceBatches('t', 0, idempotent(7n, 0, [['a', '1']]))
  await cluster.produceBatches(
    't',
    0,
    idempotent(7n, 1, [
      ['a', '2'],
      ['b', '2'],
    ]),
  )
  await cluster.produceBatches(
    't',
    0,
    idempotent(8n, 0, [
      ['a', '3'],
      ['b', '3'],
    ]),
  )
  await produceEach(cluster, [keyed('a', '4'), keyed('b', '4')])
  await settle(mill, compactor)
  const batches = (await readBatchesFrom(mill.cluster(), 't', 0, 0)).map(readHeader)
  assert.deepEqual(
    batches.map((h) => [h.baseOffset, h.producerId, h.baseSequence, h.lastOffsetDelta, h.recordCount]),
    [
      [1, 7n, 1, 1, 0],
      [3, 8n, 0, 1, 0],
      [5, -1n, -1, 0, 1],
      [6, -1n, -1, 0, 1],
    ],
  )
  assert.deepEqual(shown(await readLog(cluster)), ['5:a=4', '6:b=4'])

  const retried = await mill.cluster().produceBatches(
    't',
    0,
    idempotent(7n, 1, [
      ['a', '2'],
      ['b', '2'],
    ]),
  )
  assert.deepEqual([retried.baseOffsets, retried.duplicate], [[1], true])
  await cluster.produceBatches('t', 0, idempotent(7n, 3, [['c', '1']]))
  await produceEach(cluster, [keyed('c', '2')])
  await settle(mill, compactor)
  const kept = (await readBatchesFrom(mill.cluster(), 't', 0, 0)).map(readHeader)
  assert.deepEqual(
    kept.filter((h) => h.producerId === 7n).map((h) => h.baseSequence),
    [3],
    'the empty batch goes when the producer has a later one',
  )
})

test('LC13: the last batch of an evicted producer stays until the producer expires', async () => {
  const { mill, cluster, compactor } = await compacted()
  for (let id = 1n; id <= 150n; id++)
    await cluster.produceBatches('t', 0, idempotent(id, 0, [['a', `${id}`]]))
  await produceEach(cluster, [keyed('a', 'last')])
  await cluster.idle()
  const evicted = (await mill.items()).filter(({ key }) => key.sk.startsWith('producer/'))
  assert.ok(evicted.length > 0)
  await settle(mill, compactor)
  const producersOf = async () => {
    const batches = await readBatchesFrom(mill.cluster(), 't', 0, 0)
    return batches.map(readHeader).filter(({ producerId }) => producerId >= 0n).length
  }
  assert.equal(await producersOf(), 150)
  mill.clock.advance(25 * hour)
  await produceEach(cluster, [keyed('a', 'later')])
  await settle(mill, compactor)
  assert.equal(await producersOf(), 0)
})

test("LC15: a transaction's marker stays, and takes no record away whose key has its bytes", async () => {
  const { mill, cluster, compactor } = await compacted({ 'millrace.write.path': 's3' })
  // Producers may not send markers yet: these are stored as a coordinator would store them.
  const marking = mill.cluster({
    objects: { ...mill.objects, putIfAbsent: (name, parts) => mill.objects.putIfAbsent(name, marked(parts)) },
  })
  const commit = '\0\0\0\u0001'
  await produceEach(cluster, [keyed(commit, 'data'), keyed('a', '1')])
  await produceEach(marking, [keyed(commit, 'marker'), keyed(commit, 'marker')])
  await produceEach(cluster, [keyed('a', '2')])
  await settle(mill, compactor)
  const batches = await readBatchesFrom(mill.cluster(), 't', 0, 0)
  assert.deepEqual(
    batches.map((batch) => readHeader(batch)).map(({ baseOffset: at, attributes }) => [at, attributes]),
    [
      [0, 0],
      [2, attributeBit.control],
      [3, attributeBit.control],
      [4, 0],
    ],
  )
})

/** Each batch that lies in a part of its own. */
const marked = (parts: readonly Uint8Array[]): readonly Uint8Array[] =>
  parts.map((part) => {
    const isBatch = part.length > 61 && part[16] === 2
    if (isBatch) writeHeader(part, { ...readHeader(part), attributes: attributeBit.control })
    return part
  })
