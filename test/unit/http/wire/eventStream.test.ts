import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import {
  heartbeat,
  parseOffsetCursor,
  parseTopicCursor,
  renderEvent,
  renderTopicCursor,
} from '../../../../shared/http/wire/eventStream.ts'

test('events are read back by an independent parser, heartbeats are not events', () => {
  const events: unknown[] = []
  const parser = createParser({ onEvent: ({ id, data }) => events.push([id, data]) })
  parser.feed(renderEvent('7', '{"a":1}') + heartbeat + renderEvent('8', '"x"'))
  assert.deepEqual(events, [
    ['7', '{"a":1}'],
    ['8', '"x"'],
  ])
})

test('the cursor of a topic reads back as it was written', () => {
  const positions = fc.uniqueArray(fc.tuple(fc.nat(), fc.maxSafeNat()), {
    minLength: 1,
    selector: ([p]) => p,
  })
  fc.assert(
    fc.property(positions, (pairs) => {
      const cursor = new Map(pairs)
      assert.deepEqual(parseTopicCursor(renderTopicCursor(cursor)), cursor)
    }),
  )
})

test('a cursor that this service never gave out is refused', () => {
  for (const cursor of [
    '',
    '1',
    '1:',
    ':1',
    '1:2:3',
    '1:2,',
    '1:2,1:3',
    '01:2',
    '1:-2',
    '1: 2',
    '1:1e3',
    '1:99999999999999999',
  ]) {
    assert.throws(() => parseTopicCursor(cursor), /Last-Event-ID/, cursor)
  }
  for (const cursor of ['', '-1', '1.5', '1:2', '0x1', '9007199254740993']) {
    assert.throws(() => parseOffsetCursor(cursor), /Last-Event-ID/, cursor)
  }
  assert.equal(parseOffsetCursor('41'), 42)
})
