import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  batch,
  createLog,
  kafkaError,
  offsetsOf,
  readAll,
  record,
  sequenced,
} from '../../support/logTools.ts'
import { createTestCluster } from '../../support/testCluster.ts'

const gap = (expectedSequence: number) => kafkaError('OUT_OF_ORDER_SEQUENCE_NUMBER', { expectedSequence })
const day = 24 * 60 * 60 * 1000

test('a batch that is sent again is answered with its first offset and stored once', async () => {
  const { cluster, ports } = await createLog()
  await cluster.produceRecords('t', [record('before')])
  const first = await cluster.produceBatches('t', 0, sequenced(1n, 0, 3))
  assert.deepEqual([first.baseOffsets, first.duplicate], [[1], false])
  for (const retried of [cluster, createTestCluster(ports)]) {
    const again = await retried.produceBatches('t', 0, sequenced(1n, 0, 3))
    assert.deepEqual([again.baseOffsets, again.duplicate], [[1], true])
  }
  assert.deepEqual(await readAll(cluster), ['before', '1/0/0', '1/0/1', '1/0/2'])
})

test('the last five batches and older ones are answered with their first offset, from tail and index', async () => {
  const { cluster } = await createLog()
  for (let i = 0; i < 60; i++) await cluster.produceBatches('t', 0, sequenced(1n, i * 2, 2))
  await cluster.idle()
  for (const i of [59, 58, 57, 56, 55, 40, 12, 0]) {
    const again = await cluster.produceBatches('t', 0, sequenced(1n, i * 2, 2))
    assert.deepEqual([again.baseOffsets, again.duplicate], [[i * 2], true])
  }
  assert.equal((await readAll(cluster)).length, 120)
})

test('a batch that is sent twice at once is stored once', async () => {
  const { cluster, ports } = await createLog()
  const other = createTestCluster(ports)
  for (let i = 0; i < 20; i++) {
    const answers = await Promise.all(
      [cluster, other, cluster, other].map((one) => one.produceBatches('t', 0, sequenced(1n, i))),
    )
    assert.deepEqual(
      answers.map(({ baseOffsets: [offset] }) => offset),
      [i, i, i, i],
    )
    assert.equal(answers.filter(({ duplicate }) => !duplicate).length, 1)
  }
})

test('a gap, a stale epoch and a new epoch that does not begin at 0 are refused', async () => {
  const { cluster } = await createLog()
  await cluster.produceBatches('t', 0, sequenced(1n, 0))
  await assert.rejects(cluster.produceBatches('t', 0, sequenced(1n, 2)), gap(1))
  await assert.rejects(cluster.produceBatches('t', 0, sequenced(1n, 1, 1, 1)), gap(0))
  await cluster.produceBatches('t', 0, sequenced(1n, 0, 1, 1))
  await assert.rejects(
    cluster.produceBatches('t', 0, sequenced(1n, 1, 1, 0)),
    kafkaError('INVALID_PRODUCER_EPOCH', { currentEpoch: 1 }),
  )
  await assert.rejects(cluster.produceBatches('t', 0, sequenced(2n, 1)), gap(0))
  assert.deepEqual(await readAll(cluster), ['1/0/0', '1/1/0'])
})

test('sequences are counted for each partition', async () => {
  const { cluster } = await createLog({ partitionCount: 18 })
  for (const partition of [0, 1, 17]) {
    assert.deepEqual((await cluster.produceBatches('t', partition, sequenced(1n, 0))).baseOffsets, [0])
  }
  await assert.rejects(cluster.produceBatches('t', 1, sequenced(1n, 2)), gap(1))
})

test('a producer that was idle for a day may begin anew or go on, alone or in a flush with others', async () => {
  const { cluster, clock } = await createLog()
  for (const id of [1n, 2n, 3n, 4n]) await cluster.produceBatches('t', 0, sequenced(id, 0, 2))
  clock.advance(day + 120_000)
  const [anew, on, refused] = await Promise.allSettled([
    cluster.produceBatches('t', 0, sequenced(1n, 0)),
    cluster.produceBatches('t', 0, sequenced(2n, 2)),
    cluster.produceBatches('t', 0, sequenced(3n, 7)),
  ])
  assert.deepEqual(anew?.status === 'fulfilled' && [anew.value.baseOffsets, anew.value.duplicate], [
    [8],
    false,
  ])
  assert.deepEqual(on?.status === 'fulfilled' && on.value.baseOffsets, [9])
  assert.ok(refused?.status === 'rejected' && gap(0)(refused.reason))
  assert.deepEqual((await cluster.produceBatches('t', 0, sequenced(4n, 2))).baseOffsets, [10])
})

test('records with a sequence are stored all or none', async () => {
  const { cluster } = await createLog({ partitionCount: 2, configs: { 'max.message.bytes': '1000' } })
  const producer = { id: 1n, epoch: 0, baseSequence: 0 }
  const tooLarge = await cluster.produceRecords(
    't',
    [record('a'), record('b'.repeat(2000)), record('c')],
    producer,
  )
  assert.deepEqual(offsetsOf(tooLarge), ['INVALID_REQUEST', 'MESSAGE_TOO_LARGE', 'INVALID_REQUEST'])
  const spread = await cluster.produceRecords('t', [record('a'), record('b', 1)], producer)
  assert.deepEqual(offsetsOf(spread), ['INVALID_REQUEST', 'INVALID_REQUEST'])
  const invalid = await cluster.produceRecords('t', [record('a'), record('b', 9)], producer)
  assert.deepEqual(offsetsOf(invalid), ['INVALID_REQUEST', 'PARTITION_NOT_FOUND'])
  assert.deepEqual([...(await readAll(cluster)), ...(await readAll(cluster, 1))], [])
  const fine = await cluster.produceRecords(
    't',
    [record('a'), record('b'.repeat(800)), record('c'.repeat(800))],
    producer,
  )
  assert.deepEqual(offsetsOf(fine), [0, 1, 2])
  const again = await cluster.produceRecords('t', [record('b'.repeat(800))], { ...producer, baseSequence: 1 })
  assert.deepEqual(
    again.map((one) => one.ok && [one.offset, one.duplicate]),
    [[1, true]],
  )
})

test('a body of several batches is of one producer and without gaps, or nothing of it is stored', async () => {
  const { cluster } = await createLog()
  const bodies = [
    [batch(['plain']), sequenced(1n, 0)],
    [sequenced(1n, 0), batch(['plain'])],
    [sequenced(1n, 0), sequenced(2n, 0)],
    [sequenced(1n, 0), sequenced(1n, 2)],
    [sequenced(1n, 0), sequenced(1n, 1, 1, 1)],
  ]
  for (const body of bodies) {
    await assert.rejects(cluster.produceBatches('t', 0, Buffer.concat(body)), kafkaError('INVALID_RECORD'))
  }
  assert.deepEqual(await readAll(cluster), [])
  const body = Buffer.concat([sequenced(1n, 0, 2), sequenced(1n, 2), sequenced(1n, 3)])
  assert.deepEqual((await cluster.produceBatches('t', 0, body)).baseOffsets, [0, 2, 3])
  assert.deepEqual((await cluster.produceBatches('t', 0, body)).baseOffsets, [0, 2, 3])
  await assert.rejects(
    cluster.produceBatches('t', 0, Buffer.concat([sequenced(1n, 9), sequenced(1n, 10)])),
    gap(4),
  )
  const half = Buffer.concat([sequenced(1n, 3), sequenced(1n, 4)])
  const answer = await cluster.produceBatches('t', 0, half)
  assert.deepEqual([answer.baseOffsets, answer.duplicate], [[3, 4], false])
})

test('a batch that is stored and whose place is no longer known is refused as a duplicate, not as a gap', async () => {
  const { cluster } = await createLog()
  await cluster.produceBatches('t', 0, sequenced(1n, 0))
  await cluster.produceBatches('t', 0, sequenced(2n, 0))
  await cluster.produceBatches('t', 0, sequenced(1n, 1))
  await assert.rejects(
    cluster.produceBatches('t', 0, sequenced(1n, 0, 2)),
    kafkaError('DUPLICATE_SEQUENCE_NUMBER'),
  )
})
