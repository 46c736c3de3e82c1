import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startGroups } from '../../../support/groupCalls.ts'

const at = (partition: number, offset: number) => ({ topic_name: 't', partition_id: partition, offset })
const of = (partition: number) => ({ topic_name: 't', partition_id: partition })

async function start() {
  const groups = await startGroups()
  const epoch = await groups.join('g', 'm')
  const owned = [{ topic_name: 't', partitions: [0, 1] }]
  await groups.heartbeat('g', { member_id: 'm', member_epoch: epoch, topic_partitions: owned })
  const offsetsOf = async (groupId = 'g') => {
    const { body } = await groups.call('GET', `/consumer-groups/${groupId}/offsets`)
    return body.offsets.map((one: { partition_id: number; offset: number }) => [one.partition_id, one.offset])
  }
  const post = (verb: string, body: unknown, groupId = 'g') =>
    groups.call('POST', `/consumer-groups/${groupId}/offsets:${verb}`, body)
  return { ...groups, me: { member_id: 'm', member_epoch: epoch }, offsetsOf, post }
}

test('a member commits, and everybody can read what is committed', async () => {
  const { post, me, call, clock, offsetsOf } = await start()
  const offsets = [{ ...at(0, 3), metadata: 'so far', leader_epoch: 0 }, at(1, 5)]
  const done = { error_code: null, error_message: null }
  const { status, body } = await post('commit', { ...me, offsets })
  assert.equal(status, 200)
  assert.deepEqual(body, {
    offsets: [
      { ...of(0), ...done },
      { ...of(1), ...done },
    ],
  })
  const stored = (partition: number, offset: number, facts: object) => {
    return {
      ...of(partition),
      offset,
      leader_epoch: -1,
      metadata: '',
      commit_timestamp: clock.now(),
      ...facts,
    }
  }
  const all = [stored(0, 3, { metadata: 'so far', leader_epoch: 0 }), stored(1, 5, {})]
  assert.deepEqual((await call('GET', '/consumer-groups/g/offsets')).body, { offsets: all })
  assert.deepEqual((await post('fetch', {})).body, { offsets: all })
  assert.deepEqual((await post('fetch', { ...me, partitions: [of(1)] })).body, { offsets: [all[1]] })
  assert.deepEqual((await post('fetch', { partitions: [of(7)] })).body, { offsets: [] })
  // Back again, as a consumer does that has sought.
  await post('commit', { ...me, offsets: [at(0, 1)] })
  assert.deepEqual(await offsetsOf(), [
    [0, 1],
    [1, 5],
  ])
})

test('a partition that is refused says why and leaves the others alone', async () => {
  const { post, me, offsetsOf, failures } = await start()
  const offsets = [
    { ...at(0, 1), metadata: 'x'.repeat(4097) },
    at(1, 2),
    { ...at(0, 1), topic_name: 'gone' },
    at(7, 1),
    at(0, 99),
  ]
  const results = []
  for (const offset of offsets)
    results.push(...(await post('commit', { ...me, offsets: [offset] })).body.offsets)
  assert.deepEqual(
    results.map(({ error_code }) => error_code),
    [40002, null, 40403, 40403, 416],
  )
  for (const { error_code, error_message } of results)
    assert.equal(error_code === null, error_message === null)
  assert.deepEqual(await offsetsOf(), [[1, 2]])
  const together = await post('commit', { ...me, offsets: [at(0, 99), at(1, 3)] })
  assert.deepEqual(
    together.body.offsets.map((one: { error_code: number | null }) => one.error_code),
    [416, null],
  )
  assert.deepEqual(await offsetsOf(), [[1, 3]])
  assert.deepEqual(failures, [])
})

test('who may not commit is refused as a whole, and nothing is committed', async () => {
  const { post, me, look } = await start()
  await post('commit', { ...me, offsets: [at(0, 2)] })
  const before = await look('g')
  const offsets = [at(0, 4)]
  const cases = [
    ['an unknown member', { ...me, member_id: 'ghost', offsets }, 404, 40406],
    ['an old epoch', { ...me, member_epoch: me.member_epoch - 1, offsets }, 409, 40909],
    ['an epoch of the future', { ...me, member_epoch: me.member_epoch + 1, offsets }, 409, 40909],
    ['nobody, where there are members', { offsets }, 404, 40406],
    ['a member without an epoch', { member_id: 'm', offsets }, 400, 400],
    ['an epoch without a member', { member_epoch: 1, offsets }, 400, 400],
    ['a negative partition', { ...me, offsets: [at(-1, 0)] }, 400, 400],
    ['an offset that is a text', { ...me, offsets: [{ ...of(0), offset: '4' }] }, 400, 400],
    ['more offsets than there may be', { ...me, offsets: Array.from({ length: 10_001 }, () => 0) }, 400, 400],
  ] as const
  for (const [what, body, status, code] of cases) {
    const answer = await post('commit', body)
    assert.deepEqual(
      [answer.status, answer.body.error_code],
      [status, code],
      `${what}: ${answer.body.message}`,
    )
    assert.deepEqual(await look('g'), before, what)
  }
})

test("another member's partition cannot be committed, and the offset stays", async () => {
  const { post, me, join, heartbeat, offsetsOf } = await start()
  await post('commit', { ...me, offsets: [at(0, 2), at(1, 2)] })
  await join('g', 'n')
  const kept = { ...me, topic_partitions: [{ topic_name: 't', partitions: [0] }] }
  const asked = await heartbeat('g', me)
  assert.deepEqual(asked.body.assignment.topic_partitions, kept.topic_partitions)
  const { body } = await heartbeat('g', kept)
  const now = { member_id: 'm', member_epoch: body.member_epoch }
  await heartbeat('g', { member_id: 'n', member_epoch: body.member_epoch })
  const answer = await post('commit', { ...now, offsets: [at(0, 4), at(1, 4)] })
  assert.deepEqual(
    answer.body.offsets.map((one: { error_code: number | null }) => one.error_code),
    [null, 40909],
  )
  assert.deepEqual(await offsetsOf(), [
    [0, 4],
    [1, 2],
  ])
})

test('offsets are reset when that is said, and only shown before', async () => {
  const { post, me, call, offsetsOf } = await start()
  await post('commit', { ...me, offsets: [at(0, 2), at(1, 3)] })
  const busy = await post('reset', { to: { earliest: true } })
  assert.deepEqual([busy.status, busy.body.error_code], [409, 40904])
  await call('DELETE', '/consumer-groups/g/consumers/m')
  const shown = await post('reset', { to: { earliest: true } })
  assert.deepEqual(shown.body, {
    dry_run: true,
    offsets: [
      { ...of(0), before: 2, after: 0 },
      { ...of(1), before: 3, after: 0 },
    ],
  })
  assert.deepEqual(await offsetsOf(), [
    [0, 2],
    [1, 3],
  ])
  const after = async (to: object, topics?: unknown) => {
    const { status, body } = await post('reset', { to, topics, dry_run: false })
    assert.equal(status, 200, JSON.stringify(body))
    return offsetsOf()
  }
  const pair = (zero: number, one: number) => [
    [0, zero],
    [1, one],
  ]
  assert.deepEqual(await after({ latest: true }), pair(5, 5))
  assert.deepEqual(await after({ shift_by: -2 }), pair(3, 3))
  assert.deepEqual(await after({ shift_by: 100 }, [{ topic_name: 't', partitions: [0] }]), pair(5, 3))
  assert.deepEqual(await after({ offset: 1 }, [{ topic_name: 't' }]), pair(1, 1))
  assert.deepEqual(await after({ current: true }), pair(1, 1))
  assert.deepEqual(await after({ timestamp: 0 }), pair(0, 0))
  assert.deepEqual(await after({ duration_ms: 1000 }), pair(5, 5))
})

test('a reset has one target, of a group and of topics that are there', async () => {
  const { post, me, call } = await start()
  await post('commit', { ...me, offsets: [at(0, 2)] })
  await call('DELETE', '/consumer-groups/g/consumers/m')
  const cases = [
    [{}, 400],
    [{ to: {} }, 400],
    [{ to: { earliest: true, latest: true } }, 400],
    [{ to: { earliest: false } }, 400],
    [{ to: { offset: -1 } }, 400],
    [{ to: { latest: true }, topics: [{ topic_name: 'gone' }] }, 404],
    [{ to: { latest: true }, topics: [{ topic_name: 't', partitions: [9] }] }, 404],
  ] as const
  for (const [body, status] of cases)
    assert.equal((await post('reset', body)).status, status, JSON.stringify(body))
  assert.equal((await post('reset', { to: { latest: true } }, 'gone')).body.error_code, 40405)
})

test('offsets are deleted, but not of topics that a member reads', async () => {
  const { post, me, call, offsetsOf } = await start()
  await post('commit', { ...me, offsets: [at(0, 2), at(1, 3)] })
  const refused = await post('delete', { partitions: [of(0)] })
  assert.deepEqual([refused.status, refused.body.offsets[0].error_code], [200, 40906])
  await call('DELETE', '/consumer-groups/g/consumers/m')
  const { body } = await post('delete', { partitions: [of(0)] })
  assert.deepEqual(body.offsets, [{ ...of(0), error_code: null, error_message: null }])
  assert.deepEqual(await offsetsOf(), [[1, 3]])
  assert.equal((await post('delete', { partitions: [of(0)] }, 'gone')).body.error_code, 40405)
})

test('a body of a thousand partitions fits, one of megabytes does not', async () => {
  const { post, me } = await start()
  const offsets = Array.from({ length: 1000 }, (_, partition) => at(partition, 0))
  const many = await post('commit', { ...me, offsets })
  assert.deepEqual([many.status, many.body.offsets.length], [200, 1000])
  const large = await post('commit', { ...me, offsets: [{ ...at(0, 0), metadata: 'x'.repeat(1_100_000) }] })
  assert.equal(large.status, 413)
})
