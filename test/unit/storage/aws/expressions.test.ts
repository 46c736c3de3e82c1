import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileKeyCondition, compileWrite } from '../../../../shared/storage/aws/expressions.ts'

test('every condition has its expression', () => {
  const bytes = Uint8Array.of(1)
  assert.deepEqual(
    compileWrite([
      { kind: 'itemExists' },
      { kind: 'itemAbsent' },
      { kind: 'exists', attribute: 'a' },
      { kind: 'absent', attribute: 'b' },
      { kind: 'equals', attribute: 'a', value: 'x' },
      { kind: 'beginsWith', attribute: 'c', value: bytes },
      { kind: 'below', attribute: 'd', value: 4 },
      { kind: 'atLeast', attribute: 'd', value: -4 },
      { kind: 'firstEquals', attribute: 'e', value: 5 },
      { kind: 'lengthBelow', attribute: 'e', value: 6 },
    ]),
    {
      ConditionExpression:
        'attribute_exists(pk) AND attribute_not_exists(pk) AND attribute_exists(#a0) AND ' +
        'attribute_not_exists(#a1) AND #a0 = :v0 AND begins_with(#a2, :v1) AND #a3 < :v2 AND ' +
        '#a3 >= :v3 AND #a4[0] = :v4 AND size(#a4) < :v5',
      ExpressionAttributeNames: { '#a0': 'a', '#a1': 'b', '#a2': 'c', '#a3': 'd', '#a4': 'e' },
      ExpressionAttributeValues: {
        ':v0': { S: 'x' },
        ':v1': { B: bytes },
        ':v2': { N: '4' },
        ':v3': { N: '-4' },
        ':v4': { N: '5' },
        ':v5': { N: '6' },
      },
    },
  )
})

test('every action has its clause', () => {
  assert.deepEqual(
    compileWrite(
      [],
      [
        { kind: 'remove', attribute: 'gone' },
        { kind: 'set', attribute: 'name', value: ['x', 1] },
        { kind: 'add', attribute: 'next.p3', value: 3 },
        { kind: 'add', attribute: 'next.p7', value: 40 },
        { kind: 'append', attribute: 'tail', values: [Uint8Array.of(7)] },
        { kind: 'removeFirst', attribute: 'old', count: 3 },
      ],
    ),
    {
      UpdateExpression:
        'SET #a1 = :v0, #a2 = if_not_exists(#a2, :zero) + :v2, #a3 = if_not_exists(#a3, :zero) + :v3, ' +
        '#a4 = list_append(if_not_exists(#a4, :empty), :v5) REMOVE #a0, #a5[2], #a5[1], #a5[0]',
      ExpressionAttributeNames: {
        '#a0': 'gone',
        '#a1': 'name',
        '#a2': 'next.p3',
        '#a3': 'next.p7',
        '#a4': 'tail',
        '#a5': 'old',
      },
      ExpressionAttributeValues: {
        ':v0': { L: [{ S: 'x' }, { N: '1' }] },
        ':zero': { N: '0' },
        ':v2': { N: '3' },
        ':v3': { N: '40' },
        ':empty': { L: [] },
        ':v5': { L: [{ B: Uint8Array.of(7) }] },
      },
    },
  )
})

test('a condition and an action on one attribute share its name', () => {
  assert.deepEqual(
    compileWrite(
      [{ kind: 'lengthBelow', attribute: 'tail', value: 16 }],
      [{ kind: 'append', attribute: 'tail', values: ['e'] }],
    ),
    {
      ConditionExpression: 'size(#a0) < :v0',
      UpdateExpression: 'SET #a0 = list_append(if_not_exists(#a0, :empty), :v2)',
      ExpressionAttributeNames: { '#a0': 'tail' },
      ExpressionAttributeValues: { ':v0': { N: '16' }, ':empty': { L: [] }, ':v2': { L: [{ S: 'e' }] } },
    },
  )
})

test('what is not needed is left out, since DynamoDB refuses empty expressions and maps', () => {
  assert.deepEqual(compileWrite(), {})
  assert.deepEqual(compileWrite([{ kind: 'itemAbsent' }]), {
    ConditionExpression: 'attribute_not_exists(pk)',
  })
  assert.deepEqual(compileWrite([], [{ kind: 'remove', attribute: 'a' }]), {
    UpdateExpression: 'REMOVE #a0',
    ExpressionAttributeNames: { '#a0': 'a' },
  })
})

test('a query names its pk, and its prefix or bounds where they are not empty', () => {
  const expressionOf = (query: object) =>
    compileKeyCondition({ pk: 'p', limit: 1, ...query }).KeyConditionExpression
  assert.equal(expressionOf({}), 'pk = :pk')
  assert.equal(expressionOf({ prefix: '', from: '' }), 'pk = :pk')
  assert.equal(expressionOf({ prefix: 'a' }), 'pk = :pk AND begins_with(sk, :prefix)')
  assert.equal(expressionOf({ from: 'a' }), 'pk = :pk AND sk >= :from')
  assert.equal(expressionOf({ to: 'b' }), 'pk = :pk AND sk <= :to')
  assert.deepEqual(compileKeyCondition({ pk: 'p', limit: 1, from: 'a', to: 'b' }), {
    KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
    ExpressionAttributeValues: { ':pk': { S: 'p' }, ':from': { S: 'a' }, ':to': { S: 'b' } },
  })
})
