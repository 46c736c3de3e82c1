import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KafkaError } from '../../../../shared/base/errors.ts'
import { compactJson, elementSpans, memberSpans, parseJson } from '../../../../shared/http/wire/json.ts'

const compact = (text: string): string => compactJson(text, { start: 0, end: text.length })
const member = (text: string, name: string): string | undefined => {
  const span = memberSpans(text, 0).get(name)
  return span && compactJson(text, span)
}

test('a value keeps its numbers, escapes and order, and loses white space between tokens', () => {
  const text =
    '{ "b" : 12345678901234567890 ,\n"2":1.0,\t"1": -0e5 , "s": "a \\" \\\\ b\\u0041 \\/" , "s":[ ] }'
  assert.equal(
    compact(text),
    '{"b":12345678901234567890,"2":1.0,"1":-0e5,"s":"a \\" \\\\ b\\u0041 \\/","s":[]}',
  )
})

test('compacting any JSON, however it is spaced, gives what JSON.stringify gives', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(1, 2, '\t', ' \n '), (value, space) => {
      // Through text once: 1e21 and -0 are written the same way on both sides then.
      const once = JSON.stringify(JSON.parse(JSON.stringify(value)))
      assert.equal(compact(JSON.stringify(JSON.parse(once), undefined, space)), once)
    }),
  )
})

test('the members of any object and the elements of any array are cut out exactly', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(undefined, 2), (value, space) => {
      const text = ` ${JSON.stringify(value, undefined, space)} `
      const parsed = JSON.parse(text)
      const spans = memberSpans(text, 0)
      assert.deepEqual([...spans.keys()].sort(), Object.keys(parsed).sort())
      for (const [name, span] of spans) {
        assert.deepEqual(JSON.parse(text.slice(span.start, span.end)), parsed[name])
      }
      const list = JSON.stringify(Object.values(value), undefined, space)
      const elements = elementSpans(list, 0).map(({ start, end }) => JSON.parse(list.slice(start, end)))
      assert.deepEqual(elements, JSON.parse(list))
    }),
  )
})

test('of a name that comes twice the last value counts, also when one is escaped', () => {
  assert.equal(member('{"a":1,"\\u0061":2}', 'a'), '2')
  assert.equal(member('{"__proto__":{"a":1}}', '__proto__'), '{"a":1}')
})

test('nesting of any depth is cut without recursion', () => {
  const deep = `${'['.repeat(200_000)} ${']'.repeat(200_000)}`
  assert.equal(member(`{"a":${deep}}`, 'a'), deep.replace(' ', ''))
})

test('text that is not UTF-8 and text that is not JSON are refused without showing it', () => {
  for (const bytes of [Buffer.from([0x22, 0xff, 0x22]), Buffer.from('{"secret":}'), Buffer.from('')]) {
    assert.throws(
      () => parseJson(bytes, 'at byte 7'),
      (error) =>
        error instanceof KafkaError &&
        error.code === 'BAD_REQUEST' &&
        error.message === 'malformed JSON at byte 7',
    )
  }
})
