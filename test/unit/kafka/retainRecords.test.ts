import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeRecords, encodeBatch, type KafkaRecord } from '../../../shared/kafka/recordBatch.ts'
import { attributeBit, batchCrcIsValid, readHeader } from '../../../shared/kafka/recordBatchLayout.ts'
import { deleteHorizonMs, emptyBatch, retainRecords } from '../../../shared/kafka/retainRecords.ts'

const maxDecompressedBytes = 1 << 20
const newHorizonMs = 1_800_000_000_000
const bytes = (value: string | null) => (value === null ? null : Buffer.from(value))

const anyInput = fc.record({
  codec: fc.constantFrom('none', 'gzip', 'snappy', 'lz4', 'zstd'),
  baseOffset: fc.nat(2 ** 40),
  timestampType: fc.constantFrom('CreateTime', 'LogAppendTime'),
  producer: fc.option(
    fc.record({ id: fc.bigInt(0n, 1000n), epoch: fc.nat(100), baseSequence: fc.nat(2 ** 31 - 1) }),
    { nil: undefined },
  ),
  records: fc.array(
    fc.record({
      timestamp: fc.integer({ min: 0, max: 2 ** 42 }),
      key: fc.option(fc.uint8Array({ maxLength: 8 })),
      value: fc.option(fc.uint8Array({ maxLength: 8 })),
      headers: fc.array(
        fc.record({ key: fc.string({ maxLength: 4 }), value: fc.option(fc.uint8Array({ maxLength: 4 })) }),
        { maxLength: 2 },
      ),
    }),
    { minLength: 1, maxLength: 12 },
  ),
  kept: fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
})

const plain = (records: readonly KafkaRecord[]) =>
  records.map((one) => ({
    ...one,
    key: one.key && Buffer.from(one.key).toString('hex'),
    value: one.value && Buffer.from(one.value).toString('hex'),
    headers: one.headers.map(({ key, value }) => [key, value && Buffer.from(value).toString('hex')]),
  }))

test('what is kept stays as it was: offsets, timestamps, keys, values, headers, producer and range', () => {
  fc.assert(
    fc.property(anyInput, ({ kept, producer, ...input }) => {
      const batch = encodeBatch(producer ? { ...input, producer } : input)
      const all = decodeRecords(batch, maxDecompressedBytes)
      const keep = (offset: number) => kept[offset - input.baseOffset] ?? false
      const retained = retainRecords(batch, { keep, newHorizonMs, maxDecompressedBytes })
      const expected = all.filter(({ offset }) => keep(offset))
      assert.deepEqual([retained.kept, retained.dropped], [expected.length, all.length - expected.length])
      if (!retained.bytes) return assert.equal(expected.length, 0)
      assert.deepEqual(plain(decodeRecords(retained.bytes, maxDecompressedBytes)), plain(expected))
      assert.ok(batchCrcIsValid(retained.bytes))
      const [before, after] = [readHeader(batch), readHeader(retained.bytes)]
      for (const field of [
        'baseOffset',
        'lastOffsetDelta',
        'producerId',
        'producerEpoch',
        'baseSequence',
      ] as const) {
        assert.equal(after[field], before[field], field)
      }
      const hasTombstone = expected.some(({ value }) => value === null)
      assert.equal(deleteHorizonMs(retained.bytes), hasTombstone ? newHorizonMs : undefined)
      const horizon = hasTombstone ? attributeBit.deleteHorizon : 0
      assert.equal(after.attributes, before.attributes | horizon)
      const keepFew = (offset: number) => offset % 2 === 0
      const later = { keep: keepFew, newHorizonMs: newHorizonMs + 1, maxDecompressedBytes }
      const again = retainRecords(retained.bytes, later).bytes
      const expectedAgain = expected.filter(({ offset }) => keepFew(offset))
      const found = again ? decodeRecords(again, maxDecompressedBytes) : []
      if (before.attributes & attributeBit.logAppendTime)
        return assert.equal(found.length, expectedAgain.length)
      assert.deepEqual(plain(found), plain(expectedAgain))
    }),
    { numRuns: 300, seed: 2 },
  )
})

const batchOf = (values: readonly (string | null)[], codec: 'none' | 'gzip' = 'none') =>
  encodeBatch({
    codec,
    baseOffset: 100,
    records: values.map((value, i) => {
      return { timestamp: 1000 + i, key: Buffer.from(`k${i}`), value: bytes(value), headers: [] }
    }),
    producer: { id: 4n, epoch: 2, baseSequence: 7 },
  })

const all = { keep: () => true, newHorizonMs, maxDecompressedBytes }

test('a batch that stays whole is the very bytes that came in', () => {
  const batch = batchOf(['a', 'b'])
  assert.equal(retainRecords(batch, all).bytes, batch)
})

test('a batch of which nothing stays is no batch, and its empty form says how far its producer had come', () => {
  for (const codec of ['none', 'gzip'] as const) {
    const batch = batchOf(['a', 'b', null], codec)
    assert.equal(retainRecords(batch, { ...all, keep: () => false }).bytes, undefined)
    const empty = emptyBatch(batch)
    const header = readHeader(empty)
    assert.ok(batchCrcIsValid(empty))
    assert.deepEqual(decodeRecords(empty, 1000), [])
    assert.deepEqual(
      [
        header.baseOffset,
        header.lastOffsetDelta,
        header.producerId,
        header.producerEpoch,
        header.baseSequence,
      ],
      [100, 2, 4n, 2, 7],
    )
    assert.equal(header.recordCount, 0)
    assert.equal(header.maxTimestamp, 1002)
    assert.deepEqual(emptyBatch(empty), empty)
  }
})

test('the horizon is set by the first clean that keeps a tombstone, and no later one moves it', () => {
  const batch = batchOf(['a', null, 'c'])
  assert.equal(deleteHorizonMs(batch), undefined)
  const first = retainRecords(batch, all).bytes
  assert.ok(first)
  assert.equal(deleteHorizonMs(first), newHorizonMs)
  assert.deepEqual(
    decodeRecords(first, 1000).map(({ timestamp }) => timestamp),
    [1000, 1001, 1002],
  )
  assert.equal(retainRecords(first, { ...all, newHorizonMs: newHorizonMs + 5 }).bytes, first)
  const keep = (offset: number) => offset === 101
  const second = retainRecords(first, { keep, newHorizonMs: newHorizonMs + 5, maxDecompressedBytes }).bytes
  assert.ok(second)
  assert.equal(deleteHorizonMs(second), newHorizonMs)
  assert.deepEqual(
    decodeRecords(second, 1000).map(({ offset, timestamp }) => [offset, timestamp]),
    [[101, 1001]],
  )
})

test('the largest timestamp is that of what stays', () => {
  const keep = (offset: number) => offset === 100
  const { bytes: kept } = retainRecords(batchOf(['a', 'b']), { ...all, keep })
  assert.ok(kept)
  assert.equal(readHeader(kept).maxTimestamp, 1000)
})
