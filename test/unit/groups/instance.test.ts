import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KafkaError } from '../../../shared/base/errors.ts'
import {
  assign,
  checkAssigned,
  idleMsMax,
  isCommitDue,
  isForgotten,
  isMember,
  moveTo,
  newInstance,
  noteCommitted,
  noteUse,
  partitionsOf,
  positionsOf,
  startFrom,
  subscribe,
  takeAssignment,
  uncommitted,
  unplaced,
  unsubscribe,
} from '../../../shared/groups/instance.ts'
import type { InstanceSettings } from '../../../shared/metadata/instanceItem.ts'

const settings: InstanceSettings = {
  dialect: 'confluent',
  format: 'binary',
  autoOffsetReset: 'latest',
  autoCommit: true,
  fetchMinBytes: 1,
  requestTimeoutMs: 1000,
}
const fresh = newInstance(settings, 'm', 1000)
const at = (topicName: string, partition: number) => ({ topicName, partition })
const to = (topicName: string, partition: number, position: number) => ({ topicName, partition, position })
const topics = (...names: string[]) => ({ reads: 'topics' as const, topics: names })
const illegal = (error: unknown) => error instanceof KafkaError && error.code === 'CONSUMER_ILLEGAL_STATE'

test('topics, a pattern and partitions by hand exclude each other until it unsubscribes', () => {
  const byTopics = subscribe(fresh, topics('b', 'a', 'b'))
  assert.deepEqual(byTopics.topics, ['a', 'b'])
  assert.deepEqual(subscribe(byTopics, topics('c')).topics, ['c'])
  const byPattern = subscribe(fresh, { reads: 'pattern', pattern: 'a.*' })
  const byHand = assign(fresh, [at('a', 0)])
  assert.throws(() => subscribe(byTopics, { reads: 'pattern', pattern: 'a' }), illegal)
  assert.throws(() => subscribe(byPattern, topics('a')), illegal)
  assert.throws(() => subscribe(byHand, topics('a')), illegal)
  assert.throws(() => assign(byTopics, [at('a', 0)]), illegal)
  assert.throws(() => assign(byPattern, [at('a', 0)]), illegal)
  assert.deepEqual([byTopics, byPattern, byHand, fresh].map(isMember), [true, true, false, false])
  for (const one of [byTopics, byPattern, byHand]) assert.deepEqual(unsubscribe(one), fresh)
  assert.deepEqual(assign(byHand, []), fresh)
})

test('what it reads already it goes on with when it is assigned anew', () => {
  const first = moveTo(assign(fresh, [at('a', 0), at('a', 1)]), [to('a', 1, 7)])
  const second = assign(first, [at('a', 1), at('b', 0)])
  assert.deepEqual(positionsOf(second), [to('a', 1, 7), to('b', 0, -1)])
})

test('an assignment takes partitions away, brings others, and leaves the rest where they were', () => {
  const joined = takeAssignment(subscribe(fresh, topics('a')), 1, [at('a', 0), at('a', 1)])
  assert.equal(joined.memberEpoch, 1)
  assert.deepEqual(unplaced(joined), [at('a', 0), at('a', 1)])
  const placed = startFrom(joined, [to('a', 0, 5), to('a', 1, 6)])
  assert.deepEqual(unplaced(placed), [])
  assert.equal(takeAssignment(placed, 1, undefined), placed)
  assert.equal(takeAssignment(placed, 1, [at('a', 1), at('a', 0)]), placed)
  assert.equal(takeAssignment(placed, 2, undefined).places, placed.places)
  const moved = takeAssignment(placed, 2, [at('a', 1), at('a', 2)])
  assert.deepEqual(positionsOf(moved), [to('a', 1, 6), to('a', 2, -1)])
  // Back again, and somebody else has read it in between.
  const back = takeAssignment(moved, 3, [at('a', 0)])
  assert.deepEqual(positionsOf(back), [to('a', 0, -1)])
  assert.deepEqual(partitionsOf(takeAssignment(back, 4, [])), [])
})

test('it commits by itself five seconds after it last did, and only what is not committed', () => {
  const placed = startFrom(assign(fresh, [at('a', 0), at('b', 1)]), [to('a', 0, 5), to('b', 1, 6)])
  assert.deepEqual(uncommitted(placed), [])
  assert.equal(isCommitDue(placed, 1_000_000), false)
  const read = moveTo(placed, [to('b', 1, 9)])
  assert.deepEqual(uncommitted(read), [to('b', 1, 9)])
  assert.equal(isCommitDue(read, 5999), false)
  assert.equal(isCommitDue(read, 6000), true)
  assert.equal(isCommitDue({ ...read, autoCommit: false }, 6000), false)
  assert.deepEqual(uncommitted(noteCommitted(read, [to('b', 1, 9)])), [])
  // A position that nobody has looked up yet is no position.
  assert.deepEqual(uncommitted(assign(fresh, [at('a', 0)])), [])
})

test('moving to where it stands, and in partitions it does not have, changes nothing', () => {
  const placed = startFrom(assign(fresh, [at('a', 0)]), [to('a', 0, 5)])
  assert.equal(moveTo(placed, [to('a', 0, 5), to('a', 1, 5), to('b', 0, 5)]), placed)
})

test('a seek elsewhere than in its partitions is an illegal state, and 404 for Strimzi', () => {
  const placed = assign(fresh, [at('a', 0)])
  checkAssigned(placed, at('a', 0))
  assert.throws(() => checkAssigned(placed, at('a', 1)), illegal)
  assert.throws(
    () => checkAssigned({ ...placed, dialect: 'strimzi' }, at('a', 1)),
    (error) => error instanceof KafkaError && error.row.status === 404,
  )
})

test('it lives five minutes at least after its last call, of which one in half a minute is noted', () => {
  assert.equal(noteUse(fresh, 30_999), fresh)
  assert.equal(noteUse(fresh, 31_000).usedMs, 31_000)
  // The last call that was not noted came just before half a minute was over.
  assert.equal(isForgotten(fresh, 30_999 + idleMsMax), false)
  assert.equal(isForgotten(fresh, 31_001 + idleMsMax), true)
})
