import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KafkaError, StorageError } from '../../../shared/base/errors.ts'
import { limits } from '../../../shared/base/limits.ts'
import type { ObjectStore } from '../../../shared/ports/objectStore.ts'
import { defaultClusterSettings } from '../../../shared/service/settings.ts'
import { countCalls } from '../../support/counting.ts'
import { withFaults } from '../../support/faultyTable.ts'
import {
  batch,
  createLog,
  createTopic,
  kafkaError,
  offsetsOf,
  readAll,
  record,
  sequenced,
  virtualPorts,
} from '../../support/logTools.ts'
import { createTestCluster } from '../../support/testCluster.ts'

const large = 'x'.repeat(limits.inlineFlushBytesMax)

/** A cluster with a topic `t`, whose object store is changed by `change`. */
async function createOn(change: (objects: ObjectStore) => Partial<ObjectStore>) {
  const ports = virtualPorts()
  // Small enough for one of the large records to be worth a flush of its own.
  const flush = { ...defaultClusterSettings.flush, flushesInFlightMax: 4, flushBytesMax: 32 * 1024 }
  const objects = { ...ports.objects, ...change(ports.objects) }
  const cluster = createTestCluster({ ...ports, objects }, { flush })
  await createTopic(cluster, 't')
  return cluster
}

test('a put whose answer was lost and that finds its own object succeeded', async () => {
  let lost = 0
  const cluster = await createOn((objects) => ({
    async putIfAbsent(name, parts) {
      const answer = await objects.putIfAbsent(name, parts)
      if (lost++ === 0) throw new StorageError('unknown', 'lost')
      return answer === 'stored' ? 'exists' : answer
    },
  }))
  assert.deepEqual(offsetsOf(await cluster.produceRecords('t', [record(large)])), [0])
  assert.equal(lost, 2)
  assert.deepEqual(await readAll(cluster), [large])
})

test('a name that somebody else has taken is not used', async () => {
  const names: string[] = []
  const cluster = await createOn((objects) => ({
    async putIfAbsent(name, parts) {
      names.push(name)
      return names.length === 1 ? 'exists' : objects.putIfAbsent(name, parts)
    },
  }))
  assert.deepEqual(offsetsOf(await cluster.produceRecords('t', [record(large)])), [0])
  assert.equal(new Set(names).size, 2)
  assert.deepEqual(await readAll(cluster), [large])
})

test('an inline item whose answer was lost is not written under a second name', async () => {
  const ports = virtualPorts()
  const puts: string[] = []
  const table = withFaults(ports.table, ([write]) => {
    if (!write?.key.pk.includes('/inline/')) return undefined
    puts.push(write.key.pk)
    return puts.length === 1 ? 'lost' : undefined
  })
  const cluster = createTestCluster({ ...ports, table })
  await createTopic(cluster, 't')
  assert.deepEqual(offsetsOf(await cluster.produceRecords('t', [record('small')])), [0])
  assert.deepEqual([puts.length, new Set(puts).size], [2, 1])
  assert.deepEqual(await readAll(cluster), ['small'])
})

test('records whose object cannot be stored are refused, retriable, and nothing is committed', async () => {
  const cluster = await createOn(() => ({
    putIfAbsent: () => Promise.reject(new StorageError('none', 'down')),
  }))
  const [outcome] = await cluster.produceRecords('t', [record(large)])
  assert.ok(outcome && !outcome.ok && outcome.error instanceof KafkaError)
  assert.deepEqual([outcome.error.code, outcome.error.row.retriable], ['KAFKA_STORAGE_ERROR', true])
  assert.deepEqual(await readAll(cluster), [])
})

test('flushes are put side by side and committed in the order in which they were asked for', async () => {
  const waiting: (() => void)[] = []
  const cluster = await createOn((objects) => ({
    async putIfAbsent(name, parts) {
      await new Promise<void>((go) => waiting.push(go))
      return objects.putIfAbsent(name, parts)
    },
  }))
  const producer = { id: 5n, epoch: 0 }
  const sent: Promise<unknown>[] = []
  for (let i = 0; i < 4; i++) {
    sent.push(cluster.produceBatches('t', 0, batch([`${i}${large}`], { ...producer, baseSequence: i })))
    while (waiting.length <= i) await new Promise((resolve) => setImmediate(resolve))
  }
  for (const go of waiting.toReversed()) go()
  await Promise.all(sent)
  assert.deepEqual(
    (await readAll(cluster)).map((value) => value?.[0]),
    ['0', '1', '2', '3'],
  )
})

test('five requests of a producer in flight at a time keep their order', async () => {
  const { cluster } = await createLog()
  for (let from = 0; from < 100; from += 5) {
    const answers = [0, 1, 2, 3, 4].map((i) => cluster.produceBatches('t', 0, sequenced(1n, from + i)))
    assert.deepEqual(
      (await Promise.all(answers)).map(({ baseOffsets: [offset] }) => offset),
      [from, from + 1, from + 2, from + 3, from + 4],
    )
  }
})

test('requests that come while a flush lingers share it', async () => {
  const settings = { flush: { ...defaultClusterSettings.flush, lingerMs: 5 } }
  const ports = virtualPorts()
  const counted = countCalls(ports)
  const cluster = createTestCluster({ ...counted, clock: ports.clock }, settings)
  await createTopic(cluster, 't', 16)
  await cluster.describeTopic('t')
  await cluster.produceRecords('t', [record('warm')])
  const start = ports.clock.now()
  const calls = await counted.during(() =>
    Promise.all(Array.from({ length: 16 }, (_, p) => cluster.produceRecords('t', [record(large, p)]))),
  )
  assert.deepEqual([calls.puts, calls.tableWrites], [1, 1])
  assert.equal(ports.clock.now() - start, 5)
})

test('a flush is sent before its time when it is large or has many requests', async () => {
  const ports = virtualPorts()
  const flush = {
    ...defaultClusterSettings.flush,
    lingerMs: 60_000,
    flushBytesMax: 1000,
    flushRequestsMax: 3,
  }
  const cluster = createTestCluster(ports, { flush })
  await createTopic(cluster, 't')
  const start = ports.clock.now()
  await cluster.produceRecords('t', [record('x'.repeat(1000))])
  await Promise.all(['a', 'b', 'c'].map((value) => cluster.produceRecords('t', [record(value)])))
  assert.equal(ports.clock.now(), start)
  await cluster.produceRecords('t', [record('alone')])
  assert.equal(ports.clock.now(), start + 60_000)
})

test('the write path of a topic decides where small and large records go', async () => {
  const cases = [
    ['auto', 100, { puts: 0, tableWrites: 2 }],
    ['auto', 9000, { puts: 1, tableWrites: 1 }],
    ['s3', 100, { puts: 1, tableWrites: 1 }],
    ['inline', 200_000, { puts: 0, tableWrites: 2 }],
    ['inline', 300_000, { puts: 1, tableWrites: 1 }],
  ] as const
  for (const [writePath, size, expected] of cases) {
    const ports = virtualPorts()
    const counted = countCalls(ports)
    const cluster = createTestCluster({ ...counted, clock: ports.clock })
    await createTopic(cluster, 't', 1, { 'millrace.write.path': writePath })
    const produce = () => cluster.produceRecords('t', [record('x'.repeat(size))])
    // The first commit also tells the compactor that there is a log.
    await produce()
    await cluster.idle()
    const { puts, tableWrites } = await counted.during(produce)
    assert.deepEqual({ puts, tableWrites }, expected, `${writePath}, ${size} bytes`)
    assert.deepEqual(await readAll(cluster), ['x'.repeat(size), 'x'.repeat(size)])
  }
})

test('an append of no batches is a mistake that is heard of', async () => {
  const { cluster } = await createLog()
  await assert.rejects(cluster.produceBatches('t', 0, new Uint8Array(0)), kafkaError('INVALID_RECORD'))
  assert.deepEqual(await cluster.produceRecords('t', []), [])
})

test('what was asked for is stored when the appender is idle', async () => {
  const settings = { flush: { ...defaultClusterSettings.flush, lingerMs: 50 } }
  const { cluster, ports } = await createLog({ settings })
  let answered = 0
  for (let i = 0; i < 40; i++) void cluster.produceRecords('t', [record(`v${i}`)]).then(() => answered++)
  await Promise.resolve()
  while ((await createTestCluster(ports).listOffsets('t', 0, { kind: 'latest' })).offset === 0)
    await cluster.idle()
  assert.equal(answered, 40)
})

test('requests of very many batches are answered: what one costs does not grow with the others', async () => {
  const cluster = await createOn(() => ({}))
  const one = batch([''])
  // Were each compared with all others, it would be minutes.
  const body = Buffer.concat(Array.from({ length: 10_000 }, () => one))
  const answers = await Promise.all(Array.from({ length: 15 }, () => cluster.produceBatches('t', 0, body)))
  const offsets = new Set(answers.flatMap(({ baseOffsets }) => baseOffsets))
  assert.equal(offsets.size, 150_000)
})
