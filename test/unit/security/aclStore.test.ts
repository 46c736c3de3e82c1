// Bindings as they are stored, and the roles that are made of them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createScope } from '../../../shared/metadata/scope.ts'
import { systemClock, systemRandom } from '../../../shared/runtime/clock.ts'
import { type AclBinding, checkBinding, decide, indexAcls } from '../../../shared/security/acl.ts'
import { createAclStore } from '../../../shared/security/aclStore.ts'
import { bindingsOfRole, roleNames } from '../../../shared/security/roles.ts'
import { createMemoryObjectStore } from '../../../shared/storage/memory/objectStore.ts'
import { createMemoryTable } from '../../../shared/storage/memory/table.ts'
import { countCalls } from '../../support/counting.ts'

function createStore() {
  const { table, during } = countCalls({ objects: createMemoryObjectStore(), table: createMemoryTable() })
  const storeOf = (tenant: string) =>
    createAclStore({ table, clock: systemClock, random: systemRandom, scope: createScope(tenant) })
  return { acls: storeOf('lkc-1'), storeOf, during }
}

const read = (resourceName: string): AclBinding => ({
  resourceType: 'TOPIC',
  resourceName,
  patternType: 'LITERAL',
  principal: 'User:alice',
  host: '*',
  operation: 'READ',
  permission: 'ALLOW',
})

test('a binding exists once, is found by filters, and is gone when it is deleted', async () => {
  const { acls } = createStore()
  await acls.create([read('a'), read('a'), read('b')])
  await acls.create([read('a')])
  assert.equal((await acls.list({})).length, 2)
  assert.deepEqual(await acls.list({ resourceName: 'b' }), [read('b')])
  assert.deepEqual(await acls.delete({ resourceName: 'a' }), [read('a')])
  assert.deepEqual(await acls.list({}), [read('b')])
  assert.deepEqual(await acls.delete({ resourceName: 'a' }), [])
})

test('one wrong binding of several refuses all of them', async () => {
  const { acls } = createStore()
  await assert.rejects(acls.create([read('a'), { ...read('b'), principal: 'nobody' }]), /principal/)
  assert.deepEqual(await acls.list({}), [])
})

test('the index follows every change, and costs one read where nothing has changed', async () => {
  const { acls, storeOf, during } = createStore()
  const alice = { principals: ['User:alice'], host: '::1' }
  const mayRead = async () =>
    decide(await acls.index(), alice, 'READ', { type: 'TOPIC', name: 'a' }) !== undefined
  assert.equal(await mayRead(), false)
  await storeOf('lkc-1').create([read('a')])
  assert.equal(await mayRead(), true)
  assert.equal((await during(mayRead)).tableReads, 1)
  await storeOf('lkc-1').delete({})
  assert.equal(await mayRead(), false)
})

test('more bindings than a transaction holds are stored and deleted, and those of another cluster stay', async () => {
  const { acls, storeOf } = createStore()
  const many = Array.from({ length: 250 }, (_, number) => read(`topic-${number}`))
  await acls.create(many)
  await storeOf('lkc-2').create([read('a')])
  assert.equal((await acls.list({})).length, 250)
  assert.equal((await acls.delete({ principal: 'User:alice' })).length, 250)
  assert.deepEqual(await acls.list({}), [])
  assert.deepEqual(await storeOf('lkc-2').list({}), [read('a')])
})

test('every role grants something, and only what bindings may say', () => {
  const orders = { type: 'TOPIC', name: 'orders', patternType: 'LITERAL' } as const
  for (const role of roleNames) {
    const whole = bindingsOfRole({ role, principal: 'User:sa-1', resource: undefined })
    const one = bindingsOfRole({ role, principal: 'User:sa-1', resource: orders })
    assert.ok((whole.length === 0) !== (one.length === 0), `${role} is of the cluster or of a resource`)
    for (const binding of [...whole, ...one]) checkBinding(binding)
  }
})

test('who has DeveloperRead may read and not write, DeveloperWrite the other way about', () => {
  const orders = { type: 'TOPIC', name: 'orders' } as const
  const alice = { principals: ['User:alice'], host: '::1' }
  const resource = { ...orders, patternType: 'LITERAL' } as const
  const may = (role: 'DeveloperRead' | 'DeveloperWrite', operation: 'READ' | 'WRITE' | 'DESCRIBE') =>
    decide(
      indexAcls(bindingsOfRole({ role, principal: 'User:alice', resource })),
      alice,
      operation,
      orders,
    ) !== undefined
  assert.deepEqual([may('DeveloperRead', 'READ'), may('DeveloperRead', 'WRITE')], [true, false])
  assert.deepEqual([may('DeveloperWrite', 'READ'), may('DeveloperWrite', 'WRITE')], [false, true])
  assert.deepEqual([may('DeveloperRead', 'DESCRIBE'), may('DeveloperWrite', 'DESCRIBE')], [true, true])
})
