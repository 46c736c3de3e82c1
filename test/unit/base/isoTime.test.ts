import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatIsoInstant, parseIsoInstant } from '../../../shared/base/isoTime.ts'

const firstMs = Date.parse('0000-01-01T00:00:00Z')
const lastMs = Date.parse('9999-12-31T23:59:59.999Z')

test('every instant of the years 0000 to 9999 is written and read as Date does', () => {
  fc.assert(
    fc.property(fc.integer({ min: firstMs, max: lastMs }), (timestamp) => {
      const iso = new Date(timestamp).toISOString()
      assert.equal(formatIsoInstant(timestamp), iso.replace('.000Z', 'Z'))
      assert.equal(parseIsoInstant(iso), timestamp)
    }),
    { numRuns: 2000 },
  )
})

test('offsets from UTC, missing seconds and long fractions are understood', () => {
  assert.equal(parseIsoInstant('2000-01-23T04:56:07.000+00:00'), Date.UTC(2000, 0, 23, 4, 56, 7))
  assert.equal(parseIsoInstant('2000-01-23T04:56:07+02:30'), Date.UTC(2000, 0, 23, 2, 26, 7))
  assert.equal(parseIsoInstant('2000-01-23T04:56-0130'), Date.UTC(2000, 0, 23, 6, 26))
  assert.equal(parseIsoInstant('2021-02-05t19:14:42.123456789z'), Date.UTC(2021, 1, 5, 19, 14, 42, 123))
  assert.equal(parseIsoInstant('2024-02-29T00:00:00.5Z'), Date.UTC(2024, 1, 29, 0, 0, 0, 500))
})

test('what is no instant is not taken for one', () => {
  const wrong = [
    '',
    '2021-02-05',
    '2021-02-05T19:14:42',
    '2021-02-05 19:14:42Z',
    '2021-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2021-04-31T00:00:00Z',
    '2021-00-01T00:00:00Z',
    '2021-13-01T00:00:00Z',
    '2021-01-01T24:00:00Z',
    '2021-01-01T00:60:00Z',
    '2021-01-01T00:00:60Z',
    '2021-01-01T00:00:00+19:00',
    ' 2021-01-01T00:00:00Z',
    '٢021-01-01T00:00:00Z',
    '1612552482000',
  ]
  for (const text of wrong) assert.equal(parseIsoInstant(text), undefined, text)
})
