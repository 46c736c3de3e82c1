// Binary fields: Kafka's varint vectors, what is written comes back, and everything that does not fit is
// refused.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ByteReader, ByteWriter, varintSize, varlongSize } from '../../../shared/base/bytes.ts'
import { KafkaError } from '../../../shared/base/errors.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const reader = (text: string): ByteReader =>
  new ByteReader(new Uint8Array(Buffer.from(text, 'hex')), 'CORRUPT_MESSAGE')

function written(size: number, write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(size)
  write(writer)
  return writer.finish()
}

function refused(message: RegExp, act: () => unknown): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof KafkaError, String(error))
    assert.equal(error.code, 'CORRUPT_MESSAGE')
    assert.match(error.message, message)
    return true
  })
}

const varints: readonly (readonly [number, string])[] = [
  [0, '00'],
  [-1, '01'],
  [1, '02'],
  [63, '7e'],
  [-64, '7f'],
  [64, '8001'],
  [-65, '8101'],
  [8191, 'fe7f'],
  [-8192, 'ff7f'],
  [8192, '808001'],
  [2147483647, 'feffffff0f'],
  [-2147483648, 'ffffffff0f'],
]

test('zigzag varints and varlongs are those of the Kafka protocol', () => {
  for (const [value, bytes] of varints) {
    const size = bytes.length / 2
    assert.equal(varintSize(value), size)
    assert.equal(varlongSize(value), size)
    assert.equal(hex(written(size, (writer) => writer.varint(value))), bytes)
    assert.equal(hex(written(size, (writer) => writer.varlong(value))), bytes)
    assert.equal(reader(bytes).varint('field'), value)
    assert.equal(reader(bytes).varlong('field'), value)
  }
})

test('unsigned varints are those of the Kafka protocol', () => {
  for (const [value, bytes] of [
    [0, '00'],
    [8192, '8040'],
    [0xffffffff, 'ffffffff0f'],
  ] as const) {
    assert.equal(hex(written(bytes.length / 2, (writer) => writer.unsignedVarint(value))), bytes)
    assert.equal(reader(bytes).unsignedVarint('field'), value)
  }
})

test('every safe integer comes back from a varlong of the computed size', () => {
  fc.assert(
    fc.property(fc.oneof(fc.maxSafeInteger(), fc.integer()), (value) => {
      const bytes = written(varlongSize(value), (writer) => writer.varlong(value))
      assert.equal(new ByteReader(bytes, 'CORRUPT_MESSAGE').varlong('field'), value)
    }),
  )
})

test('every safe integer comes back from 64 bits, which are the two-complement ones', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      const bytes = written(8, (writer) => writer.int64(value))
      assert.equal(Buffer.from(bytes).readBigInt64BE(), BigInt(value))
      assert.equal(new ByteReader(bytes, 'CORRUPT_MESSAGE').int64('field'), value)
    }),
  )
})

test('every kind of field comes back in its order', () => {
  const bytes = written(1 + 2 + 4 + 4 + 8 + 3 + 6, (writer) => {
    writer.int8(-5)
    writer.int16(-300)
    writer.int32(-70_000)
    writer.uint32(4_000_000_000)
    writer.bigInt64(-(2n ** 63n))
    writer.bytes(Uint8Array.of(1, 2, 3))
    writer.utf8('é€x', 6)
  })
  const fields = new ByteReader(bytes, 'CORRUPT_MESSAGE')
  assert.equal(fields.int8('a'), -5)
  assert.equal(fields.int16('b'), -300)
  assert.equal(fields.int32('c'), -70_000)
  assert.equal(fields.uint32('d'), 4_000_000_000)
  assert.equal(fields.bigInt64('e'), -(2n ** 63n))
  assert.deepEqual(fields.bytes(3, 'f'), Uint8Array.of(1, 2, 3))
  assert.equal(fields.utf8(6, 'g'), 'é€x')
  assert.equal(fields.remaining, 0)
  fields.expectEnd('the fields')
})

test('a field beyond the end is refused by name and position', () => {
  refused(/^count at byte 0 reaches beyond the end at 3$/, () => reader('000000').int32('count'))
  refused(/^key at byte 1 reaches beyond/, () => {
    const fields = reader('0000')
    fields.skipBytes(1, 'tag')
    fields.bytes(2, 'key')
  })
  refused(/^key at byte 0 has the negative length -1$/, () => reader('00').bytes(-1, 'key'))
  refused(/^delta at byte 1 reaches beyond/, () => reader('80').varint('delta'))
  refused(/^the page at byte 0 leaves 2 trailing bytes$/, () => reader('0000').expectEnd('the page'))
})

test('a reader of a part reads nothing after its end', () => {
  const part = new ByteReader(Uint8Array.of(1, 2, 3, 4), 'CORRUPT_MESSAGE', 1, 3)
  assert.equal(part.uint8('first'), 2)
  refused(/^pair at byte 2 reaches beyond the end at 3$/, () => part.int16('pair'))
})

test('varints that are too long or too large are refused', () => {
  refused(/more than 32 bits/, () => reader('ffffffff1f').varint('field'))
  refused(/more than 32 bits/, () => reader('808080808000').varint('field'))
  refused(/more than 64 bits/, () => reader('ffffffffffffffffff02').varlong('field'))
  refused(/more than 64 bits/, () => reader('8080808080808080808000').varlong('field'))
  refused(/beyond 53 bits/, () => reader('feffffffffffffffff01').varlong('field'))
  refused(/^field at byte 0 is beyond 53 bits/, () => reader('0020000000000000').int64('field'))
})

test('a varint of more bytes than it needs is read as Kafka reads it', () => {
  assert.equal(reader('8000').varint('field'), 0)
  assert.equal(reader('82808000').varlong('field'), 1)
})

test('a writer that is filled too much or too little stops', () => {
  assert.throws(() => written(1, (writer) => writer.int16(1)), /broken invariant/)
  assert.throws(() => written(2, (writer) => writer.int8(1)), /broken invariant: a writer fills its array/)
  assert.throws(() => written(9, (writer) => writer.int64(2 ** 53)), /broken invariant: only safe integers/)
  assert.throws(() => written(2, (writer) => writer.utf8('€', 2)), /broken invariant: the size of a text/)
})
