// What a consumer group costs in requests, held by tests: heartbeats in a stable group write nothing, but for when its
// members were last heard of.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Cluster } from '../shared/service/cluster.ts'
import { countCalls } from './support/counting.ts'
import { type Consumer, hear, joinRequest, newConsumer, nextRequest } from './support/groupTools.ts'
import { createTopic, virtualPorts } from './support/logTools.ts'
import { createTestCluster } from './support/testCluster.ts'

const beatEveryMs = 5_000
const minuteMs = 60_000

/** `count` members that share 1,000 partitions, each with what it is to own. */
async function createGroup(count: number) {
  const ports = virtualPorts()
  const counted = countCalls(ports)
  const cluster = createTestCluster({ ...counted, clock: ports.clock })
  await createTopic(cluster, 't', 1_000)
  const consumers = Array.from({ length: count }, (_, i) => newConsumer(joinRequest(`m${i}`)))
  for (let round = 0; round < 4; round++) await Promise.all(consumers.map((one) => beat(cluster, one)))
  return { cluster, consumers, counted, clock: ports.clock, table: ports.table }
}

async function beat(cluster: Cluster, consumer: Consumer): Promise<void> {
  hear(consumer, await cluster.groups.heartbeat({ groupId: 'g', ...nextRequest(consumer) }))
}

test('a hundred members of a stable group heartbeat for a minute in a handful of writes', async (t: TestContext) => {
  const { cluster, consumers, counted, clock, table } = await createGroup(100)
  const unitsBefore = table.consumed().writeUnits
  let beats = 0
  const calls = await counted.during(async () => {
    // Each at its own moment, as in life.
    for (let ms = 0; ms < minuteMs; ms += beatEveryMs) {
      for (const consumer of consumers) {
        clock.advance(beatEveryMs / consumers.length)
        await beat(cluster, consumer)
        beats++
      }
    }
  })
  const units = table.consumed().writeUnits - unitsBefore
  t.diagnostic(
    `${beats} heartbeats: ${calls.tableWrites} writes of ${units} units, ${calls.tableReads} reads`,
  )
  assert.equal(beats, 1_200)
  assert.ok(calls.tableWrites <= 6, `${calls.tableWrites} writes`)
  assert.ok(calls.tableReads <= 80, `${calls.tableReads} reads`)
})

test('a heartbeat that finds everything as it was costs nothing at all', async () => {
  const { cluster, consumers, counted } = await createGroup(10)
  const calls = await counted.during(() => Promise.all(consumers.map((one) => beat(cluster, one))))
  assert.deepEqual(calls, { puts: 0, objectReads: 0, tableReads: 0, tableWrites: 0 })
})
