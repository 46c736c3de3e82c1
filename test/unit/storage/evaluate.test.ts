import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Action, Attributes, Condition } from '../../../shared/ports/table.ts'
import { decideTransaction, decideWrite } from '../../../shared/storage/evaluate.ts'

const key = { pk: 'p', sk: 's' }

const update = (current: Attributes | undefined, ...actions: Action[]) =>
  decideWrite(current, { kind: 'update', key, actions })

test('every action sees the item as it was before, and leaves it as it was', () => {
  const current = Object.freeze({ a: 1, tail: Object.freeze(['x', 'y']) })
  const decision = update(
    current,
    { kind: 'add', attribute: 'a', value: 2 },
    { kind: 'removeFirst', attribute: 'tail', count: 1 },
    { kind: 'append', attribute: 'other', values: ['z'] },
  )
  const next = { a: 3, tail: ['y'], other: ['z'] }
  assert.deepEqual(decision, { kind: 'apply', key, next, updated: next, bytes: 6 + 3 + 9 + 10 })
  assert.deepEqual(current, { a: 1, tail: ['x', 'y'] })
})

test('what a decision hands out cannot be changed', () => {
  const decision = update({}, { kind: 'append', attribute: 'tail', values: ['x'] })
  assert.ok(decision.kind === 'apply' && decision.next !== undefined)
  assert.ok(Object.isFrozen(decision.next) && Object.isFrozen(decision.next.tail))
  assert.ok(Object.isFrozen(decision.updated))
})

test('conditions are all looked at before any action', () => {
  const when: Condition[] = [{ kind: 'itemExists' }, { kind: 'below', attribute: 'a', value: 1 }]
  const actions: Action[] = [{ kind: 'append', attribute: 'a', values: ['x'] }]
  assert.deepEqual(decideWrite({ a: 1 }, { kind: 'update', key, actions, when }), { kind: 'refuse' })
})

test('a list condition on a value that is no list is a mistake', () => {
  const conditions: Condition[] = [
    { kind: 'firstEquals', attribute: 'a', value: 1 },
    { kind: 'lengthBelow', attribute: 'a', value: 1 },
  ]
  for (const condition of conditions) {
    const write = { kind: 'delete', key, when: [condition] } as const
    assert.throws(() => decideWrite({ a: 'text' }, write), /a is a list/)
  }
})

test('a sum that is no safe integer is a mistake', () => {
  const add: Action = { kind: 'add', attribute: 'a', value: 1 }
  assert.throws(() => update({ a: Number.MAX_SAFE_INTEGER }, add), /safe integers/)
})

test('a check keeps the very item that it was given', () => {
  const current = { a: 1 }
  const decision = decideWrite(current, { kind: 'check', key, when: [{ kind: 'itemExists' }] })
  assert.ok(decision.kind === 'apply')
  assert.equal(decision.next, current)
})

test('a transaction refuses with every index whose condition is false', () => {
  const other = { pk: 'p', sk: 't' }
  const when: Condition[] = [{ kind: 'itemExists' }]
  const writes = [
    { kind: 'delete', key, when },
    { kind: 'delete', key: other, when },
  ] as const
  assert.deepEqual(decideTransaction(writes, [undefined, {}]), { kind: 'refuse', failed: [0] })
  assert.deepEqual(decideTransaction(writes, [undefined, undefined]), { kind: 'refuse', failed: [0, 1] })
  const decision = decideTransaction(writes, [{}, {}])
  assert.deepEqual(decision.kind === 'apply' && decision.applied.map(({ next }) => next), [
    undefined,
    undefined,
  ])
})

test('keys that would look alike when joined are different keys of a transaction', () => {
  const writes = [
    { kind: 'put', key: { pk: 'a', sk: 'b c' }, attributes: {} },
    { kind: 'put', key: { pk: 'a b', sk: 'c' }, attributes: {} },
  ] as const
  assert.equal(decideTransaction(writes, [undefined, undefined]).kind, 'apply')
})
