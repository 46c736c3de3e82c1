// Kafka's rules of access control, case by case, and what bindings and filters may say.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KafkaError } from '../../../shared/base/errors.ts'
import {
  type AclBinding,
  type AskedOperation,
  aclOperations,
  checkBinding,
  decide,
  indexAcls,
  isAllowedSomewhere,
  matchesFilter,
  type ResourceType,
} from '../../../shared/security/acl.ts'

const base: AclBinding = {
  resourceType: 'TOPIC',
  resourceName: 'orders',
  patternType: 'LITERAL',
  principal: 'User:alice',
  host: '*',
  operation: 'READ',
  permission: 'ALLOW',
}
const acl = (changes: Partial<AclBinding> = {}): AclBinding => ({ ...base, ...changes })
const deny = (changes: Partial<AclBinding> = {}): AclBinding => acl({ ...changes, permission: 'DENY' })

interface Question {
  readonly principal?: string
  readonly host?: string
  readonly operation?: AskedOperation
  readonly type?: ResourceType
  readonly name?: string
}

const isAllowed = (...asked: Parameters<typeof decide>): boolean => decide(...asked)?.permission === 'ALLOW'

/** Answers what decided. */
function asks(bindings: readonly AclBinding[], question: Question = {}): AclBinding | undefined {
  const {
    principal = 'User:alice',
    host = '10.0.0.1',
    operation = 'READ',
    type = 'TOPIC',
    name = 'orders',
  } = question
  return decide(indexAcls(bindings), { principals: [principal], host }, operation, { type, name })
}

/** Last: which of the bindings decides; undefined: none, and the answer is no. */
const cases: readonly (readonly [string, readonly AclBinding[], Question, number | undefined])[] = [
  ['nothing matches', [], {}, undefined],
  ['an allowance', [acl()], {}, 0],
  ['another principal', [acl()], { principal: 'User:bob' }, undefined],
  ['another case of the principal type', [acl()], { principal: 'user:alice' }, undefined],
  ['everybody', [acl({ principal: 'User:*' })], { principal: 'User:bob' }, 0],
  ['another topic', [acl()], { name: 'orders2' }, undefined],
  ['another type of resource', [acl()], { type: 'GROUP' }, undefined],
  ['another operation', [acl()], { operation: 'WRITE' }, undefined],
  ['all operations', [acl({ operation: 'ALL' })], { operation: 'DELETE' }, 0],
  ['its host', [acl({ host: '10.0.0.1' })], {}, 0],
  ['another host', [acl({ host: '10.0.0.2' })], {}, undefined],
  ['every topic', [acl({ resourceName: '*' })], { name: 'anything' }, 0],
  ['a prefix', [acl({ resourceName: 'ord', patternType: 'PREFIXED' })], {}, 0],
  ['a prefix that is the name', [acl({ patternType: 'PREFIXED' })], {}, 0],
  ['another prefix', [acl({ resourceName: 'pay', patternType: 'PREFIXED' })], {}, undefined],
  ['a literal that looks like a prefix', [acl({ resourceName: 'ord' })], {}, undefined],
  ['a denial beside an allowance', [acl(), deny()], {}, 1],
  [
    'a wide denial beside a close allowance',
    [acl(), deny({ resourceName: '*', principal: 'User:*' })],
    {},
    1,
  ],
  [
    'a prefixed denial beside a literal allowance',
    [acl(), deny({ resourceName: 'o', patternType: 'PREFIXED' })],
    {},
    1,
  ],
  ['a denial of all operations', [acl(), deny({ operation: 'ALL' })], {}, 1],
  ['a denial for another host', [acl(), deny({ host: '10.0.0.2' })], {}, 0],
  ['a denial for somebody else', [acl(), deny({ principal: 'User:bob' })], {}, 0],
  ['a denial of something else', [acl(), deny({ operation: 'WRITE' })], {}, 0],
  [
    'the closest of several allowances',
    [
      acl({ resourceName: 'o', patternType: 'PREFIXED' }),
      acl({ resourceName: '*', operation: 'ALL' }),
      acl({ principal: 'User:*' }),
    ],
    {},
    2,
  ],
  [
    'a wildcard before a prefix',
    [acl({ resourceName: 'o', patternType: 'PREFIXED' }), acl({ resourceName: '*' })],
    {},
    1,
  ],
  ['an allowance that implies what is asked', [acl({ operation: 'WRITE' })], { operation: 'DESCRIBE' }, 0],
  [
    'a denial of a prefix, whatever is closer',
    [
      acl(),
      deny({ resourceName: 'x', patternType: 'PREFIXED' }),
      deny({ resourceName: 'o', patternType: 'PREFIXED' }),
    ],
    {},
    2,
  ],
  ['a denial alone', [deny({ operation: 'ALL' })], {}, 0],
]

for (const [name, bindings, question, decider] of cases) {
  const decided = decider === undefined ? undefined : bindings[decider]
  test(`${name}: ${decided?.permission === 'ALLOW' ? 'allowed' : 'denied'}`, () => {
    assert.equal(asks(bindings, question), decided)
  })
}

test('Read, Write, Delete and Alter imply Describe, AlterConfigs implies DescribeConfigs, nothing else implies', () => {
  const implied: Record<string, readonly string[]> = {
    DESCRIBE: ['DESCRIBE', 'READ', 'WRITE', 'DELETE', 'ALTER', 'ALL'],
    DESCRIBE_CONFIGS: ['DESCRIBE_CONFIGS', 'ALTER_CONFIGS', 'ALL'],
  }
  for (const granted of aclOperations) {
    for (const asked of aclOperations) {
      if (asked === 'ALL') continue
      const expected = (implied[asked] ?? [asked, 'ALL']).includes(granted)
      assert.equal(
        asks([acl({ operation: granted })], { operation: asked }) !== undefined,
        expected,
        `${granted} → ${asked}`,
      )
    }
  }
})

test('a denial implies nothing: who may not read may still describe', () => {
  const bindings = [acl({ operation: 'ALL' }), deny({ operation: 'READ' })]
  assert.equal(asks(bindings, { operation: 'READ' }), bindings[1])
  assert.equal(asks(bindings, { operation: 'DESCRIBE' }), bindings[0])
})

test('any of the names of a requester may be granted or denied', () => {
  const asker = { principals: ['User:alice', 'Group:staff'], host: '::1' }
  const orders = { type: 'TOPIC', name: 'orders' } as const
  const granted = indexAcls([acl({ principal: 'Group:staff' })])
  assert.equal(isAllowed(granted, asker, 'READ', orders), true)
  const denied = indexAcls([acl(), deny({ principal: 'Group:staff' })])
  assert.equal(isAllowed(denied, asker, 'READ', orders), false)
})

test('an operation is allowed somewhere unless denials cover every allowance', () => {
  const somewhere = (bindings: readonly AclBinding[]) =>
    isAllowedSomewhere(indexAcls(bindings), { principals: ['User:alice'], host: '*' }, 'READ', 'TOPIC')
  assert.equal(somewhere([]), false)
  assert.equal(somewhere([acl()]), true)
  assert.equal(somewhere([acl({ resourceType: 'GROUP' })]), false)
  assert.equal(somewhere([acl(), deny()]), false)
  assert.equal(somewhere([acl(), deny({ resourceName: 'ord', patternType: 'PREFIXED' })]), false)
  assert.equal(somewhere([acl({ resourceName: '*' }), deny()]), true)
  assert.equal(
    somewhere([acl({ resourceName: '*' }), deny({ resourceName: 'o', patternType: 'PREFIXED' })]),
    true,
  )
  assert.equal(somewhere([acl({ resourceName: 'o', patternType: 'PREFIXED' }), deny()]), true)
  assert.equal(somewhere([acl({ resourceName: '*' }), deny({ resourceName: '*' })]), false)
})

const anyBinding = fc.record({
  resourceType: fc.constantFrom<ResourceType>('TOPIC', 'GROUP'),
  resourceName: fc.constantFrom('*', 'a', 'ab', 'abc', 'b'),
  patternType: fc.constantFrom<'LITERAL' | 'PREFIXED'>('LITERAL', 'PREFIXED'),
  principal: fc.constantFrom('User:*', 'User:alice', 'User:bob'),
  host: fc.constantFrom('*', '10.0.0.1'),
  operation: fc.constantFrom(...aclOperations),
  permission: fc.constantFrom<'ALLOW' | 'DENY'>('ALLOW', 'DENY'),
})

test('the index answers as a walk over all bindings does, and a denial more never allows more', () => {
  fc.assert(
    fc.property(fc.array(anyBinding, { maxLength: 12 }), anyBinding, (bindings, denial) => {
      const requester = { principals: ['User:alice'], host: '10.0.0.1' }
      for (const name of ['a', 'ab', 'abc', 'b']) {
        const resource = { type: 'TOPIC', name } as const
        const relevant = bindings.filter((binding) =>
          matchesFilter(binding, { resourceType: 'TOPIC', resourceName: name, patternType: 'MATCH' }),
        )
        const allowed = isAllowed(indexAcls(bindings), requester, 'READ', resource)
        // A prefix '*' is refused when it is made; here it is only the text.
        const alone = isAllowed(indexAcls(relevant), requester, 'READ', resource)
        assert.equal(allowed, alone)
        const more = indexAcls([...bindings, { ...denial, permission: 'DENY' }])
        assert.ok(allowed || !isAllowed(more, requester, 'READ', resource))
      }
    }),
  )
})

test('filters: absent fields take anything, MATCH finds every pattern that has to do with a name', () => {
  const literal = acl()
  const prefixed = acl({ resourceName: 'ord', patternType: 'PREFIXED' })
  const wildcard = acl({ resourceName: '*' })
  const other = acl({ resourceName: 'payments' })
  const found = (filter: Parameters<typeof matchesFilter>[1]) =>
    [literal, prefixed, wildcard, other].filter((binding) => matchesFilter(binding, filter))
  assert.deepEqual(found({}), [literal, prefixed, wildcard, other])
  assert.deepEqual(found({ resourceName: 'orders' }), [literal])
  assert.deepEqual(found({ resourceName: 'orders', patternType: 'MATCH' }), [literal, prefixed, wildcard])
  assert.deepEqual(found({ resourceName: 'orders', patternType: 'PREFIXED' }), [])
  assert.deepEqual(found({ patternType: 'PREFIXED' }), [prefixed])
  assert.deepEqual(found({ patternType: 'MATCH' }), [literal, prefixed, wildcard, other])
  assert.deepEqual(found({ principal: 'User:*' }), [])
  assert.deepEqual(found({ permission: 'DENY' }), [])
  assert.deepEqual(found({ operation: 'READ', host: '*', resourceType: 'TOPIC' }).length, 4)
})

test('a binding that could never apply is refused by the name of its field', () => {
  const refusals: readonly (readonly [Partial<AclBinding>, RegExp])[] = [
    [{ resourceName: '' }, /resource_name/],
    [{ resourceName: 'x'.repeat(1025) }, /resource_name/],
    [{ resourceType: 'CLUSTER', operation: 'ALTER' }, /kafka-cluster/],
    [{ resourceName: '*', patternType: 'PREFIXED' }, /LITERAL/],
    [{ principal: 'alice' }, /principal/],
    [{ principal: 'User:' }, /principal/],
    [{ principal: 'User:alice ' }, /principal: .*white space/],
    [{ principal: 'User: alice' }, /principal: .*white space/],
    [{ principal: ' User:alice' }, /principal/],
    [{ host: 'example.org' }, /host/],
    [{ host: '10.0.0.256' }, /host/],
    [{ operation: 'IDEMPOTENT_WRITE' }, /IDEMPOTENT_WRITE does not apply/],
    [{ resourceType: 'GROUP', operation: 'WRITE' }, /WRITE does not apply/],
  ]
  for (const [changes, sentence] of refusals) {
    assert.throws(
      () => checkBinding(acl(changes)),
      (error) =>
        error instanceof KafkaError && error.code === 'INVALID_REQUEST' && sentence.test(error.message),
      JSON.stringify(changes),
    )
  }
  checkBinding(acl())
  checkBinding(acl({ host: '2001:db8::1' }))
  checkBinding(acl({ resourceType: 'CLUSTER', resourceName: 'kafka-cluster', operation: 'ALTER' }))
})
