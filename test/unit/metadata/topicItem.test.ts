import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTopicItem, topicAttributes } from '../../../shared/metadata/topicItem.ts'

const topic = {
  name: 'orders',
  topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
  partitionCount: 3,
  overrides: { 'cleanup.policy': 'compact' },
  version: 2,
}
const key = { pk: 't/topics', sk: 'orders' }

test('a topic item is read as it was written', () => {
  assert.deepEqual(parseTopicItem({ key, attributes: topicAttributes(topic) }), topic)
})

test('a topic item that lacks an attribute is refused', () => {
  for (const name of Object.keys(topicAttributes(topic))) {
    const attributes = { ...topicAttributes(topic) }
    delete attributes[name]
    assert.throws(() => parseTopicItem({ key, attributes }), /a topic item has/, name)
  }
})
