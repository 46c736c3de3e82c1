// The hash of keys: the same wherever a key lies, another one under another secret, and no two keys alike.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createKeyHash, type HashKey } from '../../../shared/compaction/keyHash.ts'
import { systemRandom } from '../../../shared/runtime/clock.ts'

/** The secret as a test needs to know it: word i of what is drawn is `draw(i)`. */
function hashUnder(draw: (i: number) => number): HashKey {
  const bytes = (length: number) => {
    const drawn = Buffer.alloc(length)
    for (let i = 0; i < length / 4; i++) drawn.writeUInt32LE(draw(i) >>> 0, i * 4)
    return drawn
  }
  return createKeyHash({ bytes, float: () => 0 })
}

function hashOf(hash: HashKey, key: Uint8Array, before = 0): readonly number[] {
  const bytes = Buffer.concat([Buffer.alloc(before, 0xff), key, Buffer.alloc(3, 0xff)])
  const words = new Int32Array(6)
  hash(bytes, before, before + key.length, words, 2)
  return [...words.subarray(2)]
}

const someHash = createKeyHash(systemRandom)

test('the sums are exact: words two to four are what big integers give, at every length, for the largest terms', () => {
  const prime = 2n ** 31n - 1n
  for (const draw of [() => 0x7fff_fffe, (i: number) => Math.imul(i + 1, 0x9e37_79b1)]) {
    const hash = hashUnder(draw)
    const coefficient = (i: number) => BigInt(draw(i) >>> 0) % prime
    for (let length = 0; length <= 256; length++) {
      const key = Buffer.alloc(length, 0xff)
      const expected = [1, 2, 3].map((lane) => {
        let sum = BigInt(length) * coefficient(128 * 4 + lane)
        for (let at = 0; at < length; at += 2) {
          sum += BigInt((key[at] ?? 0) + 256 * (key[at + 1] ?? 0)) * coefficient((at / 2) * 4 + lane)
        }
        return Number(sum % prime)
      })
      assert.deepEqual(hashOf(hash, key).slice(1), expected, String(length))
    }
  }
})

test('a key has the same hash wherever it lies, and another one under another secret', () => {
  const other = createKeyHash(systemRandom)
  for (const length of [1, 2, 3, 16, 35, 255, 256, 257, 1000]) {
    const key = Buffer.from(systemRandom.bytes(length))
    for (const before of [1, 2, 3]) assert.deepEqual(hashOf(someHash, key, before), hashOf(someHash, key))
    if (length <= 256) assert.notDeepEqual(hashOf(other, key), hashOf(someHash, key))
  }
})

test('keys that differ at all have different hashes: in a byte, in a zero at the end, at any length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (a, b) => {
      if (Buffer.compare(a, b) !== 0) assert.notDeepEqual(hashOf(someHash, a), hashOf(someHash, b))
      assert.notDeepEqual(hashOf(someHash, a), hashOf(someHash, Buffer.concat([a, Buffer.alloc(1)])))
    }),
  )
})

test('keys that are counted through fill the slots evenly', () => {
  const count = 65_536
  for (const prefix of ['user-', 'a-key-of-twenty-bytes-', '']) {
    const buckets = new Uint32Array(256)
    for (let i = 0; i < count; i++) {
      const [first = 0] = hashOf(someHash, Buffer.from(`${prefix}${i}`))
      const bucket = first >>> 24
      buckets[bucket] = (buckets[bucket] ?? 0) + 1
    }
    // Sixteen standard deviations from the mean would be chance once in more than the life of the test.
    for (const filled of buckets) assert.ok(Math.abs(filled - 256) < 16 * 16, `${prefix}: ${filled}`)
  }
})
