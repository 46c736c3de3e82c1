import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planReset, type ResetFacts, type ResetTarget, timeOf } from '../../../shared/groups/planReset.ts'
import { kafkaError } from '../../support/logTools.ts'

const facts: ResetFacts = { start: 2, end: 10, before: 5, atTime: undefined }

const cases: readonly (readonly [ResetTarget, Partial<ResetFacts>, number])[] = [
  [{ kind: 'earliest' }, {}, 2],
  [{ kind: 'latest' }, {}, 10],
  [{ kind: 'current' }, {}, 5],
  [{ kind: 'current' }, { before: 0 }, 2],
  [{ kind: 'current' }, { before: 11 }, 10],
  [{ kind: 'current' }, { before: undefined }, 10],
  [{ kind: 'offset', offset: 7 }, {}, 7],
  [{ kind: 'offset', offset: 1 }, {}, 2],
  [{ kind: 'offset', offset: 11 }, {}, 10],
  [{ kind: 'shift', by: 2 }, {}, 7],
  [{ kind: 'shift', by: -2 }, {}, 3],
  [{ kind: 'shift', by: 10 }, {}, 10],
  [{ kind: 'shift', by: -10 }, {}, 2],
  [{ kind: 'timestamp', timestamp: 1 }, { atTime: 6 }, 6],
  [{ kind: 'timestamp', timestamp: 1 }, { atTime: 1 }, 2],
  [{ kind: 'timestamp', timestamp: 1 }, {}, 10],
  [{ kind: 'duration', durationMs: 1 }, { atTime: 4 }, 4],
  [{ kind: 'duration', durationMs: 1 }, {}, 10],
]

for (const [target, known, after] of cases) {
  test(`${JSON.stringify(target)} with ${JSON.stringify(known)} is ${after}`, () => {
    assert.equal(planReset(target, { ...facts, ...known }), after)
  })
}

test('what was never committed cannot be shifted', () => {
  assert.throws(
    () => planReset({ kind: 'shift', by: 1 }, { ...facts, before: undefined }),
    kafkaError('INVALID_REQUEST'),
  )
})

test('a duration is counted from now, and no further than to 1970', () => {
  assert.equal(timeOf({ kind: 'duration', durationMs: 40 }, 100), 60)
  assert.equal(timeOf({ kind: 'duration', durationMs: 400 }, 100), 0)
  assert.equal(timeOf({ kind: 'timestamp', timestamp: 7 }, 100), 7)
  assert.equal(timeOf({ kind: 'earliest' }, 100), undefined)
})
