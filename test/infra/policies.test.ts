import assert from 'node:assert/strict'
import { test } from 'node:test'
import { missing, namesOf, permissionsOf, unused, usedByAws } from './policies.ts'
import { settings, synthesise } from './synthesised.ts'

const place = { region: 'eu-central-1', account: '111122223333' }
const names = namesOf('dev', place)
const permissions = permissionsOf(synthesise(settings).templates, place)
const eventPermissions = permissionsOf(synthesise({ ...settings, compute: 'event' }).templates, place)

const table = `arn:aws:dynamodb:eu-central-1:111122223333:table/${names.table}`
const object = (name: string) => `arn:aws:s3:::${names.bucket}/${name}`

const of = (name: string) =>
  permissions
    .filter(({ function: one }) => one === name)
    .map(({ action, pattern }) => `${action} ${pattern}`)
    .filter((text) => !/^(logs|kms|sqs|dynamodb):/.test(text))
    .toSorted()

test('produce puts flushes and nothing else', () => {
  assert.deepEqual(of('produce'), [
    `s3:AbortMultipartUpload ${object('*/log/*')}`,
    `s3:GetObject ${object('*/log/*')}`,
    `s3:GetObject ${object('deployment')}`,
    `s3:PutObject ${object('*/log/*')}`,
    `s3:PutObject ${object('deployment')}`,
  ])
})

test('fetch reads flushes and segments, and puts flushes of the audit log and the mark of the deployment', () => {
  assert.deepEqual(of('fetch'), [
    `s3:GetObject ${object('*/log/*')}`,
    `s3:GetObject ${object('*/segment/*')}`,
    `s3:GetObject ${object('deployment')}`,
    `s3:ListBucket arn:aws:s3:::${names.bucket}`,
    `s3:PutObject ${object('*/log/*')}`,
    `s3:PutObject ${object('deployment')}`,
  ])
})

test('the compactor puts segments, deletes both, and invokes itself', () => {
  assert.deepEqual(of('compactor'), [
    `lambda:InvokeFunction arn:aws:lambda:eu-central-1:111122223333:function:${names.compactor}:*`,
    `s3:AbortMultipartUpload ${object('*/segment/*')}`,
    `s3:DeleteObject ${object('*/log/*')}`,
    `s3:DeleteObject ${object('*/segment/*')}`,
    `s3:GetObject ${object('*/log/*')}`,
    `s3:GetObject ${object('*/segment/*')}`,
    `s3:GetObject ${object('deployment')}`,
    `s3:ListBucket arn:aws:s3:::${names.bucket}`,
    `s3:PutObject ${object('*/segment/*')}`,
    `s3:PutObject ${object('deployment')}`,
  ])
})

test('keys of tenants are opened to every function by their ARNs, and no key that is not named', () => {
  const keys = ['eu-central-1:111122223333:key/a1', 'eu-central-1:444455556666:key/b2'].map(
    (name) => `arn:aws:kms:${name}`,
  )
  const keysOf = (given: readonly { action: string; pattern: string; function: string }[]) =>
    given
      .filter(({ action }) => action.startsWith('kms:'))
      .map((one) => `${one.function} ${one.action} ${one.pattern}`)
  const withKeys = permissionsOf(synthesise({ ...settings, tenantKeyArns: keys }).templates, place)
  const added = ['produce', 'fetch', 'compactor'].flatMap((name) =>
    ['kms:Decrypt', 'kms:GenerateDataKey'].flatMap((action) => keys.map((key) => `${name} ${action} ${key}`)),
  )
  assert.deepEqual(keysOf(withKeys).toSorted(), [...keysOf(permissions), ...added].toSorted())
})

test('Web Functions and event functions have the same rights', () => {
  assert.deepEqual(eventPermissions, permissions)
})

test('no action is a pattern, and no resource is everything', () => {
  for (const { action, pattern } of permissions) {
    assert.match(action, /^[a-z0-9]+:[A-Za-z]+$/)
    assert.notEqual(pattern, '*')
  }
})

test('every action that AWS uses by itself is granted to some function', () => {
  for (const action of Object.keys(usedByAws))
    assert.ok(
      permissions.some((one) => one.action === action),
      action,
    )
})

test('a call that no role allows is found, one that is allowed is not', () => {
  const call = (name: string, action: string, resource: string) => ({ function: name, action, resource })
  const allowed = [
    call('produce', 's3:PutObject', object('lkc-1/log/019ab1c/25hex')),
    call('produce', 'dynamodb:UpdateItem', table),
    call(
      'compactor',
      'lambda:InvokeFunction',
      `arn:aws:lambda:eu-central-1:111122223333:function:${names.compactor}:7`,
    ),
  ]
  const refused = [
    call('produce', 's3:PutObject', object('lkc-1/segment/019ab1c/25hex')),
    call('produce', 's3:DeleteObject', object('lkc-1/log/019ab1c/25hex')),
    call('produce', 's3:PutObject', 'arn:aws:s3:::another-bucket/lkc-1/log/019ab1c/25hex'),
    call('fetch', 'dynamodb:Scan', table),
    call('fetch', 'dynamodb:GetItem', `${table}-other`),
    call('compactor', 'lambda:InvokeFunction', 'arn:aws:lambda:eu-central-1:111122223333:function:another:7'),
  ]
  assert.deepEqual(missing(permissions, [...allowed, ...refused, ...refused]), refused)
})

test('what is granted and never called is found', () => {
  const calls = permissions.map(({ function: name, action, pattern }) => ({
    function: name,
    action,
    resource: pattern.replaceAll('*', 'x'),
  }))
  assert.deepEqual(unused(permissions, calls), [])
  const [first] = permissions.filter(({ action }) => action === 's3:DeleteObject')
  const without = calls.filter(
    ({ action, resource }) => action !== 's3:DeleteObject' || !resource.includes('/log/'),
  )
  assert.deepEqual(unused(permissions, without), [first])
})
