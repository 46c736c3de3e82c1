import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCall } from '../../../support/call.ts'
import { startGroups } from '../../../support/groupCalls.ts'
import { createTestApp } from '../../../support/testCluster.ts'

const owned = (...partitions: number[]) => [{ topic_name: 't', partitions }]

test('a member joins, is told what it owns, shares it with the next, and leaves', async () => {
  const { heartbeat, call, failures } = await startGroups()
  const full = { subscribed_topic_names: ['t'], rebalance_timeout_ms: 60_000, topic_partitions: [] }
  const first = await heartbeat('g', { member_id: 'a', member_epoch: 0, ...full })
  assert.deepEqual(first.body, {
    member_id: 'a',
    member_epoch: 1,
    heartbeat_interval_ms: 5000,
    assignment: { topic_partitions: owned(0, 1) },
    assignment_token: '1.2.0',
  })
  const token = { assignment_token: first.body.assignment_token }
  const same = { member_id: 'a', member_epoch: 1, topic_partitions: owned(0, 1) }
  const idle = await heartbeat('g', { ...same, ...token })
  const late = await heartbeat('g', { ...same, assignment_token: '1.0.0' })
  assert.deepEqual(late.body.assignment, first.body.assignment, 'who missed an answer is told')
  assert.equal(idle.body.assignment, null)
  const second = await heartbeat('g', { member_id: 'b', member_epoch: 0, ...full })
  assert.deepEqual(second.body.assignment?.topic_partitions ?? [], [])
  const asked = await heartbeat('g', { member_id: 'a', member_epoch: 1 })
  assert.equal(asked.body.assignment.topic_partitions[0].partitions.length, 1)
  const kept = asked.body.assignment.topic_partitions
  const given = await heartbeat('g', { member_id: 'a', member_epoch: 1, topic_partitions: kept })
  assert.equal(given.body.member_epoch, 2)
  const taken = await heartbeat('g', { member_id: 'b', member_epoch: 2 })
  assert.equal(taken.body.assignment.topic_partitions[0].partitions.length, 1)
  assert.equal((await call('DELETE', '/consumer-groups/g/consumers/a')).status, 204)
  assert.equal((await call('GET', '/consumer-groups/g/consumers')).body.data.length, 1)
  const left = await heartbeat('g', { member_id: 'b', member_epoch: -1 })
  assert.equal(left.body.member_epoch, -1)
  assert.equal((await call('GET', '/consumer-groups/g')).body.state, 'EMPTY')
  assert.deepEqual(failures, [])
})

test('a group gives an id to who has none, and null fields are absent ones', async () => {
  const { heartbeat } = await startGroups()
  const nothing = { instance_id: null, rack_id: null, server_assignor: null, subscribed_topic_regex: null }
  const body = {
    member_epoch: 0,
    subscribed_topic_names: ['t'],
    rebalance_timeout_ms: 1,
    topic_partitions: [],
  }
  const { status, body: answer } = await heartbeat('g', { ...body, ...nothing })
  assert.equal(status, 200)
  assert.match(answer.member_id, /^[\w-]{20,}$/)
})

test('group ids may hold whatever a path can say, a verb among it', async () => {
  const { join, call } = await startGroups()
  for (const id of ['a/b', 'é ü', 'g:heartbeat', '%2F', '-']) {
    await join(id, 'm')
    const { status, body } = await call('GET', `/consumer-groups/${encodeURIComponent(id)}`)
    assert.equal(status, 200, id)
    assert.equal(body.consumer_group_id, id)
  }
  const { body } = await call('GET', '/consumer-groups')
  assert.deepEqual(
    body.data.map((group: { consumer_group_id: string }) => group.consumer_group_id),
    ['%2F', '-', 'a/b', 'g:heartbeat', 'é ü'],
  )
})

test("bad heartbeats are refused with Kafka's errors, and nothing changes", async () => {
  const { join, commit, heartbeat, look, failures } = await startGroups()
  const epoch = await join('g', 'm', { instance_id: 'static' })
  await heartbeat('g', {
    member_id: 'm',
    instance_id: 'static',
    member_epoch: epoch,
    topic_partitions: owned(0, 1),
  })
  const offset = { topic_name: 't', partition_id: 0, offset: 3 }
  assert.equal((await commit('g', { member_id: 'm', member_epoch: epoch, offsets: [offset] })).status, 200)
  const before = await look('g')
  const joining = {
    member_epoch: 0,
    subscribed_topic_names: ['t'],
    rebalance_timeout_ms: 1,
    topic_partitions: [],
  }
  const me = { member_id: 'm', instance_id: 'static', member_epoch: epoch }
  const cases = [
    ['an unknown member', { member_id: 'ghost', member_epoch: 1 }, 404, 40406],
    ['an epoch of the future', { ...me, member_epoch: epoch + 5 }, 409, 40907],
    ['a duplicate of a static member', { ...joining, member_id: 'n', instance_id: 'static' }, 409, 40908],
    ["a static member's place under another id", { ...me, member_id: 'n' }, 409, 40905],
    ['an invalid regex', { ...me, subscribed_topic_regex: '(' }, 400, 40002],
    ['an unknown assignor', { ...me, server_assignor: 'none' }, 400, 40002],
    ['a negative partition', { ...me, topic_partitions: [{ topic_name: 't', partitions: [-1] }] }, 400, 400],
    ['an epoch below -2', { ...me, member_epoch: -3 }, 400, 400],
    ['an epoch that is none', { member_id: 'm' }, 400, 400],
    ['a name that is none', { ...me, subscribed_topic_names: [5] }, 400, 400],
  ] as const
  for (const [what, body, status, code] of cases) {
    const answer = await heartbeat('g', body)
    assert.deepEqual(
      [answer.status, answer.body.error_code],
      [status, code],
      `${what}: ${answer.body.message}`,
    )
    assert.deepEqual(await look('g'), before, what)
  }
  assert.deepEqual(failures, [])
})

test('a stale epoch is fenced', async () => {
  const { join, heartbeat } = await startGroups()
  const first = await join('g', 'a')
  for (const other of ['b', 'c']) {
    await join('g', other)
    await heartbeat('g', { member_id: 'a', member_epoch: first, topic_partitions: [] })
  }
  const answer = await heartbeat('g', { member_id: 'a', member_epoch: first, topic_partitions: owned(0, 1) })
  assert.deepEqual([answer.status, answer.body.error_code], [409, 40907])
})

test('a group with members stays, an empty one can be deleted, an unknown one is 40405', async () => {
  const { join, call } = await startGroups()
  await join('g', 'm')
  const refused = await call('DELETE', '/consumer-groups/g')
  assert.deepEqual([refused.status, refused.body.error_code], [409, 40904])
  assert.equal((await call('DELETE', '/consumer-groups/g/consumers/m')).status, 204)
  assert.equal((await call('DELETE', '/consumer-groups/g')).status, 204)
  for (const method of ['GET', 'DELETE']) {
    const gone = await call(method, '/consumer-groups/g')
    assert.deepEqual([gone.status, gone.body.error_code], [404, 40405])
  }
  const ghost = await call('DELETE', '/consumer-groups/g/consumers/m')
  assert.equal(ghost.status, 404)
})

test('a group id that is too long is INVALID_GROUP_ID', async () => {
  const { heartbeat } = await startGroups()
  const long = await heartbeat('x'.repeat(256), { member_epoch: 0, topic_partitions: [] })
  assert.deepEqual([long.status, long.body.error_code], [400, 40002])
})

test("another tenant's group of the same name is another group", async () => {
  const { join, look, ports } = await startGroups()
  const epoch = await join('g', 'm')
  const before = await look('g')
  const other = createCall(createTestApp({}, {}, ports, 'other').app, '/v3/clusters/local/consumer-groups')
  assert.deepEqual((await other('GET', '')).body.data, [])
  assert.equal((await other('GET', '/g')).body.error_code, 40405)
  const beat = await other('POST', '/g:heartbeat', { member_id: 'm', member_epoch: epoch })
  assert.ok([40406, 40405].includes(beat.body.error_code))
  assert.equal((await other('DELETE', '/g/consumers/m')).status, 404)
  assert.equal((await other('DELETE', '/g')).status, 404)
  assert.deepEqual(await look('g'), before)
})

test('a heartbeat is JSON, of a bounded size, and is posted', async () => {
  const { call } = await startGroups()
  const path = '/consumer-groups/g:heartbeat'
  assert.equal((await call('POST', path, '{', {})).status, 400)
  assert.equal((await call('POST', path, '{}', { 'content-type': 'text/plain' })).status, 415)
  assert.equal((await call('POST', path, ' '.repeat(300_000))).status, 413)
  const get = await call('PUT', path)
  assert.deepEqual([get.status, get.headers.get('allow')], [405, 'DELETE, GET, POST, HEAD'])
})
