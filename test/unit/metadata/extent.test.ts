import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KafkaError } from '../../../shared/base/errors.ts'
import {
  decodeExtents,
  decodeTailEntry,
  encodeExtents,
  encodeTailEntry,
  placeExtents,
} from '../../../shared/metadata/extent.ts'

const uint32 = fc.nat(2 ** 31 - 1)
const objectId = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('hex'))
const storage = fc.constantFrom('object' as const, 'inline' as const)
const plain = { noNullPrototype: true }
const producerFields = {
  offsetDelta: uint32,
  producerId: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  epoch: fc.nat(32_767),
  baseSequence: uint32,
  recordCount: uint32,
}
const producerBatch = fc.record(producerFields, plain)
const extentFields = {
  position: uint32,
  length: uint32,
  offsetCount: uint32,
  maxTimestamp: fc.maxSafeInteger().map((n) => Math.max(-1, n)),
  producerBatches: fc.array(producerBatch, { maxLength: 5 }),
}
const object = { storage, objectId }
const extent = fc.record({ ...object, ...extentFields }, plain)
const tailEntry = fc
  .tuple(fc.record(object), fc.array(fc.record({ partition: uint32, ...extentFields }), { maxLength: 6 }))
  .map(([one, extents]) => ({ ...one, extents: extents.map((fields) => ({ ...fields, ...one })) }))

test('a tail entry that was encoded is decoded to what it was', () => {
  fc.assert(
    fc.property(tailEntry, (entry) => {
      assert.deepEqual(decodeTailEntry(encodeTailEntry(entry)), entry)
    }),
  )
})

test('the extents of an index item are decoded with the offsets that follow from their counts', () => {
  fc.assert(
    fc.property(fc.array(extent, { maxLength: 6 }), fc.nat(1_000_000), (extents, baseOffset) => {
      const decoded = decodeExtents(encodeExtents(extents), baseOffset)
      assert.deepEqual(decoded, placeExtents(extents, baseOffset))
      let next = baseOffset
      for (const one of decoded) {
        assert.equal(one.baseOffset, next)
        next += one.offsetCount
      }
    }),
  )
})

const golden = {
  storage: 'inline' as const,
  objectId: '000102030405060708090a0b0c0d0e0f',
  extents: [
    {
      storage: 'inline' as const,
      objectId: '000102030405060708090a0b0c0d0e0f',
      partition: 3,
      position: 300,
      length: 70,
      offsetCount: 2,
      maxTimestamp: -1,
      producerBatches: [{ offsetDelta: 1, producerId: 7n, epoch: 2, baseSequence: 128, recordCount: 1 }],
    },
  ],
}
const goldenHex = [
  '01', // version
  '01', // inline
  '000102030405060708090a0b0c0d0e0f', // object id
  '01', // extents
  '03', // partition
  'ac02', // position
  '46', // length
  '02', // offset count
  '01', // largest timestamp, zigzag
  '01', // idempotent batches
  '01', // offset from the extent's base
  '0000000000000007', // producer id
  '02', // epoch
  '8001', // base sequence
  '01', // record count
].join('')

test('a stored tail entry of version 1 stays readable, byte by byte', () => {
  assert.equal(Buffer.from(encodeTailEntry(golden)).toString('hex'), goldenHex)
  assert.deepEqual(decodeTailEntry(new Uint8Array(Buffer.from(goldenHex, 'hex'))), golden)
})

test('a stored list of extents of version 1 stays readable, byte by byte', () => {
  const hex = `0101${goldenHex.slice(2, 4 + 32)}${goldenHex.slice(4 + 32 + 4)}`
  assert.equal(Buffer.from(encodeExtents(golden.extents)).toString('hex'), hex)
})

test('a tail entry that is cut off anywhere is refused as damaged storage', () => {
  const whole = new Uint8Array(Buffer.from(goldenHex, 'hex'))
  for (let length = 1; length < whole.length; length++) {
    assert.throws(
      () => decodeTailEntry(whole.subarray(0, length)),
      (error) => error instanceof KafkaError && error.code === 'KAFKA_STORAGE_ERROR',
      `${length} bytes`,
    )
  }
})

test('bytes behind a tail entry, another version and another storage are refused', () => {
  const whole = Buffer.from(goldenHex, 'hex')
  assert.throws(() => decodeTailEntry(new Uint8Array(Buffer.concat([whole, Buffer.of(0)]))), /tail entry/)
  const changed = (position: number, value: number) => {
    const copy = new Uint8Array(whole)
    copy[position] = value
    return copy
  }
  assert.throws(() => decodeTailEntry(changed(0, 2)), /version 2/)
  assert.throws(() => decodeTailEntry(changed(1, 3)), /object, inline or segment/)
})
