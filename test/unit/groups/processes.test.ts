// One group served by several processes at once on a table that loses answers: what is stored keeps its promises at
// every step, and the group settles when the faults end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KafkaError } from '../../../shared/base/errors.ts'
import { parseGroupItem } from '../../../shared/metadata/groupItem.ts'
import { createScope } from '../../../shared/metadata/scope.ts'
import type { Table } from '../../../shared/ports/table.ts'
import type { Cluster } from '../../../shared/service/cluster.ts'
import { type Fault, withFaults } from '../../support/faultyTable.ts'
import { type Consumer, hear, joinRequest, newConsumer, nextRequest, text } from '../../support/groupTools.ts'
import { createTopic, virtualPorts } from '../../support/logTools.ts'
import { createTestCluster } from '../../support/testCluster.ts'

const stateKey = createScope('test').consumerGroup('g').state
const retriable = new Set(['KAFKA_STORAGE_ERROR', 'REQUEST_TIMED_OUT'])

const steps = fc.record({
  /** Who heartbeats at the same moment, and to which process. */
  beats: fc.array(fc.record({ who: fc.nat({ max: 4 }), process: fc.nat({ max: 2 }) }), { maxLength: 6 }),
  faults: fc.array(fc.constantFrom<Fault | undefined>('lost', 'dropped', 'refused', undefined), {
    maxLength: 3,
  }),
  waitMs: fc.nat({ max: 20_000 }),
})

async function beat(cluster: Cluster, consumer: Consumer): Promise<void> {
  const request = nextRequest(consumer)
  try {
    hear(consumer, await cluster.groups.heartbeat({ groupId: 'g', ...request }))
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    if (!retriable.has(error.code)) hear(consumer, error)
  }
}

async function checkStored(table: Table, groupEpochBefore: number): Promise<number> {
  const item = await table.get(stateKey)
  if (!item) return groupEpochBefore
  const group = parseGroupItem(item)
  assert.ok(group.groupEpoch >= groupEpochBefore, 'the group epoch never goes back')
  const owners = new Map<string, string>()
  for (const { memberId, assigned, revoking } of group.members.values()) {
    for (const [topicId, list] of [...assigned, ...revoking]) {
      for (const partition of list) {
        assert.equal(
          owners.get(`${topicId}-${partition}`),
          undefined,
          `partition ${partition} has two owners`,
        )
        owners.set(`${topicId}-${partition}`, memberId)
      }
    }
  }
  return group.groupEpoch
}

test('several processes serve one group on a table that loses answers', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 25 }), async (done) => {
      const ports = virtualPorts()
      const faults: (Fault | undefined)[] = []
      const table = withFaults(ports.table, () => faults.shift())
      const processes = [0, 1, 2].map(() => createTestCluster({ ...ports, table }))
      const [first] = processes
      assert.ok(first)
      await createTopic(first, 't', 7)
      const consumers = Array.from({ length: 5 }, (_, i) => newConsumer(joinRequest(`m${i}`)))
      let groupEpoch = 0
      for (const { beats, faults: next, waitMs } of done) {
        faults.push(...next)
        // A consumer has one heartbeat under way.
        const each = new Map(beats.map((one) => [one.who, processes[one.process] ?? first]))
        await Promise.all([...each].map(([who, process]) => beat(process, consumers[who] ?? assert.fail())))
        groupEpoch = await checkStored(ports.table, groupEpoch)
        ports.clock.advance(waitMs)
      }
      faults.length = 0
      for (let round = 0; round < 6; round++) {
        ports.clock.advance(5_000)
        for (const [i, consumer] of consumers.entries())
          await beat(processes[(i + round) % 3] ?? first, consumer)
        groupEpoch = await checkStored(ports.table, groupEpoch)
      }
      assert.equal((await first.groups.describeGroup('g')).state, 'STABLE')
      const owned = consumers.flatMap((one) => text(one.owned)).sort()
      assert.deepEqual(owned, ['t-0', 't-1', 't-2', 't-3', 't-4', 't-5', 't-6'])
    }),
    { numRuns: 60 },
  )
})

test('a process that remembers what a member owned gives back nothing that another one has asked back', async () => {
  const ports = virtualPorts()
  const [here, there] = [createTestCluster(ports), createTestCluster(ports)]
  await createTopic(here, 't', 4)
  const [first, second] = [newConsumer(joinRequest('m0')), newConsumer(joinRequest('m1'))]
  await beat(here, first)
  await beat(there, first)
  assert.equal(first.owned.length, 4)
  await beat(here, second)
  await beat(here, first)
  const kept = text(first.owned)
  assert.equal(kept.length, 2)
  await beat(there, first)
  assert.deepEqual(text(first.owned), kept)
  await beat(there, second)
  assert.deepEqual(text([...first.owned, ...second.owned]), ['t-0', 't-1', 't-2', 't-3'])
})
