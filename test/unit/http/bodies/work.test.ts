import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBeginWork, doWork } from '../../../../shared/http/bodies/work.ts'
import { type ApiKeyPair, authorizationOf, createTestTenants } from '../../../support/testTenants.ts'
import { createVirtualClock } from '../../../support/virtualClock.ts'
import { createWorkingClock } from '../../../support/workingClock.ts'

test('work is counted without what was waited for in between, also where it fails', async () => {
  let nowMs = 0
  const clock = {
    now: () => nowMs,
    // Others have the thread for long.
    sleep: async () => {
      await Promise.resolve()
      nowMs += 1000
    },
  }
  const counted: number[] = []
  const beginWork = createBeginWork(clock, (ms) => counted.push(ms))
  const toil = doWork(beginWork, async (giveWay) => {
    for (let step = 0; step < 10; step++) {
      nowMs += 5
      await giveWay()
    }
    throw new Error('at last')
  })
  await assert.rejects(toil, /at last/)
  assert.deepEqual([counted, nowMs], [[50], 10_050])
  const work = beginWork()
  nowMs += 2
  await work.wait(clock.sleep())
  nowMs += 1
  work.end()
  beginWork().end()
  assert.deepEqual(counted, [50, 3])
})

const raw = 'application/vnd.millrace.recordbatch'
const json = 'application/json'
const v2Json = 'application/vnd.kafka.json.v2+json'

async function createWorld() {
  const world = await createTestTenants({ clock: createWorkingClock(createVirtualClock()) })
  const { app, operator, operatorKey, makeKey } = world
  await operator('POST', '/topics', { topic_name: 't', partitions_count: 1 })
  const send = (key: ApiKeyPair, path: string, type: string, body?: string) =>
    app.request(path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: authorizationOf(key),
        accept: type,
        ...(body !== undefined && { 'content-type': type, 'content-length': String(body.length) }),
      },
      ...(body !== undefined && { body }),
    })
  const records = '/v3/clusters/local/topics/t/records'
  assert.equal((await send(operatorKey, records, json, '{}'.repeat(3000))).status, 200)
  /** Of whom ten seconds' worth of the quota are forty milliseconds. */
  const makeCaller = async (name: string) => {
    const acl = { resource_type: 'TOPIC', resource_name: 't', pattern_type: 'LITERAL', operation: 'ALL' }
    const principal = `User:${name}`
    await operator('POST', '/acls', { ...acl, principal, host: '*', permission: 'ALLOW' })
    const entity = [{ entity_type: 'user', entity_name: name }]
    const ops = [{ key: 'request_percentage', value: 0.4 }]
    const altered = await operator('POST', '/client-quotas', { data: [{ entity, ops }] })
    assert.equal(altered.status, 204)
    const key = await makeKey('local', principal)
    return (path: string, type: string, body?: string) => send(key, path, type, body)
  }
  return { makeCaller }
}

test('JSON that is made or read uses up compute time, the same records as they are stored do not', async () => {
  const { makeCaller } = await createWorld()
  const page = '/v3/clusters/local/topics/t/partitions/0/records?offset=0'
  const waits = async (answer: Response) => {
    assert.equal(answer.status, 200, await answer.text())
    return answer.headers.has('millrace-throttle-time-ms')
  }
  const one = await makeCaller('one')
  for (let i = 0; i < 3; i++) assert.equal(await waits(await one(page, raw)), false)
  assert.equal(await waits(await one(page, json)), true)
  assert.equal((await one(page, raw)).status, 429)
  const v2 = await makeCaller('two')
  assert.equal(await waits(await v2('/topics/t', v2Json, '{"records":[{}]}')), false)
  const refused = await v2('/topics/t', v2Json, `{"records":[${'{"key":1},'.repeat(3000)}1]}`)
  assert.equal(refused.status, 422, await refused.text())
  assert.equal((await v2('/topics/t', v2Json, '{"records":[{}]}')).status, 429)
})
