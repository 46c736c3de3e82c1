// What is taken away is gone within five seconds, for requests that have been going on for long, too.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authorizationOf, createTestTenants } from '../support/testTenants.ts'
import { createVirtualClock } from '../support/virtualClock.ts'

const record = (data: string) => ({ partition_id: 0, value: { type: 'STRING', data } })
const read = {
  resource_type: 'TOPIC',
  resource_name: 't',
  pattern_type: 'LITERAL',
  principal: 'User:reader',
  host: '*',
  operation: 'READ',
  permission: 'ALLOW',
}
const readBinding = `?${new URLSearchParams(read)}`

async function follow() {
  const clock = createVirtualClock()
  const service = await createTestTenants({ clock })
  const { app, operator, makeKey } = service
  await operator('POST', '/topics', { topic_name: 't', partitions_count: 1 })
  await operator('POST', '/acls', read)
  await operator('POST', '/topics/t/records', record('before'))
  const key = await makeKey('local', 'User:reader')
  const answer = await app.request('/v3/clusters/local/topics/t/records?offset=earliest', {
    headers: { authorization: authorizationOf(key), accept: 'text/event-stream' },
  })
  assert.equal(answer.status, 200)
  const stream = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  assert.ok(stream)
  const next = async (): Promise<string | undefined> => (await stream.read()).value
  assert.match((await next()) ?? '', /"before"/)
  return {
    ...service,
    clock,
    key,
    async rest(): Promise<string> {
      let text = ''
      for (let part = await next(); part !== undefined; part = await next()) text += part
      return text
    },
  }
}

for (const [what, code, takeAway] of [
  ['a key that is revoked', 40101, (s: Following) => s.tenants.apiKeys.revoke(s.key.id)],
  ['a right that is taken away', 40301, (s: Following) => s.operator('DELETE', `/acls${readBinding}`)],
  [
    'a cluster that is suspended',
    40301,
    (s: Following) => s.tenants.registry.update('local', () => ({ state: 'SUSPENDED' })),
  ],
] as const) {
  test(`${what} ends a stream, and what comes later is not in it`, async () => {
    const following = await follow()
    await takeAway(following)
    following.clock.advance(5000)
    const produced = await following.operator('POST', '/topics/t/records', record('after'))
    assert.equal(produced.status, 200)
    const text = await following.rest()
    assert.doesNotMatch(text, /after/)
    assert.match(text, new RegExp(`event: error\ndata: .*"error_code":${code}`))
  })
}

type Following = Awaited<ReturnType<typeof follow>>

test('a stream whose reader keeps its rights goes on', async () => {
  const following = await follow()
  following.clock.advance(5000)
  await following.operator('POST', '/topics/t/records', record('after'))
  assert.match(await following.rest(), /after/)
})
