import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StorageError } from '../../../shared/base/errors.ts'
import { countCalls } from '../../support/counting.ts'
import { withFaults } from '../../support/faultyTable.ts'
import { kafkaError, virtualPorts } from '../../support/logTools.ts'
import { createTestCluster } from '../../support/testCluster.ts'

test('producer ids are given out once, across processes and blocks, from epoch 0', async () => {
  const ports = virtualPorts()
  const processes = [createTestCluster(ports), createTestCluster(ports), createTestCluster(ports)]
  const given = await Promise.all(Array.from({ length: 3300 }, (_, i) => processes[i % 3]?.initProducer()))
  assert.ok(given.every((one) => one?.epoch === 0 && one.id >= 0n))
  assert.equal(new Set(given.map((one) => one?.id)).size, given.length)
})

test('a thousand ids cost one write', async () => {
  const ports = virtualPorts()
  const counted = countCalls(ports)
  const cluster = createTestCluster({ ...counted, clock: ports.clock })
  const calls = await counted.during(async () => {
    for (let i = 0; i < 1000; i++) await cluster.initProducer()
  })
  assert.deepEqual([calls.tableReads, calls.tableWrites], [0, 1])
})

test('a block whose answer was lost is left unused, never given out twice', async () => {
  const ports = virtualPorts()
  let lost = 0
  const table = withFaults(ports.table, () => (lost++ < 2 ? 'lost' : undefined))
  const first = await createTestCluster({ ...ports, table }).initProducer()
  const second = await createTestCluster(ports).initProducer()
  assert.deepEqual([first.id, second.id], [2000n, 3000n])
})

test('a storage that was down does not spoil the ids that come after it', async () => {
  const ports = virtualPorts()
  let down = true
  const write: typeof ports.table.write = (one) =>
    down ? Promise.reject(new StorageError('none', 'down')) : ports.table.write(one)
  const cluster = createTestCluster({ ...ports, table: { ...ports.table, write } })
  await assert.rejects(cluster.initProducer(), kafkaError('KAFKA_STORAGE_ERROR'))
  down = false
  assert.equal((await cluster.initProducer()).id, 0n)
})
