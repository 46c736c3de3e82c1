// A commit of as many partitions as an item holds stays within what DynamoDB takes: 4 KB an expression, 300 operators.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  assumeCommit,
  type BlockCommit,
  decideCommit,
  decideRemoval,
  decideTakeOver,
} from '../../../shared/groups/planOffsetCommit.ts'
import {
  noOffsets,
  partitionsPerOffsetsItem,
  type StoredOffsets,
} from '../../../shared/metadata/offsetsItem.ts'
import type { Action, Condition } from '../../../shared/ports/table.ts'
import { compileWrite } from '../../../shared/storage/aws/expressions.ts'

const expressionBytesMax = 4096
const operatorsMax = 300
/** Of a topic with the most partitions: the longest names of attributes. */
const first = 1472
const partitions = Array.from({ length: partitionsPerOffsetsItem }, (_, i) => first + i)
const stored = { leaderEpoch: 7, commitTimestamp: 1_700_000_000_000, metadata: 'm' }

const seen: StoredOffsets = {
  topicName: 't',
  version: 3,
  epochFloor: 2,
  fences: new Map(partitions.map((partition) => [partition, 8])),
  offsets: new Map(partitions.map((partition) => [partition, { offset: 50, ...stored }])),
}

const commitOf = (isMember: boolean, offset: number): BlockCommit => ({
  topicName: 't',
  fence: 10,
  isMember,
  nowMs: stored.commitTimestamp,
  offsets: partitions.map((partition) => ({ partition, offset, leaderEpoch: 7, metadata: 'm' })),
})

const plans: Readonly<
  Record<string, { readonly actions: readonly Action[]; readonly when: readonly Condition[] }>
> = {
  assumed: assumeCommit(commitOf(true, Number.MAX_SAFE_INTEGER)),
  'decided, forward': decideCommit(commitOf(true, 60), seen, true),
  'decided, first': decideCommit(commitOf(true, 60), noOffsets, true),
  'decided, back': decideCommit(commitOf(true, 40), seen, true),
  'without a member': decideCommit(commitOf(false, 40), seen, true),
  removal: decideRemoval(partitions, seen, 10),
  'take-over': decideTakeOver(partitions, seen, 't', 10),
}

for (const [name, { actions, when }] of Object.entries(plans)) {
  test(`${name}: 64 partitions fit DynamoDB's expressions`, () => {
    const { ConditionExpression = '', UpdateExpression = '' } = compileWrite(when, actions)
    assert.ok(ConditionExpression !== '' && UpdateExpression.length > 500)
    for (const expression of [ConditionExpression, UpdateExpression]) {
      assert.ok(expression.length <= expressionBytesMax, `${expression.length} bytes`)
      const operators = expression.match(/<>|<=|>=|[<>=+]|\bAND\b|\w+\(/g) ?? []
      assert.ok(operators.length <= operatorsMax, `${operators.length} operators`)
    }
  })
}

test('a commit that goes back is refused after a lost answer, and the others are made', () => {
  const { offsets: all, ...commit } = commitOf(true, 60)
  const offsets = all.map((one, i) => (i === 0 ? { ...one, offset: 40 } : one))
  const plan = decideCommit({ ...commit, offsets }, seen, false)
  assert.deepEqual([plan.held, plan.fenced], [[first], []])
  assert.deepEqual(plan.partitions, partitions.slice(1))
})

test('who was overtaken is fenced, and nothing of it is written', () => {
  const fences = new Map(seen.fences).set(first, 11)
  const plan = decideCommit(commitOf(true, 60), { ...seen, fences }, true)
  assert.deepEqual(plan.fenced, [first])
  assert.deepEqual(plan.partitions, partitions.slice(1))
  assert.ok(!plan.actions.some(({ attribute }) => attribute.endsWith(String(first))))
  const takeOver = decideTakeOver(partitions, { ...seen, fences }, 't', 10)
  assert.deepEqual([takeOver.fenced, takeOver.partitions], [[first], partitions.slice(1)])
})

test('a fence never goes down, also where who is no member writes', () => {
  const fences = new Map([[first, 99]])
  const { actions } = decideCommit(commitOf(false, 60), { ...seen, fences }, true)
  const fence = actions.find(({ attribute }) => attribute === `f${first}`)
  assert.deepEqual(fence, { kind: 'set', attribute: `f${first}`, value: 99 })
})
