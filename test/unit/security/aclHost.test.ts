// An IPv6 address has many spellings and a connection shows one: a denial by another spelling would deny nobody.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBinding } from '../../../shared/security/acl.ts'

const denial = (host: string) =>
  ({
    resourceType: 'TOPIC',
    resourceName: 't',
    patternType: 'LITERAL',
    principal: 'User:a',
    host,
    operation: 'READ',
    permission: 'DENY',
  }) as const

test('the host of a binding is an address as connections show it, or refused', () => {
  for (const host of ['::1', '2001:db8::1', '10.0.0.1', '*']) checkBinding(denial(host))
  for (const host of ['0:0:0:0:0:0:0:1', '2001:DB8::1', '2001:0db8::1', ':::::', 'a:b', '1::2::3']) {
    assert.throws(() => checkBinding(denial(host)), /host/, host)
  }
  assert.throws(() => checkBinding(denial('0:0:0:0:0:0:0:1')), /is written ::1,/)
  assert.throws(() => checkBinding(denial('::ffff:1.2.3.4')), /is written 1\.2\.3\.4,/)
  assert.throws(() => checkBinding(denial('fe80::1%eth0')), /is written fe80::1,/)
})
