// Subscriptions by pattern are matched against every topic of a tenant, in a process that others share: what one
// pattern and one group may cost is bounded.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noGroup } from '../../../shared/groups/decide.ts'
import { topicPattern } from '../../../shared/groups/regex.ts'
import type { StoredGroup } from '../../../shared/metadata/groupState.ts'
import { decideOne, factsOf, heartbeat, joinRequest } from '../../support/groupTools.ts'
import { kafkaError } from '../../support/logTools.ts'

const facts = factsOf({ t: 4 }, 1_000_000)
const join = (group: StoredGroup, memberId: string, pattern: string): StoredGroup =>
  decideOne(group, joinRequest(memberId, { subscribedTopicRegex: pattern }), facts).group

test('a pattern of few characters that comes to many steps is refused', () => {
  assert.throws(() => topicPattern('\\PL{1000}'.repeat(20)), kafkaError('INVALID_REGULAR_EXPRESSION'))
  assert.throws(() => topicPattern('(?i)[^a]{999}'.repeat(9)), kafkaError('INVALID_REGULAR_EXPRESSION'))
})

test('every name that a topic may have, and a choice of many, are patterns', () => {
  assert.ok(topicPattern('x'.repeat(249))('x'.repeat(249)))
  assert.ok(topicPattern('[a-zA-Z0-9._-]{1,249}')('orders'))
  const names = Array.from({ length: 90 }, (_, i) => `topic-${i}`)
  assert.ok(topicPattern(names.join('|'))('topic-89'))
})

test('the members of a group subscribe by ten patterns together, however many they are', () => {
  let group = noGroup
  for (let i = 0; i < 30; i++) group = join(group, `m${i}`, `t|${i % 10}`)
  assert.throws(() => join(group, 'late', 't|10'), kafkaError('GROUP_MAX_SIZE_REACHED'))
  assert.equal(join(group, 'late', 't|3').members.size, 31)
  const changed = heartbeat('m0', group.members.get('m0')?.memberEpoch ?? 0, { subscribedTopicRegex: 't|11' })
  assert.throws(() => decideOne(group, changed, facts), kafkaError('GROUP_MAX_SIZE_REACHED'))
})

test('whoever is alone with its pattern may take another', () => {
  let group = noGroup
  for (let i = 0; i < 10; i++) group = join(group, `m${i}`, `t|${i}`)
  assert.equal(join(group, 'm3', 't|11').members.get('m3')?.subscribedTopicRegex, 't|11')
})
