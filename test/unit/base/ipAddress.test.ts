// Whatever an address is spelled like, there is one that a connection shows.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalAddress } from '../../../shared/base/ipAddress.ts'

test('every spelling of an address has one and the same', () => {
  const spellings = {
    '::1': ['0:0:0:0:0:0:0:1', '0000::0001', '::0.0.0.1'],
    '2001:db8::1': ['2001:DB8::1', '2001:0db8:0:0::1'],
    'fe80::1': ['fe80::1%eth0', 'FE80::1%2'],
    '1.2.3.4': ['::ffff:1.2.3.4', '::FFFF:102:304', '0:0:0:0:0:ffff:1.2.3.4'],
  }
  for (const [canonical, others] of Object.entries(spellings)) {
    for (const text of [canonical, ...others]) assert.equal(canonicalAddress(text), canonical, text)
  }
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const canonical = canonicalAddress(text)
      return canonical !== undefined && canonicalAddress(canonical) === canonical
    }),
  )
})

test('what is no address has none', () => {
  for (const text of [
    '',
    '*',
    ':::::',
    '1::2::3',
    'a:b',
    '1.2.3',
    '1.2.3.256',
    '01.2.3.4',
    '[::1]',
    ' ::1',
    '::1/64',
  ]) {
    assert.equal(canonicalAddress(text), undefined, text)
  }
})
