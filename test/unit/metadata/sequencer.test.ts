import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeTailEntry } from '../../../shared/metadata/extent.ts'
import {
  decodeProducerRow,
  encodeProducerRow,
  groupOf,
  newPartition,
  parseSequencer,
  partitionState,
  producerAttribute,
  producerRow,
  producerRowPrefix,
  producerRows,
} from '../../../shared/metadata/sequencer.ts'
import type { Attributes } from '../../../shared/ports/table.ts'

const key = { pk: 'a', sk: 'sequencer' }
const objectId = '00'.repeat(16)
const extent = (partition: number, offsetCount: number, maxTimestamp = 5) => ({
  storage: 'object' as const,
  objectId,
  partition,
  position: 0,
  length: 70,
  offsetCount,
  maxTimestamp,
  producerBatches: [],
})
const entry = (...extents: ReturnType<typeof extent>[]) =>
  encodeTailEntry({ storage: 'object', objectId, extents })
const parse = (attributes: Attributes) => parseSequencer({ key, attributes })

test('a producer row that was encoded is decoded to what it was, and begins with its prefix', () => {
  const row = fc.record({
    epoch: fc.nat(32_767),
    nextSequence: fc.nat(2 ** 31 - 1),
    lastUseMinutes: fc.nat(2 ** 32 - 1),
  })
  fc.assert(
    fc.property(row, (generated) => {
      const one = { ...generated }
      const bytes = encodeProducerRow(one)
      assert.deepEqual(decodeProducerRow(bytes), one)
      assert.deepEqual(bytes.subarray(0, 6), producerRowPrefix(one.epoch, one.nextSequence))
    }),
  )
})

test('a stored producer row stays readable, byte by byte', () => {
  const bytes = encodeProducerRow({ epoch: 1, nextSequence: 256, lastUseMinutes: 65_536 })
  assert.equal(Buffer.from(bytes).toString('hex'), '0001' + '00000100' + '00010000')
})

test('sixteen partitions share a sequencer', () => {
  assert.deepEqual([0, 15, 16, 31, 32].map(groupOf), [0, 0, 1, 1, 2])
})

test('a new partition begins at offset 0 and has nothing', () => {
  const state = partitionState(parse({ tail: [], ...newPartition(3) }), 3)
  assert.deepEqual(state, {
    nextOffset: 0,
    logStartOffset: 0,
    segmentsEndOffset: 0,
    spilledMaxTimestamp: -1,
    tailStartOffset: 0,
    tail: [],
  })
})

test('offsets of the tail follow from the next offset and the counts, partition by partition', () => {
  const tail = [entry(extent(0, 2), extent(1, 9)), entry(extent(1, 1)), entry(extent(0, 3))]
  const sequencer = parse({ tail, n0: 105, s0: 7, m0: 44, n1: 10 })
  const state = partitionState(sequencer, 0)
  assert.equal(state?.tailStartOffset, 100)
  assert.deepEqual(
    state?.tail.map(({ baseOffset, offsetCount }) => [baseOffset, offsetCount]),
    [
      [100, 2],
      [102, 3],
    ],
  )
  assert.equal(state?.logStartOffset, 7)
  assert.equal(state?.spilledMaxTimestamp, 44)
  assert.equal(partitionState(sequencer, 1)?.tailStartOffset, 0)
  assert.equal(partitionState(sequencer, 2), undefined)
})

test('producer rows are found by partition and id, and nothing else is taken for one', () => {
  const row = { epoch: 1, nextSequence: 2, lastUseMinutes: 3 }
  const largest = 2n ** 63n - 1n
  const sequencer = parse({
    tail: [],
    n1: 4,
    [producerAttribute(1, 35n)]: encodeProducerRow(row),
    [producerAttribute(12, largest)]: encodeProducerRow(row),
    evicted: 9,
  })
  assert.deepEqual(producerRow(sequencer, 1, 35n), row)
  assert.deepEqual(producerRow(sequencer, 12, largest), row)
  assert.equal(producerRow(sequencer, 2, 35n), undefined)
  assert.equal(sequencer.evictions, 9)
  assert.deepEqual(
    producerRows(sequencer).map(({ partition, id }) => [partition, id]),
    [
      [1, 'z'],
      [12, largest.toString(36)],
    ],
  )
})

test('an item without a tail is no sequencer', () => {
  assert.throws(() => parse({ n0: 0 }), /a sequencer has a tail/)
})
