import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  batch,
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

/** Two processes on the same storage, each with caches of its own. */
function createTwo() {
  const ports = virtualPorts()
  return { ports, a: createTestCluster(ports), b: createTestCluster(ports) }
}

test('appends of two processes at once are dense, through spills and evictions by both', async () => {
  const { a, b } = createTwo()
  await createTopic(a, 't', 2)
  const produce = async (name: string, cluster: typeof a) => {
    for (let i = 0; i < 150; i++) {
      const mine = Array.from({ length: 4 }, (_, k) =>
        cluster.produceRecords('t', [record(`${name}${i}.${k}`)]),
      )
      await Promise.all([
        ...mine,
        cluster.produceBatches('t', 1, sequenced(BigInt(name === 'a' ? i : 1000 + i), 0)),
      ])
    }
    await cluster.idle()
  }
  await Promise.all([produce('a', a), produce('b', b)])
  for (const reader of [a, b]) {
    const values = await readAll(reader)
    assert.equal(values.length, 1200)
    for (const name of ['a', 'b']) {
      const mine = values.filter((value) => value?.startsWith(name))
      assert.deepEqual(
        mine,
        Array.from({ length: 600 }, (_, i) => `${name}${i >> 2}.${i % 4}`),
      )
    }
    assert.equal(new Set(await readAll(reader, 1)).size, 300)
  }
})

test('a topic that was deleted and made again elsewhere is met as the new one', async () => {
  const { a, b } = createTwo()
  await createTopic(a, 't', 2)
  await b.produceRecords('t', [record('old'), record('old', 1)])
  await b.fetch(fetchRequest([[0, 0]]))
  await a.deleteTopic('t')
  await createTopic(a, 't', 2)
  assert.deepEqual(recordsOf((await b.fetch(fetchRequest([[0, 0]])))[0]), [])
  await a.deleteTopic('t')
  await createTopic(a, 't', 1)
  assert.deepEqual((await b.produceBatches('t', 0, batch(['new']))).baseOffsets, [0])
  assert.deepEqual(await readAll(b), ['new'])
  assert.deepEqual(await readAll(a), ['new'])
  await assert.rejects(b.produceBatches('t', 1, batch(['x'])), kafkaError('PARTITION_NOT_FOUND'))
})

test('a topic that was deleted elsewhere is unknown at once', async () => {
  const { a, b } = createTwo()
  await createTopic(a, 't')
  await b.produceRecords('t', [record('x')])
  await a.deleteTopic('t')
  const unknown = kafkaError('UNKNOWN_TOPIC_OR_PARTITION')
  assert.deepEqual(offsetsOf(await b.produceRecords('t', [record('x')])), ['UNKNOWN_TOPIC_OR_PARTITION'])
  await assert.rejects(b.produceBatches('t', 0, batch(['x'])), unknown)
  await assert.rejects(b.fetch(fetchRequest([[0, 0]])), unknown)
  await assert.rejects(b.listOffsets('t', 0, { kind: 'latest' }), unknown)
  await assert.rejects(b.deleteRecords('t', 0, 0), unknown)
})

test('partitions that were added elsewhere take records and are read at once', async () => {
  const { a, b } = createTwo()
  await createTopic(a, 't', 1)
  await b.produceRecords('t', [record('x')])
  await b.fetch(fetchRequest([[0, 0]]))
  await a.createPartitions('t', 20, false)
  assert.deepEqual(offsetsOf(await b.produceRecords('t', [record('y', 19), record('y', 20)])), [
    0,
    'PARTITION_NOT_FOUND',
  ])
  await a.createPartitions('t', 21, false)
  assert.deepEqual((await b.produceBatches('t', 20, batch(['z']))).baseOffsets, [0])
  await a.createPartitions('t', 22, false)
  assert.deepEqual(recordsOf((await b.fetch(fetchRequest([[21, 0]])))[0]), [])
})

test('a changed config is obeyed elsewhere once what is remembered is too old', async () => {
  const { a, b, ports } = createTwo()
  await createTopic(a, 't')
  await b.produceRecords('t', [record('x')])
  await a.alterConfigs('t', [{ name: 'cleanup.policy', operation: 'SET', value: 'compact' }], false)
  assert.deepEqual(offsetsOf(await a.produceRecords('t', [record('x')])), ['INVALID_RECORD'])
  ports.clock.advance(5_001)
  assert.deepEqual(offsetsOf(await b.produceRecords('t', [record('x')])), ['INVALID_RECORD'])
})
