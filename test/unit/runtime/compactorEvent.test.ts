import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCompactorEvent, parsePartitionOutcome } from '../../../shared/runtime/compactorEvent.ts'

const turn = {
  kind: 'partition',
  clusterId: 'lkc-1',
  topicName: 't',
  topicId: 'abc',
  partition: 3,
  deadlineMs: 1000,
  isAskedFor: false,
}

test("the schedule's event is known by its detail-type", () => {
  const event = { version: '0', source: 'aws.scheduler', 'detail-type': 'Scheduled Event', detail: {} }
  assert.deepEqual(parseCompactorEvent(event), { kind: 'schedule' })
})

test("a partition's event keeps its own fields and no other", () => {
  assert.deepEqual(parseCompactorEvent({ ...turn, config: { retentionMs: 0 } }), turn)
  assert.deepEqual(parseCompactorEvent({ ...turn, isAskedFor: true }), { ...turn, isAskedFor: true })
})

test('a foreign event is refused, and a field that is wrong is named', () => {
  for (const event of [
    undefined,
    null,
    'x',
    7,
    [],
    {},
    { kind: 'schedule' },
    { 'detail-type': 'Object Created' },
  ]) {
    assert.throws(() => parseCompactorEvent(event), /none of the compactor's/)
  }
  const wrong = {
    clusterId: [7, undefined],
    topicName: [7, undefined],
    topicId: [{}],
    partition: [-1, 1.5, '3', null],
    deadlineMs: [Number.NaN],
  }
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      assert.throws(
        () => parseCompactorEvent({ ...turn, [name]: value }),
        new RegExp(`^Error: ${name} of the event`),
      )
    }
  }
})

test("a worker's answer is a due time or none, and nothing else", () => {
  assert.deepEqual(parsePartitionOutcome({}), { dueMs: undefined })
  assert.deepEqual(parsePartitionOutcome({ dueMs: 2 ** 60 }), { dueMs: 2 ** 60 })
  for (const answer of [null, 'done', { dueMs: null }, { dueMs: '7' }, { dueMs: -1 }]) {
    assert.throws(() => parsePartitionOutcome(answer), /^Error: the worker/)
  }
})
