import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  detailsAttribute,
  encodeDetails,
  memberFence,
  noOffsets,
  parseOffsets,
  strangerFence,
} from '../../../shared/metadata/offsetsItem.ts'

const key = { pk: 'test/group/Zw', sk: 'offsets/id/0000' }

test('an item is read as it was stored', () => {
  const attributes = {
    topic: 'orders',
    v: 2,
    e: 1,
    f0: 4,
    c0: 17,
    // Leader epoch 3, 1,700,000,000,000 ms, 'm-1'.
    m0: new Uint8Array(Buffer.from('04' + '80a0abfef962' + '6d2d31', 'hex')),
    f9: 5,
  }
  assert.deepEqual(parseOffsets({ key, attributes }), {
    topicName: 'orders',
    version: 2,
    epochFloor: 1,
    fences: new Map([
      [0, 4],
      [9, 5],
    ]),
    offsets: new Map([
      [0, { offset: 17, leaderEpoch: 3, commitTimestamp: 1_700_000_000_000, metadata: 'm-1' }],
    ]),
  })
  assert.deepEqual(parseOffsets(undefined), noOffsets)
})

test('a commit is read as it was written', () => {
  const commit = fc.record({
    offset: fc.maxSafeNat(),
    leaderEpoch: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
    commitTimestamp: fc.maxSafeInteger(),
    metadata: fc.string({ unit: 'grapheme' }),
  })
  fc.assert(
    fc.property(commit, (one) => {
      const attributes = { topic: 't', v: 1, e: 0, c5: one.offset, [detailsAttribute(5)]: encodeDetails(one) }
      assert.deepEqual(parseOffsets({ key, attributes }).offsets.get(5), { ...one })
    }),
  )
})

test('who is no member comes after every member there was, and before every one to come', () => {
  assert.ok(memberFence(7) < strangerFence(7) && strangerFence(7) < memberFence(8))
})
