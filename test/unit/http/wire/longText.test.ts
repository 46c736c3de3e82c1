import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLongText } from '../../../../shared/http/wire/longText.ts'

test('a short text is a string, a long one the same text as bytes in pieces', () => {
  const short = createLongText()
  assert.equal(short.take(), '')
  short.add('é')
  assert.equal(short.length(), 1)
  assert.equal(short.take(), 'é')
  for (const count of [1000, 100_000, 1_000_000]) {
    const long = createLongText()
    for (let i = 0; i < count; i++) long.add('aé')
    const taken = long.take()
    const bytes = typeof taken === 'string' ? Buffer.from(taken) : Buffer.concat(taken)
    assert.equal(long.length(), count * 2)
    assert.ok(bytes.equals(Buffer.from('aé'.repeat(count))))
    if (typeof taken !== 'string') assert.ok(taken.every(({ length }) => length > 0 && length < 500_000))
  }
})
