import assert from 'node:assert/strict'
import { test } from 'node:test'
import { discard } from '../../../shared/base/memory.ts'

test('what is large is given back at once, with all that shares its memory', () => {
  const bytes = new Uint8Array(1024 * 1024)
  discard(bytes.subarray(10, 20))
  assert.equal(bytes.length, 0)
})

test('what is small may lie in a pool, and is left alone', () => {
  const bytes = Buffer.from('one')
  const neighbour = Buffer.from('two')
  discard(bytes)
  assert.equal(`${bytes} ${neighbour}`, 'one two')
})
