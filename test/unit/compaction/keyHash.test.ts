import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashKey } from '../../../shared/compaction/keyHash.ts'

function hashOf(text: string, before = 0): string {
  const bytes = Buffer.concat([Buffer.alloc(before, 0xff), Buffer.from(text), Buffer.alloc(3, 0xff)])
  const words = new Int32Array(6)
  hashKey(bytes, before, bytes.length - 3, words, 2)
  return [...words.subarray(2)].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
}

test('the published vectors give the published hashes', () => {
  assert.equal(hashOf(''), '00000000000000000000000000000000')
  assert.equal(hashOf('The quick brown fox jumps over the lazy dog'), '2f1583c3ecee2c675d7bf66ce5e91d2c')
  assert.equal(
    hashOf("I will not buy this tobacconist's, it is scratched."),
    '9b5b7ba2ef3f7866889adeaf00f3f98e',
  )
})

test('a key has the same hash wherever it lies', () => {
  for (let length = 0; length <= 35; length++) {
    const text = 'abcdefghijklmnopqrstuvwxyz0123456789'.slice(0, length)
    for (const before of [1, 2, 3]) assert.equal(hashOf(text, before), hashOf(text), text)
  }
})

test('keys that are counted through have different hashes in each half', () => {
  const count = 20_000
  for (const prefix of ['user-', 'a-key-of-twenty-bytes-']) {
    const hashes = Array.from({ length: count }, (_, i) => hashOf(`${prefix}${i}`))
    assert.equal(new Set(hashes.map((hash) => hash.slice(0, 16))).size, count, prefix)
    assert.equal(new Set(hashes.map((hash) => hash.slice(16))).size, count, prefix)
  }
})
