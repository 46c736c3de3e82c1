import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KafkaError } from '../../../shared/base/errors.ts'

const framesOf = ({ stack = '' }: Error): number =>
  stack.split('\n').filter((line) => /^ +at /.test(line)).length

test('an error of a client notes one call, one of ours all of them, and no other error notes fewer for it', () => {
  const before = Error.stackTraceLimit
  assert.equal(framesOf(new KafkaError('BAD_REQUEST', 'wrong')), 1)
  assert.equal(framesOf(new Error('ours')), framesOf(new KafkaError('INTERNAL', 'ours')))
  assert.ok(framesOf(new Error('ours')) > 1)
  assert.equal(Error.stackTraceLimit, before)
})

test('a process that wants no calls noted gets none', (context) => {
  const before = Error.stackTraceLimit
  context.after(() => {
    Error.stackTraceLimit = before
  })
  Error.stackTraceLimit = 0
  assert.equal(framesOf(new KafkaError('BAD_REQUEST', 'wrong')), 0)
  assert.equal(Error.stackTraceLimit, 0)
})
