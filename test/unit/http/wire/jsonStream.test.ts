import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KafkaError } from '../../../../shared/base/errors.ts'
import { createObjectSplitter } from '../../../../shared/http/wire/jsonStream.ts'

const limits = { objectBytesMax: 1 << 20, depthMax: 100 }

interface Cut {
  readonly objects: readonly { readonly position: number; readonly text: string }[]
  readonly refusal: string | undefined
}

function cut(chunks: readonly Uint8Array[], bounds = limits): Cut {
  const splitter = createObjectSplitter(bounds)
  const objects: { position: number; text: string }[] = []
  try {
    for (const chunk of chunks) {
      for (const object of splitter.push(chunk)) {
        const text =
          object.kind === 'object' ? Buffer.from(object.bytes).toString() : `oversize ${object.size}`
        objects.push({ position: object.position, text })
      }
    }
    splitter.end()
  } catch (error) {
    assert(error instanceof KafkaError && error.code === 'BAD_REQUEST')
    return { objects, refusal: error.message }
  }
  return { objects, refusal: undefined }
}

const whole = (text: string, bounds = limits): Cut => cut([Buffer.from(text)], bounds)

const split = (bytes: Uint8Array, at: readonly number[]): readonly Uint8Array[] => {
  const bounds = [0, ...at.map((part) => part % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return bounds.slice(1).map((end, index) => bytes.subarray(bounds[index], end))
}

test('concatenated objects come out one by one, wherever the chunks are split', () => {
  const object = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 3 }))
  const space = fc.constantFrom('', ' ', '\n', '\r\n\t')
  fc.assert(
    fc.property(
      fc.array(fc.tuple(object, space)),
      fc.array(fc.nat()),
      fc.constantFrom(0, 2),
      (parts, at, indent) => {
        const texts = parts.map(([value]) => JSON.stringify(value, undefined, indent))
        const bytes = Buffer.from(parts.map(([, before], index) => `${before}${texts[index]}`).join(''))
        const { objects, refusal } = cut(split(bytes, at))
        assert.equal(refusal, undefined)
        assert.deepEqual(
          objects.map(({ text }) => text),
          texts,
        )
        for (const { position, text } of objects) {
          assert.equal(bytes.subarray(position, position + Buffer.byteLength(text)).toString(), text)
        }
      },
    ),
  )
})

test('any bytes at all are cut the same way whole and byte by byte', () => {
  const piece = fc.constantFrom('{', '}', '[', ']', '"', '\\', ' ', 'a', ',', ':', '1', 'é')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const bytes = Buffer.from(pieces.join(''))
      const bounds = { objectBytesMax: 8, depthMax: 3 }
      const single = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1))
      assert.deepEqual(cut(single, bounds), cut([bytes], bounds))
    }),
  )
})

test('what is no object is refused with its byte position and the number of records before it', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['{"é":1} x', 'malformed JSON at byte 9: an object was expected, after 1 records'],
    ['{}{}  [{}]', 'malformed JSON at byte 6: records are concatenated, not an array, after 2 records'],
    ['{},{}', 'malformed JSON at byte 2: an object was expected, after 1 records'],
    ['{} {"a":1', 'malformed JSON at byte 3: the object that begins there does not end, after 1 records'],
    ['{"a":"}', 'malformed JSON at byte 0: the object that begins there does not end, after 0 records'],
  ]
  for (const [text, refusal] of cases) assert.equal(whole(text).refusal, refusal)
})

test('an object nested too deep is refused, one as deep as allowed is not', () => {
  const nested = (depth: number): string => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`
  assert.equal(whole(nested(100)).refusal, undefined)
  assert.match(whole(nested(101)).refusal ?? '', /nested deeper than 100/)
})

test('an oversize object is skipped and named, and the next one comes out', () => {
  const bounds = { objectBytesMax: 10, depthMax: 10 }
  assert.deepEqual(whole('{"a":"0123456789"} {"b":1}', bounds).objects, [
    { position: 0, text: 'oversize 18' },
    { position: 19, text: '{"b":1}' },
  ])
})

test('of an oversize object no more than the bound is held', () => {
  const splitter = createObjectSplitter({ objectBytesMax: 100, depthMax: 10 })
  const push = (text: string) => [...splitter.push(Buffer.from(text))]
  push('{"a":"')
  for (let index = 0; index < 1000; index++) {
    push('0123456789')
    assert(splitter.heldBytes() <= 100)
  }
  assert.deepEqual(push('"}'), [{ kind: 'oversize', position: 0, size: 10_008 }])
  assert.equal(splitter.isInsideObject(), false)
})
