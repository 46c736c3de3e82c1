// Kafka's documented rules for subjects of client certificates, and those of its SslPrincipalMapper's tests.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePrincipalMapping } from '../../../shared/security/principalMapping.ts'

test('the rules of Kafka’s documentation map its subjects', () => {
  const map = parsePrincipalMapping(
    [
      'RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/',
      'RULE:^CN=(.*?),OU=(.*?),O=(.*?),L=(.*?),ST=(.*?),C=(.*?)$/$1@$2/L',
      'RULE:^.*[Cc][Nn]=([a-zA-Z0-9.]*).*$/$1/U',
      'DEFAULT',
    ].join(', '),
  )
  const subjects = {
    'CN=serviceuser,OU=ServiceUsers,O=Unknown,L=Unknown,ST=Unknown,C=Unknown': 'serviceuser',
    'CN=adminUser,OU=Admin,O=Unknown,L=Unknown,ST=Unknown,C=Unknown': 'adminuser@admin',
    'cn=duke,ou=JavaSoft,o=Sun Microsystems,c=US': 'DUKE',
    'OU=JavaSoft,O=Sun Microsystems,C=US': 'OU=JavaSoft,O=Sun Microsystems,C=US',
  }
  for (const [subject, name] of Object.entries(subjects)) assert.equal(map(subject), name, subject)
})

test('without DEFAULT what no rule takes has no name, and a pattern matches the whole subject', () => {
  const map = parsePrincipalMapping('RULE:CN=(\\w+)/$1/')
  assert.equal(map('CN=alice'), 'alice')
  assert.equal(map('CN=alice,OU=x'), undefined)
  assert.equal(map('XCN=alice'), undefined)
})

test('rules that cannot be read are refused', () => {
  for (const rules of [
    '',
    'DEFAULT,',
    'default',
    'RULE:a/b',
    'RULE:a/b/X',
    'RULE:(/b/',
    'RULE:a/b/L DEFAULT',
  ]) {
    assert.throws(() => parsePrincipalMapping(rules), /cannot be read/, rules)
  }
})
