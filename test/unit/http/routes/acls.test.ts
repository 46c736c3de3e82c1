// ACL routes on a server with security on: what they show, what they refuse, and that what they say holds.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestTenants } from '../../../support/testTenants.ts'

const read = {
  resource_type: 'TOPIC',
  resource_name: 'orders',
  pattern_type: 'LITERAL',
  principal: 'User:sa-1',
  host: '*',
  operation: 'READ',
  permission: 'ALLOW',
}

test('a binding that is created is found, holds, and holds no longer when it is deleted', async () => {
  const { operator, keyOf } = await createTestTenants()
  const reader = await keyOf('User:sa-1')
  await operator('POST', '/topics', { topic_name: 'orders' })
  const fetchRecords = () => reader('GET', '/topics/orders/partitions/0/records?offset=0')
  assert.equal((await fetchRecords()).status, 403)
  assert.equal((await operator('POST', '/acls', read)).status, 201)
  assert.equal((await fetchRecords()).status, 200)
  const found = await operator('GET', '/acls?principal=User:sa-1&pattern_type=ANY')
  assert.equal(found.status, 200)
  const [acl] = found.body.data
  assert.equal(acl.kind, 'KafkaAcl')
  assert.deepEqual(
    { ...acl, kind: 0, metadata: 0, cluster_id: 0 },
    { ...read, kind: 0, metadata: 0, cluster_id: 0 },
  )
  const deletion =
    '/acls?resource_type=TOPIC&pattern_type=MATCH&resource_name=orders&operation=ANY&permission=ANY'
  const deleted = await operator('DELETE', deletion)
  assert.equal(deleted.body.data.length, 1)
  assert.equal((await fetchRecords()).status, 403)
})

test('several are created at once, and one that is wrong refuses all', async () => {
  const { operator } = await createTestTenants()
  const write = { ...read, operation: 'WRITE' }
  assert.equal((await operator('POST', '/acls:batch', { data: [read, write] })).status, 201)
  const wrong = await operator('POST', '/acls:batch', {
    data: [
      { ...read, host: '10.0.0.1' },
      { ...read, host: 'x' },
    ],
  })
  assert.deepEqual([wrong.status, wrong.body.error_code], [400, 40002])
  assert.equal((await operator('GET', '/acls')).body.data.length, 2)
})

test('a role is granted as bindings, answered as they are, to be found and deleted like all others', async () => {
  const { operator, keyOf } = await createTestTenants()
  const reader = await keyOf('User:sa-1')
  await operator('POST', '/topics', { topic_name: 'orders-eu' })
  const fetchRecords = () => reader('GET', '/topics/orders-eu/partitions/0/records?offset=0')
  assert.equal((await fetchRecords()).status, 403)
  const resource = { resource_type: 'TOPIC', resource_name: 'orders-', pattern_type: 'PREFIXED' }
  const role = { role_name: 'DeveloperRead', principal: 'User:sa-1' }
  const granted = await operator('POST', '/acls:grant', { ...role, resource })
  assert.equal(granted.status, 201)
  const operations = granted.body.data.map((acl: { operation: string }) => acl.operation)
  assert.deepEqual(operations, ['READ', 'DESCRIBE'])
  assert.equal((await fetchRecords()).status, 200)
  const found = await operator('GET', '/acls?principal=User:sa-1')
  assert.deepEqual(
    found.body.data.map((acl: { operation: string }) => acl.operation).sort(),
    [...operations].sort(),
  )
})

test('a role of the whole cluster takes no resource, the others want one that they are about', async () => {
  const { operator, keyOf } = await createTestTenants()
  const grant = async (role_name: string, resource_type?: string) => {
    const resource = resource_type && { resource_type, resource_name: 'kafka-cluster' }
    const { status, body } = await operator('POST', '/acls:grant', {
      role_name,
      principal: 'User:sa-1',
      ...(resource && { resource }),
    })
    return [status, body.message]
  }
  assert.deepEqual(await grant('DeveloperRead'), [
    400,
    'The role DeveloperRead is about a resource: name it.',
  ])
  assert.deepEqual(await grant('DeveloperRead', 'CLUSTER'), [
    400,
    'The role DeveloperRead is not about resources of type CLUSTER.',
  ])
  assert.deepEqual(await grant('CloudClusterAdmin', 'TOPIC'), [
    400,
    'The role CloudClusterAdmin is not about resources of type TOPIC.',
  ])
  assert.equal((await grant('Emperor'))[0], 400)
  assert.equal((await grant('CloudClusterAdmin'))[0], 201)
  const admin = await keyOf('User:sa-1')
  assert.equal((await admin('POST', '/topics', { topic_name: 'mine' })).status, 201)
})

test('who may neither describe nor alter the cluster sees and changes no bindings', async () => {
  const { keyOf } = await createTestTenants()
  const nobody = await keyOf('User:sa-1')
  const everything = '?resource_type=ANY&pattern_type=ANY&operation=ANY&permission=ANY'
  for (const [method, path, body] of [
    ['GET', '/acls', undefined],
    ['POST', '/acls', read],
    ['POST', '/acls:batch', { data: [read] }],
    ['POST', '/acls:grant', { role_name: 'CloudClusterAdmin', principal: 'User:sa-1' }],
    ['DELETE', `/acls${everything}`, undefined],
  ] as const) {
    const { status, body: answer } = await nobody(method, path, body)
    assert.deepEqual([status, answer.error_code], [403, 40301], `${method} ${path}`)
  }
})

test('a deletion says what it is about, and unknown words are refused by their place', async () => {
  const { operator } = await createTestTenants()
  const unsaid = await operator('DELETE', '/acls?resource_type=TOPIC&pattern_type=ANY&operation=ANY')
  assert.equal(unsaid.status, 400)
  assert.match(unsaid.body.message, /permission/)
  const unknown = await operator('GET', '/acls?operation=FLY')
  assert.equal(unknown.status, 400)
  assert.match(unknown.body.message, /operation/)
})
