// What an operation costs in requests and write units: the price of the service, held by tests.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import type { Write } from '../shared/ports/table.ts'
import type { MemoryTable } from '../shared/storage/memory/table.ts'
import { across, assertCosts, createCounted, small } from './support/costs.ts'
import { isSpill } from './support/faultyTable.ts'
import { createTopic, virtualPorts } from './support/logTools.ts'
import { createTestCluster } from './support/testCluster.ts'

test('a warm append is one put and one write, a read of the tail one read and one get an object', async () => {
  await assertCosts(await createCounted(10))
})

test('the same costs on a log of 100,000 commits, and any offset of it is found by a few reads', async () => {
  const worker = new Worker(new URL('./costWorker.ts', import.meta.url), { workerData: 100_000 })
  const [code] = await once(worker, 'exit')
  assert.equal(code, 0)
})

/** The memory table, with the write units of spills told apart. */
function tellSpillsApart(table: MemoryTable) {
  let spillUnits = 0
  const write = (one: Write) => {
    const before = table.consumed().writeUnits
    const outcome = table.write(one)
    if (isSpill([one]) || one.key.sk.startsWith('index/')) spillUnits += table.consumed().writeUnits - before
    return outcome
  }
  return { table: { ...table, write }, spillUnits: () => spillUnits }
}

test('the write units of a commit, with its share of the spills, are few', async (t: TestContext) => {
  const bounds = new Map([
    [1, 1.5],
    [16, 5.5],
  ])
  for (const [partitions, bound] of bounds) {
    const ports = virtualPorts()
    const { table, spillUnits } = tellSpillsApart(ports.table)
    const cluster = createTestCluster({ ...ports, table })
    await createTopic(cluster, 't', 16, { 'millrace.write.path': 's3' })
    const before = ports.table.consumed().writeUnits
    const commits = 1200
    for (let i = 0; i < commits; i++) await cluster.produceRecords('t', across(partitions, small))
    await cluster.idle()
    const units = (ports.table.consumed().writeUnits - before) / commits
    const spills = spillUnits() / commits
    t.diagnostic(
      `${partitions} partitions: ${units.toFixed(2)} write units a commit, ${spills.toFixed(2)} of them spills`,
    )
    assert.ok(units <= bound, `${units} write units a commit over ${partitions} partitions`)
  }
})
