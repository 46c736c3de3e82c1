// Where records go: the hash of keys against Kafka's, librdkafka's and kafkajs's vectors, and the sticky
// partition.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { murmur2, partitionForKey } from '../../../shared/kafka/murmur2.ts'
import { createStickyPartitioner } from '../../../shared/kafka/partitioner.ts'
import { utf8 } from './vectors.ts'

const vectors: readonly (readonly [string, number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
  ['kafka', 0xd067cf64 | 0],
  ['giberish123456789', 0x8f552b0c | 0],
  ['1234', 0x9fc97b14 | 0],
  ['234', 0xe7c009ca | 0],
  ['34', 0x873930da | 0],
  ['4', 0x5a4b5ca1],
  ['PreAmbleWillBeRemoved,ThePrePartThatIs', 0x78424f1c],
  ['', 0x106e08d9],
  ['0', 971027396],
  ['1', -1993445489],
  ['128', -326012175],
  ['100:48069', 1009543857],
]

test('murmur2 gives what the clients of Kafka give', () => {
  for (const [key, hash] of vectors) assert.equal(murmur2(utf8(key)), hash, key)
})

test('keys that begin at any address of their memory have the same hash', () => {
  for (const [key, hash] of vectors) {
    for (const shift of [1, 2, 3]) {
      const memory = new Uint8Array(shift + key.length).fill(255)
      memory.set(utf8(key), shift)
      assert.equal(murmur2(memory.subarray(shift)), hash)
    }
  }
})

test('a key goes to the partition that Kafka would choose', () => {
  const partitions = vectors.slice(0, 6).map(([key]) => partitionForKey(utf8(key), 10))
  assert.deepEqual(partitions, [0, 6, 2, 9, 7, 7])
  assert.equal(partitionForKey(new Uint8Array(0), 1000), 681)
})

function partitionerOf(...draws: readonly number[]) {
  const rest = [...draws]
  return createStickyPartitioner({ float: () => rest.shift() ?? assert.fail('one draw more than expected') })
}

test('records without a key stay on one partition of their topic until the batch is closed', () => {
  const partitioner = partitionerOf(0.5, 0, 0.99)
  assert.deepEqual(
    [1, 2, 3].map(() => partitioner.choose('a', 6)),
    [3, 3, 3],
  )
  assert.equal(partitioner.choose('b', 6), 0)
  partitioner.moveOn('a')
  assert.equal(partitioner.choose('a', 6), 5)
  assert.equal(partitioner.choose('a', 6), 5)
  assert.equal(partitioner.choose('b', 6), 0)
})

test('the next batch goes to another partition, each of the others in its turn', () => {
  for (const [draw, partition] of [
    [0, 0],
    [0.34, 2],
    [0.67, 3],
  ] as const) {
    const partitioner = partitionerOf(0.25, draw)
    assert.equal(partitioner.choose('a', 4), 1)
    partitioner.moveOn('a')
    assert.equal(partitioner.choose('a', 4), partition)
  }
})

test('a topic with one partition has no other to move on to', () => {
  const partitioner = partitionerOf(0.9, 0.9)
  assert.equal(partitioner.choose('a', 1), 0)
  partitioner.moveOn('a')
  partitioner.moveOn('never chosen')
  assert.equal(partitioner.choose('a', 1), 0)
})
