import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createOffsetMap } from '../../../shared/compaction/offsetMap.ts'
import { systemRandom } from '../../../shared/runtime/clock.ts'
import { offsetMapEntriesOf } from '../../../shared/service/compactor.ts'

/** The key in the middle of other bytes, as it lies in a batch. */
const keyOf = (key: number): readonly [Uint8Array, number, number] => {
  const bytes = Buffer.from(`before${key}after`)
  return [bytes, 6, bytes.length - 5]
}

test('the offset map knows the latest offset of every key, and refuses keys when it is full', () => {
  const property = fc.property(
    fc.array(fc.nat(60), { maxLength: 300 }),
    fc.integer({ min: 1, max: 50 }),
    fc.constantFrom(0, 2 ** 31 - 20, 2 ** 32 - 20, 2 ** 53 - 400),
    (keys, max, firstOffset) => {
      const map = createOffsetMap(max, systemRandom)
      const expected = new Map<number, number>()
      for (const [i, key] of keys.entries()) {
        const fits = expected.has(key) || expected.size < max
        assert.equal(map.put(...keyOf(key), firstOffset + i), fits)
        if (fits) expected.set(key, firstOffset + i)
      }
      assert.equal(map.size(), expected.size)
      for (let key = 0; key <= 60; key++) assert.equal(map.get(...keyOf(key)), expected.get(key) ?? -1)
    },
  )
  fc.assert(property, { seed: 1 })
})

test('keys of which one is the beginning of the other, empty ones and zeros are told apart', () => {
  const map = createOffsetMap(100, systemRandom)
  const bytes = new Uint8Array(40)
  for (let length = 0; length <= 40; length++) assert.ok(map.put(bytes, 0, length, length))
  for (let length = 0; length <= 40; length++) assert.equal(map.get(bytes, 40 - length, 40), length)
  assert.equal(map.size(), 41)
})

test('LC11: the keys for which there is room take no more than the buffer', () => {
  const mebibyte = 1024 * 1024
  assert.equal(offsetMapEntriesOf(32 * mebibyte), 1_258_291)
  for (const bytes of [mebibyte, 7_654_321]) {
    const slots = Math.ceil(offsetMapEntriesOf(bytes) / 0.9)
    assert.ok(slots * 24 <= bytes && slots * 24 > bytes - 100, `${slots} slots in ${bytes} bytes`)
  }
})

test('LC11: the offset map takes 24 bytes a key, and one more in ten', () => {
  const before = process.memoryUsage().arrayBuffers
  const map = createOffsetMap(1_000_000, systemRandom)
  const bytes = process.memoryUsage().arrayBuffers - before
  assert.ok(bytes <= 27_000_000 && map.size() === 0, `${bytes}`)
})
