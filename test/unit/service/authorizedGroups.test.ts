// What a group has to do with topics that its caller may not describe is in no answer and in no refusal.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestTenants } from '../../support/testTenants.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

const bindings = (principal: string, rights: readonly (readonly [string, string, string])[]) => ({
  data: rights.map(([operation, resource_type, resource_name]) => ({
    ...{ operation, resource_type, resource_name, principal },
    ...{ pattern_type: 'LITERAL', host: '*', permission: 'ALLOW' },
  })),
})

/** A group that reads `seen` and `hidden`, an instance that is assigned both, and a caller who knows of one. */
async function start() {
  const { operator, keyOf } = await createTestTenants({ clock: createVirtualClock() })
  for (const topic_name of ['seen', 'hidden']) {
    await operator('POST', '/topics', { topic_name, partitions_count: 1 })
  }
  await operator('POST', '/consumer-groups/g:heartbeat', {
    member_id: 'm',
    member_epoch: 0,
    subscribed_topic_names: ['seen', 'hidden'],
    rebalance_timeout_ms: 60_000,
    topic_partitions: [],
  })
  const offsets = ['seen', 'hidden'].map((topic_name) => ({ topic_name, partition_id: 0, offset: 0 }))
  await operator('POST', '/consumer-groups/offsets/offsets:commit', { offsets })
  const rights = [
    ['READ', 'GROUP', '*'],
    ['READ', 'TOPIC', 'seen'],
  ] as const
  await operator('POST', '/acls:batch', bindings('User:sa-1', rights))
  return { caller: await keyOf('User:sa-1'), v2: await keyOf('User:sa-1', 'local', ''), keyOf, operator }
}

test('members, their assignments, lags and offsets show what the caller may describe', async () => {
  const { caller } = await start()
  const paths = [
    '/consumer-groups',
    '/consumer-groups/g',
    '/consumer-groups/g/consumers',
    '/consumer-groups/g/consumers/m/assignments',
    '/consumer-groups/offsets/lags',
    '/consumer-groups/offsets/lag-summary',
    '/consumer-groups/offsets/offsets',
  ]
  for (const path of paths) {
    const { status, body } = await caller('GET', path)
    assert.equal(status, 200, `${path}: ${JSON.stringify(body)}`)
    assert.doesNotMatch(JSON.stringify(body), /hidden/, path)
  }
  const assignments = await caller('GET', '/consumer-groups/g/consumers/m/assignments')
  assert.match(JSON.stringify(assignments.body), /seen/)
})

test('a heartbeat in another member’s name answers no topic that its sender may not describe', async () => {
  const { caller } = await start()
  const answer = await caller('POST', '/consumer-groups/g:heartbeat', { member_id: 'm', member_epoch: 1 })
  assert.doesNotMatch(JSON.stringify(answer.body), /hidden/)
})

test('a reset of all that was committed is of what the caller sees, and leaves the rest', async () => {
  const { caller, operator } = await start()
  const reset = { to: { offset: 0 }, dry_run: false }
  const answer = await caller('POST', '/consumer-groups/offsets/offsets:reset', reset)
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  assert.match(JSON.stringify(answer.body), /seen/)
  assert.doesNotMatch(JSON.stringify(answer.body), /hidden/)
  const left = await operator('GET', '/consumer-groups/offsets/offsets')
  assert.match(JSON.stringify(left.body), /hidden/)
})

test('who may only describe a group takes nothing over as its member', async () => {
  const { keyOf, operator } = await start()
  const rights = [
    ['DESCRIBE', 'GROUP', 'g'],
    ['DESCRIBE', 'TOPIC', '*'],
  ] as const
  await operator('POST', '/acls:batch', bindings('User:looker', rights))
  const looker = await keyOf('User:looker')
  const path = '/consumer-groups/g/offsets:fetch'
  assert.equal((await looker('POST', path, {})).status, 200)
  assert.equal((await looker('POST', path, { member_id: 'm', member_epoch: 1 })).status, 403)
})

test('an instance that somebody else has given a hidden topic cannot be used, and does not name it', async () => {
  const { v2, keyOf, operator } = await start()
  await operator(
    'POST',
    '/acls:batch',
    bindings('User:sa-2', [
      ['READ', 'GROUP', '*'],
      ['READ', 'TOPIC', '*'],
    ]),
  )
  const other = await keyOf('User:sa-2', 'local', '')
  const path = '/consumers/x/instances/i'
  assert.equal((await other('POST', '/consumers/x', { name: 'i' })).status, 200)
  const partitions = ['seen', 'hidden'].map((topic) => ({ topic, partition: 0 }))
  assert.equal((await other('POST', `${path}/assignments`, { partitions })).status, 204)
  const shown = await v2('GET', `${path}/assignments`)
  assert.deepEqual(shown.body, { partitions: [{ topic: 'seen', partition: 0 }] })
  for (const [method, call] of [
    ['GET', '/records'],
    ['POST', '/offsets'],
    ['DELETE', '/subscription'],
  ] as const) {
    const { status, body } = await v2(method, path + call)
    assert.equal(status, 403, call)
    assert.doesNotMatch(JSON.stringify(body), /hidden/)
  }
})
