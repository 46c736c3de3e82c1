// Kafka's rules for topic names, with the names that its own tests call valid and invalid.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KafkaError } from '../../../shared/base/errors.ts'
import { checkTopicName, collisionKey } from '../../../shared/topics/names.ts'

function refusal(name: string): string {
  try {
    checkTopicName(name)
  } catch (error) {
    assert.ok(error instanceof KafkaError)
    assert.equal(error.code, 'INVALID_TOPIC_EXCEPTION')
    return error.message
  }
  return 'allowed'
}

test('names of letters, digits, dots, underscores and hyphens are allowed', () => {
  for (const name of ['valid', 'TOPIC', 'nAmEs', 'ar6', 'VaL1d', '_0-9_.', '...', 'a'.repeat(249)]) {
    assert.equal(refusal(name), 'allowed', name)
  }
})

test('a refusal says what is wrong with the name', () => {
  assert.equal(refusal(''), 'Topic name is invalid: it is empty')
  assert.equal(refusal('.'), 'Topic name is invalid: "." is not allowed')
  assert.equal(refusal('..'), 'Topic name is invalid: ".." is not allowed')
  assert.equal(refusal('a'.repeat(250)), 'Topic name is invalid: it has 250 characters and 249 are allowed')
  assert.match(refusal('foo bar'), /" " at position 3 is none of/)
  assert.match(refusal('näme'), /"ä" at position 1/)
})

test('every other character of ASCII and beyond is refused', () => {
  const characters = [
    '/',
    '\\',
    ',',
    '\0',
    ':',
    '"',
    "'",
    ';',
    '*',
    '?',
    ' ',
    '\t',
    '\r',
    '\n',
    '=',
    'é',
    '١',
  ]
  for (const character of characters)
    assert.match(refusal(`Is${character}Illegal`), /at position 2/, character)
})

test('a character outside the basic plane, whole or cut in half, is shown and not broken', () => {
  assert.match(refusal('a😀'), /"😀" at position 1/)
  assert.match(refusal('a\ud83d'), /"\\ud83d" at position 1/)
})

test('names that differ only in dots and underscores have the same collision key', () => {
  assert.equal(collisionKey('a.b_c'), collisionKey('a_b.c'))
  assert.equal(collisionKey('a.b.c'), 'a_b_c')
  assert.notEqual(collisionKey('a-b'), collisionKey('a_b'))
})
