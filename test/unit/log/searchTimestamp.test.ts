import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { countCalls } from '../../support/counting.ts'
import { batch, createLog, createTopic, virtualPorts } from '../../support/logTools.ts'
import { createTestCluster } from '../../support/testCluster.ts'

interface LogRecord {
  readonly offset: number
  readonly timestamp: number
}

const none = { offset: -1, timestamp: -1 }

/** What Kafka's ListOffsets says, record by record. */
const firstAtLeast = (records: readonly LogRecord[], timestamp: number): LogRecord =>
  records.find((one) => one.timestamp >= timestamp) ?? none

const largest = (records: readonly LogRecord[]): LogRecord => {
  const max = Math.max(...records.map(({ timestamp }) => timestamp))
  return max < 0 ? none : firstAtLeast(records, max)
}

const timestamps = fc.array(fc.oneof(fc.integer({ min: 0, max: 60 }), fc.constant(-1)), {
  minLength: 1,
  maxLength: 4,
})
const logs = fc.record({
  batches: fc.array(timestamps, { minLength: 1, maxLength: 60 }),
  deleted: fc.double({ min: 0, max: 1.2, noNaN: true }),
})

test('offsets by timestamp are those of a look at every record, after DeleteRecords too', async () => {
  await fc.assert(
    fc.asyncProperty(logs, async ({ batches, deleted }) => {
      const { cluster } = await createLog()
      for (const one of batches) await cluster.produceBatches('t', 0, batch(one))
      await cluster.idle()
      const all = batches.flat().map((timestamp, offset) => ({ offset, timestamp }))
      const start = Math.min(all.length, Math.floor(Math.max(0, deleted - 0.3) * all.length))
      await cluster.deleteRecords('t', 0, start)
      const left = all.slice(start)
      for (const timestamp of [0, 1, 30, 59, 60, 61]) {
        const found = await cluster.listOffsets('t', 0, { kind: 'timestamp', timestamp })
        assert.deepEqual(found, firstAtLeast(left, timestamp), `timestamp ${timestamp} from ${start} on`)
      }
      assert.deepEqual(
        await cluster.listOffsets('t', 0, { kind: 'maxTimestamp' }),
        left.length > 0 ? largest(left) : none,
      )
    }),
    { numRuns: 60 },
  )
})

test('an empty partition has no record at any time', async () => {
  const { cluster } = await createLog()
  assert.deepEqual(await cluster.listOffsets('t', 0, { kind: 'timestamp', timestamp: 0 }), none)
  assert.deepEqual(await cluster.listOffsets('t', 0, { kind: 'maxTimestamp' }), none)
})

test('where timestamps are out of order the earliest offset is answered, not the nearest time', async () => {
  const { cluster } = await createLog()
  for (const timestamp of [10, 500, 20, 30, 500, 600])
    await cluster.produceBatches('t', 0, batch([timestamp]))
  const at = (timestamp: number) => cluster.listOffsets('t', 0, { kind: 'timestamp', timestamp })
  assert.deepEqual(await at(25), { offset: 1, timestamp: 500 })
  assert.deepEqual(await at(501), { offset: 5, timestamp: 600 })
  assert.deepEqual(await at(601), none)
})

/** Most requests of one search, in a log of batches whose timestamps are the number of their commit. */
async function requestsOfSearch(commits: number, recordsPerBatch: number): Promise<number> {
  const ports = virtualPorts()
  const writer = createTestCluster(ports)
  await createTopic(writer, 't')
  for (let commit = 0; commit < commits; commit++) {
    await writer.produceBatches('t', 0, batch(new Array<number>(recordsPerBatch).fill(commit)))
  }
  await writer.idle()
  const counted = countCalls(ports)
  let most = 0
  for (const share of [0.05, 0.33, 0.5, 0.77, 0.98]) {
    const reader = createTestCluster({ ...counted, clock: ports.clock })
    const timestamp = Math.floor(commits * share)
    const calls = await counted.during(async () => {
      const found = await reader.listOffsets('t', 0, { kind: 'timestamp', timestamp })
      assert.equal(found.offset, timestamp * recordsPerBatch)
    })
    most = Math.max(most, calls.tableReads + calls.objectReads)
  }
  return most
}

test('the requests of a search grow with the logarithm of the commits, not of the records', async (t) => {
  const [small, large] = [await requestsOfSearch(150, 1), await requestsOfSearch(150 * 32, 1)]
  const wide = await requestsOfSearch(150, 500)
  t.diagnostic(`150 commits: ${small} requests, 32 times as many: ${large}, of 500 records each: ${wide}`)
  assert.ok(
    large - small <= Math.log2(32) + 2,
    `${small} requests for 150 commits, ${large} for 32 times as many`,
  )
  assert.ok(wide <= small + 2, `${small} requests for batches of one record, ${wide} for batches of 500`)
})
