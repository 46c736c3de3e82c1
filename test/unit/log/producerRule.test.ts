import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideSequence, sequenceAfter } from '../../../shared/log/producerRule.ts'

const row = (nextSequence: number, epoch = 0, lastUseMinutes = 0) => ({ epoch, nextSequence, lastUseMinutes })
const batch = (baseSequence: number, recordCount = 1, epoch = 0) => ({
  producerId: 9n,
  epoch,
  baseSequence,
  recordCount,
})
const day = 24 * 60

function verdict(...[before, sent, nowMinutes]: Parameters<typeof decideSequence>) {
  const decided = decideSequence(before, sent, nowMinutes)
  return decided.kind === 'refused' ? { code: decided.error.code, ...decided.error.details } : decided.kind
}

const gap = (expectedSequence: number) => ({ code: 'OUT_OF_ORDER_SEQUENCE_NUMBER', expectedSequence })

test('a producer goes on where it was', () => {
  assert.equal(verdict(row(5), batch(5), 0), 'commit')
})

test('an unknown producer begins at sequence 0', () => {
  assert.equal(verdict(undefined, batch(0), 0), 'commit')
  assert.deepEqual(verdict(undefined, batch(1), 0), gap(0))
})

test('a gap names the sequence that was expected', () => {
  assert.deepEqual(verdict(row(1), batch(2), 0), gap(1))
})

test('a batch whose records are all there was stored, one that reaches beyond them is out of order', () => {
  assert.equal(verdict(row(10), batch(8, 2), 0), 'stored')
  assert.equal(verdict(row(10), batch(0, 1), 0), 'stored')
  assert.deepEqual(verdict(row(10), batch(8, 3), 0), gap(10))
})

test('a stale epoch is fenced and a new one begins at sequence 0', () => {
  assert.deepEqual(verdict(row(5, 3), batch(5, 1, 2), 0), { code: 'INVALID_PRODUCER_EPOCH', currentEpoch: 3 })
  assert.equal(verdict(row(5, 3), batch(0, 1, 4), 0), 'commit')
  assert.deepEqual(verdict(row(5, 3), batch(5, 1, 4), 0), gap(0))
})

test('sequences go on at 0 after 2^31-1, and a repetition from before is recognised', () => {
  const last = 2 ** 31 - 1
  assert.equal(sequenceAfter(last, 1), 0)
  assert.equal(sequenceAfter(last - 1, 5), 3)
  assert.equal(verdict(row(0), batch(0), 0), 'commit')
  assert.equal(verdict(row(3), batch(last - 1, 5), 0), 'stored')
  assert.deepEqual(verdict(row(3), batch(last, 5), 0), gap(3))
  assert.deepEqual(verdict(row(last), batch(0), 0), gap(last))
})

test('a producer that was idle for a day may begin anew in any epoch, or go on', () => {
  assert.deepEqual(verdict(row(5, 3), batch(0, 1, 2), day), {
    code: 'INVALID_PRODUCER_EPOCH',
    currentEpoch: 3,
  })
  assert.equal(verdict(row(5, 3), batch(0, 1, 3), day), 'stored')
  assert.equal(verdict(row(5, 3), batch(0, 1, 3), day + 1), 'commit')
  assert.equal(verdict(row(5, 3), batch(0, 1, 2), day + 1), 'commit')
  assert.equal(verdict(row(5, 3), batch(5, 1, 3), day + 1), 'commit')
  assert.deepEqual(verdict(row(5, 3), batch(4, 1, 3), day + 1), gap(0))
})
