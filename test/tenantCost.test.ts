// What security, quotas and metering add to a request: nothing that it waits for.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCall } from './support/call.ts'
import { countCalls } from './support/counting.ts'
import { createSteppedClock } from './support/steppedClock.ts'
import { createTestApp, memoryPorts } from './support/testCluster.ts'
import { createTestTenants } from './support/testTenants.ts'

const everything = ['TOPIC', 'GROUP'].map((resource_type) => ({
  ...{ resource_type, resource_name: '*', pattern_type: 'LITERAL', principal: 'User:sa-1', host: '*' },
  ...{ operation: 'ALL', permission: 'ALLOW' },
}))
const body = { value: { type: 'STRING', data: 'x'.repeat(100) } }
const none = { puts: 0, objectReads: 0, tableReads: 0, tableWrites: 0 }

async function createSecured() {
  const clock = createSteppedClock()
  const counted = countCalls(memoryPorts())
  const { operator, keyOf } = await createTestTenants({ clock, ports: counted })
  await operator('POST', '/acls:batch', { data: everything })
  await operator('POST', '/topics', { topic_name: 't' })
  const alter = (value: number) => {
    const entity = [{ entity_type: 'user', entity_name: 'sa-1' }]
    const keys = ['producer_byte_rate', 'consumer_byte_rate', 'request_percentage'] as const
    return operator('POST', '/client-quotas', {
      data: [{ entity, ops: keys.map((key) => ({ key, value })) }],
    })
  }
  return { clock, counted, alter, caller: await keyOf('User:sa-1') }
}

const produce = (call: ReturnType<typeof createCall>) => call('POST', '/topics/t/records', body)
const fetchLast = (call: ReturnType<typeof createCall>) =>
  call('GET', '/topics/t/partitions/0/records?offset=0')

async function createAnonymous() {
  const clock = createSteppedClock()
  const counted = countCalls(memoryPorts())
  const caller = createCall(createTestApp({}, {}, { ...counted, clock }).app, '/v3/clusters/local')
  await caller('POST', '/topics', { topic_name: 't' })
  return { clock, counted, caller }
}

test('a warm authenticated request costs what an anonymous one costs, with all quotas in force', async () => {
  const anonymous = await createAnonymous()
  const secured = await createSecured()
  await secured.alter(1_000_000)
  for (const [request, name] of [
    [produce, 'produce'],
    [fetchLast, 'fetch'],
  ] as const) {
    for (let warm = 0; warm < 3; warm++) {
      await Promise.all([request(anonymous.caller), request(secured.caller)])
    }
    const expected = await anonymous.counted.during(() => request(anonymous.caller))
    assert.deepEqual(await secured.counted.during(() => request(secured.caller)), expected, name)
  }
})

test('a refused request costs nothing, whether a quota refuses it or a right', async () => {
  const { caller, counted, alter } = await createSecured()
  await alter(1)
  await produce(caller)
  assert.deepEqual(await counted.during(async () => assert.equal((await produce(caller)).status, 429)), none)
})

test('a minute of produce adds a write a second for the quota and one in ten for the meter', async (t) => {
  const anonymous = await createAnonymous()
  const secured = await createSecured()
  await secured.alter(10_000)
  const minuteOf = ({ caller, counted, clock }: Awaited<ReturnType<typeof createAnonymous>>) =>
    counted.during(async () => {
      for (let i = 0; i < 600; i++) {
        await produce(caller)
        await clock.pass(100)
      }
    })
  const [free, held] = [await minuteOf(anonymous), await minuteOf(secured)]
  const [writes, reads] = [held.tableWrites - free.tableWrites, held.tableReads - free.tableReads]
  t.diagnostic(`${writes} writes and ${reads} reads more than ${free.tableWrites} and ${free.tableReads}`)
  // And a few of the audit log and of when the key was used.
  assert.ok(writes >= 30 && writes <= 60 + 7 + 8, `${writes} writes`)
  // Every four seconds the key, the cluster, its organisation, and the versions of bindings and quotas; once an hour
  // what is old.
  assert.ok(reads <= 16 * 5 + 4 + 2, `${reads} reads`)
})
