import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Scalar } from '../../../shared/ports/table.ts'
import {
  checkItemBytes,
  checkWrite,
  itemBytes,
  readUnits,
  writeUnits,
} from '../../../shared/storage/limits.ts'

const key = { pk: 'p', sk: 's' }
const keyBytes = 'pkpsks'.length
const valueBytes = (value: Scalar): number => itemBytes(key, { a: value }) - keyBytes - 1

test('an item counts the UTF-8 bytes of its names, its text and its key', () => {
  assert.equal(itemBytes(key, {}), 6)
  assert.equal(itemBytes({ pk: 'é', sk: '😀' }, {}), 4 + 2 + 4)
  assert.equal(itemBytes(key, { é: '€', b: new Uint8Array(5) }), keyBytes + 2 + 3 + 1 + 5)
})

test('a list counts 3 bytes and one more for each element', () => {
  assert.equal(itemBytes(key, { a: [] }), keyBytes + 1 + 3)
  assert.equal(itemBytes(key, { a: ['xy', '', new Uint8Array(3)] }), keyBytes + 1 + 3 + 3 + 5)
})

test('a number counts its pairs of significant digits', () => {
  const expected: [number, number][] = [
    [0, 1],
    [7, 2],
    [10, 2],
    [99, 2],
    [100, 2],
    [120, 3],
    [1200, 2],
    [123, 3],
    [1234, 3],
    [12_345, 4],
    [-7, 3],
    [-1200, 3],
    [Number.MAX_SAFE_INTEGER, 9],
    [Number.MIN_SAFE_INTEGER, 10],
  ]
  for (const [value, bytes] of expected) assert.equal(valueBytes(value), bytes, String(value))
})

test('a number is as long as the decimal text of its significant digits says', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      const digits = String(Math.abs(value))
      const aligned = digits.length % 2 === 0 ? digits : `0${digits}`
      const pairs = value === 0 ? 0 : aligned.replace(/(00)+$/, '').length / 2
      assert.equal(valueBytes(value), 1 + pairs + (value < 0 ? 1 : 0))
    }),
  )
})

test('capacity units are whole KB of the larger of before and after, and 4 KB of a read', () => {
  assert.equal(writeUnits(0, 0), 1)
  assert.equal(writeUnits(0, 1024), 1)
  assert.equal(writeUnits(0, 1025), 2)
  assert.equal(writeUnits(10_240, 10), 10)
  assert.equal(readUnits(0), 1)
  assert.equal(readUnits(4096), 1)
  assert.equal(readUnits(4097), 2)
})

test('a broken limit names the item or the attribute', () => {
  checkItemBytes(key, 409_600)
  assert.throws(() => checkItemBytes(key, 409_601), /\(p, s\) would have 409601/)
  assert.throws(
    () => checkWrite({ kind: 'put', key, attributes: { count: 0.5 } }),
    /the numbers of count are safe integers, not 0.5/,
  )
  const removeFirst = (count: number) =>
    checkWrite({ kind: 'update', key, actions: [{ kind: 'removeFirst', attribute: 'tail', count }] })
  removeFirst(256)
  for (const count of [0, 257, 1.5]) assert.throws(() => removeFirst(count), /elements off tail/)
})

test('names of attributes are not empty, not the key and not __proto__', () => {
  for (const name of ['', 'pk', 'sk', '__proto__']) {
    const attributes = Object.fromEntries([[name, 1]])
    assert.throws(() => checkWrite({ kind: 'put', key, attributes }), /an attribute is not named/)
  }
})

test('keys are well-formed Unicode', () => {
  const attributes = {}
  assert.throws(() => checkWrite({ kind: 'put', key: { pk: 'p', sk: '\ud800' }, attributes }), /well-formed/)
})
