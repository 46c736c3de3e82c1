// The requests that an append and a read cost, asserted on a log of any length: the same numbers on every one.
import assert from 'node:assert/strict'
import { limits } from '../../shared/base/limits.ts'
import type { Cluster } from '../../shared/service/cluster.ts'
import { countCalls } from './counting.ts'
import { batch, createTopic, fetchRequest, record, recordsOf, sequenced, virtualPorts } from './logTools.ts'
import { createTestCluster } from './testCluster.ts'

/** With the encoding's own bytes above what goes inline, whatever the number of records. */
const large = 'x'.repeat(limits.inlineFlushBytesMax)
export const small = 'x'.repeat(100)

/**
 * A cluster whose calls are counted, with a topic `t` of 16 partitions and a log of `commits` commits in partition 0.
 */
export async function createCounted(commits = 1) {
  const ports = virtualPorts()
  const counted = countCalls(ports)
  const cluster = createTestCluster({ ...counted, clock: ports.clock })
  await createTopic(cluster, 't', 16)
  await fill(cluster, commits)
  return { cluster, ports, counted }
}

async function fill(cluster: Cluster & { idle(): Promise<void> }, commits: number): Promise<void> {
  const one = batch(['x'])
  for (let i = 0; i < commits; i++) await cluster.produceBatches('t', 0, one)
  await cluster.idle()
}

export const across = (partitions: number, value: string) =>
  Array.from({ length: partitions }, (_, partition) => record(value, partition))

/** So that no spill falls into what is counted. */
async function shortenTail({ cluster, counted }: Awaited<ReturnType<typeof createCounted>>): Promise<void> {
  for (let i = 0; i < limits.tailSpillLength; i++) {
    const { tableWrites } = await counted.during(async () => {
      await cluster.produceRecords('t', [record(large)])
      await cluster.idle()
    })
    if (tableWrites > 1) return
  }
  assert.fail('the tail was never spilled')
}

const append = { puts: 1, objectReads: 0, tableReads: 0, tableWrites: 1 }
const inlineAppend = { puts: 0, objectReads: 0, tableReads: 0, tableWrites: 2 }

export async function assertCosts(setup: Awaited<ReturnType<typeof createCounted>>): Promise<void> {
  const { cluster, counted } = setup
  await shortenTail(setup)
  for (const partitions of [1, 16]) {
    const calls = await counted.during(() => cluster.produceRecords('t', across(partitions, large)))
    assert.deepEqual(calls, append, `${partitions} partitions`)
  }
  const inline = await counted.during(() => cluster.produceRecords('t', across(16, small)))
  assert.deepEqual(inline, inlineAppend, 'small and inline')
  const { id } = await cluster.initProducer()
  const first = await counted.during(() => cluster.produceBatches('t', 0, sequenced(id, 0)))
  const second = await counted.during(() => cluster.produceBatches('t', 0, sequenced(id, 1)))
  assert.deepEqual([first, second], [inlineAppend, inlineAppend], 'idempotent')
  const { offset } = await cluster.listOffsets('t', 0, { kind: 'latest' })
  const read = () => cluster.fetch(fetchRequest([[0, offset - 3]]))
  const cold = await counted.during(read)
  assert.deepEqual(
    [cold.tableReads - 3, cold.objectReads, cold.tableWrites],
    [1, 0, 0],
    'three inline items and the tail',
  )
  assert.deepEqual(
    await counted.during(read),
    { puts: 0, objectReads: 0, tableReads: 1, tableWrites: 0 },
    'again',
  )
  await cluster.produceRecords('t', across(16, large))
  const all = Array.from({ length: 16 }, async (_, partition) => {
    const latest = await cluster.listOffsets('t', partition, { kind: 'latest' })
    return [partition, latest.offset - 1] as const
  })
  const newest = fetchRequest(await Promise.all(all))
  const objects = await counted.during(async () => {
    const fetched = await cluster.fetch(newest)
    assert.ok(fetched.every((one) => recordsOf(one).length === 1))
  })
  assert.deepEqual(
    objects,
    { puts: 0, objectReads: 1, tableReads: 1, tableWrites: 0 },
    '16 partitions of one object',
  )
}

/** A reader that knows nothing yet finds any offset of a log by a few reads. */
export async function assertCatchUpCosts(
  { counted, ports }: Awaited<ReturnType<typeof createCounted>>,
  offsets: readonly number[],
): Promise<void> {
  for (const offset of offsets) {
    const reader = createTestCluster({ ...counted, clock: ports.clock })
    const calls = await counted.during(async () => {
      const [fetched] = await reader.fetch(fetchRequest([[0, offset]], { partitionMaxBytes: 1 }))
      assert.equal(recordsOf(fetched)[0]?.offset, offset)
    })
    assert.deepEqual(
      [calls.tableReads, calls.objectReads, calls.tableWrites],
      [4, 0, 0],
      `from offset ${offset}`,
    )
  }
}
