import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KafkaError } from '../../../shared/base/errors.ts'
import {
  decodeFlushFooter,
  encodeFlushFooter,
  flushFooterBytesMax,
} from '../../../shared/metadata/flushFooter.ts'

const name = (i: number) => ({
  topicId: Buffer.from(`topic${String(i).padStart(11, '0')}`).toString('base64url'),
  group: i % 70_000,
})

test('a footer comes back as it was written, also from behind the batches', () => {
  for (const count of [1, 2, 1000]) {
    const names = Array.from({ length: count }, (_, i) => name(i))
    const bytes = encodeFlushFooter(names)
    assert.ok(bytes.length <= flushFooterBytesMax)
    assert.deepEqual(decodeFlushFooter(bytes), names)
    assert.deepEqual(decodeFlushFooter(Buffer.concat([Buffer.alloc(333, 1), bytes])), names)
  }
})

test('a group beyond 32767 comes back', () => {
  const names = [{ ...name(0), group: 40_000 }]
  assert.deepEqual(decodeFlushFooter(encodeFlushFooter(names)), names)
})

test('bytes that are no footer are refused', () => {
  const whole = encodeFlushFooter([name(1), name(2)])
  const refused = (bytes: Uint8Array) => {
    assert.throws(
      () => decodeFlushFooter(bytes),
      (error) => {
        return error instanceof KafkaError && error.code === 'KAFKA_STORAGE_ERROR'
      },
    )
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), refused), { seed: 3 })
  for (let length = 0; length < whole.length; length++) refused(whole.subarray(0, length))
  for (let start = 1; start < whole.length; start++) refused(whole.subarray(start))
})

test('a flush for nobody has no footer that can be read', () => {
  assert.throws(() => decodeFlushFooter(encodeFlushFooter([])), KafkaError)
})
