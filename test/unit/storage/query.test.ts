import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareUtf8, fillPage, lowerBound, sortKeyRange } from '../../../shared/storage/query.ts'

const text = fc.string({ unit: 'binary', maxLength: 6 })
const isIn = (value: string, range: ReturnType<typeof sortKeyRange>): boolean =>
  range !== undefined &&
  compareUtf8(value, range.low) >= 0 &&
  (range.high === undefined || compareUtf8(value, range.high) < 0)

test('text is compared as its UTF-8 bytes are', () => {
  fc.assert(
    fc.property(text, text, (left, right) => {
      const expected = Buffer.compare(Buffer.from(left), Buffer.from(right))
      assert.equal(Math.sign(compareUtf8(left, right)), expected)
    }),
  )
})

test('the range of a prefix holds what begins with it, and nothing else', () => {
  fc.assert(
    fc.property(text, text, (prefix, key) => {
      const range = sortKeyRange({ pk: 'p', prefix, limit: 1 })
      assert.ok(isIn(prefix + key, range))
      assert.equal(isIn(key, range), key.startsWith(prefix))
    }),
  )
})

test('the range of bounds holds what is between them, and after what was read', () => {
  fc.assert(
    fc.property(text, text, text, text, fc.boolean(), (from, to, after, key, descending) => {
      fc.pre(to !== '')
      const range = sortKeyRange({ pk: 'p', from, to, after, descending, limit: 1 })
      const isBetween = compareUtf8(from, key) <= 0 && compareUtf8(key, to) <= 0
      const isNext = descending ? compareUtf8(key, after) < 0 : compareUtf8(key, after) > 0
      assert.equal(isIn(key, range), isBetween && isNext)
    }),
  )
})

test('the lower bound is where a key stands or would stand', () => {
  const sorted = ['a', 'c', 'e']
  assert.deepEqual(
    ['', 'a', 'b', 'e', 'f'].map((key) => lowerBound(sorted, key)),
    [0, 0, 1, 2, 3],
  )
})

test('a page ends before the item that would make it larger than 1 MB, but has one', () => {
  const sized = (sk: string, bytes: number) => ({ item: { key: { pk: 'p', sk }, attributes: {} }, bytes })
  const half = 512 * 1024
  const next = (...bytes: number[]) =>
    fillPage(
      bytes.map((size, index) => sized(String(index), size)),
      10,
    ).page.next
  assert.equal(next(half, half), undefined)
  assert.equal(next(half, half, 1), '1')
  assert.equal(next(half, half + 1), '0')
  assert.equal(next(2 * half + 1, 1), '0')
})
