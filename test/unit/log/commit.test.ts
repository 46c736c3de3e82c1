import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StorageError } from '../../../shared/base/errors.ts'
import { limits } from '../../../shared/base/limits.ts'
import { createScope } from '../../../shared/metadata/scope.ts'
import { parseSequencer, producerRows } from '../../../shared/metadata/sequencer.ts'
import type { Table, TransactWrite } from '../../../shared/ports/table.ts'
import { systemRandom } from '../../../shared/runtime/clock.ts'
import { createCluster } from '../../../shared/service/createCluster.ts'
import { defaultClusterSettings } from '../../../shared/service/settings.ts'
import { countCalls } from '../../support/counting.ts'
import { type Fault, isCommit, isSpill, withFaults } from '../../support/faultyTable.ts'
import {
  batch,
  createTopic,
  kafkaError,
  offsetsOf,
  readAll,
  record,
  sequenced,
  virtualPorts,
} from '../../support/logTools.ts'
import { createTestCluster } from '../../support/testCluster.ts'

/** A cluster with a topic `t`, whose commits fail as `faults` says, one after the other. */
async function createFaulty(faults: (Fault | undefined)[], hits: typeof isCommit = isCommit) {
  const ports = virtualPorts()
  const choose = (writes: readonly TransactWrite[]) => (hits(writes) ? faults.shift() : undefined)
  const counted = countCalls({ ...ports, table: withFaults(ports.table, choose) })
  const cluster = createTestCluster({ ...counted, clock: ports.clock })
  await createTopic(cluster, 't', 3)
  return { cluster, ports, counted }
}

test('a commit whose answer was lost is found and answered with its offsets', async () => {
  const { cluster } = await createFaulty([undefined, 'lost'])
  await cluster.produceRecords('t', [record('before')])
  const outcomes = await cluster.produceRecords('t', [record('a'), record('b', 1), record('c')])
  assert.deepEqual(offsetsOf(outcomes), [1, 0, 2])
  assert.deepEqual(await readAll(cluster), ['before', 'a', 'c'])
})

test('a writer that was frozen between two attempts of a commit gives it up, and says what it knows', async () => {
  for (const effect of ['none', 'unknown'] as const) {
    const ports = virtualPorts()
    let attempts = 0
    const table: Table = {
      ...ports.table,
      async write(write) {
        if (!isCommit([write]) || ++attempts > 1) return ports.table.write(write)
        await ports.clock.sleep(limits.writerPatienceMs + 1)
        throw new StorageError(effect, 'as if frozen')
      },
    }
    const cluster = createTestCluster({ ...ports, table })
    await createTopic(cluster, 't', 1)
    const { id, epoch } = await cluster.initProducer()
    const producer = { id, epoch, baseSequence: 0 }
    const [outcome] = await cluster.produceRecords('t', [record('late')], producer)
    assert.ok(outcome && !outcome.ok)
    assert.equal(outcome.error.code, effect === 'none' ? 'KAFKA_STORAGE_ERROR' : 'REQUEST_TIMED_OUT')
    assert.deepEqual(await readAll(cluster), [])
  }
})

test('a commit whose answer was lost is found even after it was spilled', async () => {
  const { cluster, ports } = await createFaulty([])
  const other = createTestCluster(ports)
  const choose = (writes: readonly TransactWrite[]): Fault | undefined =>
    isCommit(writes) ? 'lost' : undefined
  const faulty = withFaults(ports.table, choose)
  const slow = createTestCluster({
    ...ports,
    table: {
      ...faulty,
      write: (write) =>
        faulty.write(write).catch(async (error: unknown) => {
          for (let i = 0; i < 40; i++) await other.produceRecords('t', [record(`o${i}`)])
          await other.idle()
          throw error
        }),
    },
  })
  assert.deepEqual(offsetsOf(await slow.produceRecords('t', [record('mine')])), [0])
  assert.equal((await readAll(cluster)).length, 41)
})

test('a plain commit that never landed is not repeated: the client hears that it may have been stored', async () => {
  const { cluster } = await createFaulty(['dropped'])
  const [outcome] = await cluster.produceRecords('t', [record('a')])
  assert.ok(outcome && !outcome.ok)
  assert.equal(outcome.error.code, 'REQUEST_TIMED_OUT')
  assert.equal(outcome.error.row.effect, 'unknown')
  assert.deepEqual(await readAll(cluster), [])
  assert.deepEqual(offsetsOf(await cluster.produceRecords('t', [record('b')])), [0])
})

test('an idempotent commit that never landed is repeated and stored exactly once', async () => {
  for (const faults of [['dropped'], ['dropped', 'dropped'], ['lost'], ['dropped', 'lost']] as const) {
    const { cluster } = await createFaulty([...faults])
    const { baseOffsets } = await cluster.produceBatches('t', 0, sequenced(7n, 0, 2))
    assert.deepEqual(baseOffsets, [0])
    assert.deepEqual(await readAll(cluster), ['7/0/0', '7/0/1'])
  }
})

test('in one flush a lost answer fails the plain batches and repeats the idempotent ones', async () => {
  const { cluster } = await createFaulty(['dropped'])
  const [plain, idempotent] = await Promise.allSettled([
    cluster.produceBatches('t', 0, batch(['plain'])),
    cluster.produceBatches('t', 0, sequenced(7n, 0)),
  ])
  assert.equal(plain?.status, 'rejected')
  assert.equal(plain?.status === 'rejected' && plain.reason.code, 'REQUEST_TIMED_OUT')
  assert.deepEqual(idempotent?.status === 'fulfilled' && idempotent.value.baseOffsets, [0])
  assert.deepEqual(await readAll(cluster), ['7/0/0'])
})

test('a storage that throttles first and answers then is repeated without a trace', async () => {
  const { cluster } = await createFaulty(['refused', 'refused'])
  assert.deepEqual(offsetsOf(await cluster.produceRecords('t', [record('a')])), [0])
})

test('a storage that throttles for good is a retriable refusal without effect', async () => {
  const { cluster } = await createFaulty(new Array(6).fill('refused'))
  assert.deepEqual(offsetsOf(await cluster.produceRecords('t', [record('a')])), ['KAFKA_STORAGE_ERROR'])
  assert.deepEqual(await readAll(cluster), [])
})

test('what may have been stored is never said to be not stored, whatever fails afterwards', async () => {
  for (const after of ['refused', 'dropped'] as const) {
    const { cluster } = await createFaulty(['dropped', ...new Array(200).fill(after)])
    await assert.rejects(cluster.produceBatches('t', 0, sequenced(7n, 0)), kafkaError('REQUEST_TIMED_OUT'))
  }
})

test('a refusal of one batch leaves its neighbours in the flush alone', async () => {
  const { cluster } = await createFaulty([])
  await createTopic(cluster, 'gone')
  await cluster.produceRecords('gone', [record('x')])
  await cluster.produceBatches('t', 0, sequenced(1n, 0, 3))
  await cluster.produceBatches('t', 0, sequenced(2n, 0, 1, 4))
  const { topicId } = await cluster.describeTopic('gone')
  await cluster.deleteTopic('gone')
  assert.notEqual(topicId, '')
  const results = await Promise.allSettled([
    cluster.produceBatches('t', 0, sequenced(1n, 1, 2)),
    cluster.produceBatches('t', 0, sequenced(1n, 9)),
    cluster.produceBatches('t', 0, batch(['plain'])),
    cluster.produceBatches('t', 0, sequenced(2n, 1, 1, 3)),
    cluster.produceBatches('t', 1, sequenced(1n, 0)),
    cluster.produceBatches('gone', 0, batch(['x'])),
    cluster.produceBatches('t', 3, batch(['x'])),
    cluster.produceBatches('t', 0, sequenced(1n, 3)),
  ])
  const answers = results.map((one) => (one.status === 'fulfilled' ? one.value.baseOffsets : one.reason.code))
  assert.deepEqual(answers, [
    [1],
    'OUT_OF_ORDER_SEQUENCE_NUMBER',
    [4],
    'INVALID_PRODUCER_EPOCH',
    [0],
    'UNKNOWN_TOPIC_OR_PARTITION',
    'PARTITION_NOT_FOUND',
    [5],
  ])
  const values = await readAll(cluster)
  assert.deepEqual(values, ['1/0/0', '1/0/1', '1/0/2', '2/4/0', 'plain', '1/0/3'])
})

test('a topic that is deleted while a flush is under way fails its own records alone', async () => {
  const { ports } = await createFaulty([])
  const other = createTestCluster(ports)
  const { topicId } = await createTopic(other, 'gone')
  let hit = false
  const table = {
    ...ports.table,
    write: async (...[write]: Parameters<typeof ports.table.write>) => {
      if (isCommit([write]) && write.key.pk.includes(topicId) && !hit) {
        hit = true
        await other.deleteTopic('gone')
      }
      return ports.table.write(write)
    },
  }
  const cluster = createTestCluster({ ...ports, table })
  const [kept, gone] = await Promise.allSettled([
    cluster.produceBatches('t', 0, batch(['kept'])),
    cluster.produceBatches('gone', 0, batch(['x'])),
  ])
  assert.equal(kept?.status, 'fulfilled')
  assert.equal(gone?.status === 'rejected' && gone.reason.code, 'UNKNOWN_TOPIC_OR_PARTITION')
})

test('a failure of ours in one sequencer does not fail the records of another one', async () => {
  const { ports } = await createFaulty([])
  const broken = new Error('a mistake')
  const table = {
    ...ports.table,
    write: (...[write]: Parameters<typeof ports.table.write>) =>
      isCommit([write]) &&
      write.kind === 'update' &&
      write.actions.some((action) => action.attribute === 'n16')
        ? Promise.reject(broken)
        : ports.table.write(write),
  }
  const cluster = createTestCluster({ ...ports, table })
  await cluster.createPartitions('t', 17, false)
  const [kept, failed] = await Promise.allSettled([
    cluster.produceBatches('t', 0, batch(['kept'])),
    cluster.produceBatches('t', 16, batch(['x'])),
  ])
  assert.equal(kept?.status, 'fulfilled')
  assert.equal(failed?.status === 'rejected' && failed.reason, broken)
  await cluster.idle()
})

test('a thousand producers in one flush are all stored', async () => {
  const { cluster } = await createFaulty([])
  const ids = Array.from({ length: 1000 }, (_, i) => BigInt(i))
  for (const sequence of [0, 1]) {
    const answers = await Promise.all(
      ids.map((id) => cluster.produceBatches('t', 0, sequenced(id, sequence))),
    )
    assert.deepEqual(
      answers.map(({ baseOffsets }) => baseOffsets[0]),
      ids.map((_, i) => sequence * 1000 + i),
    )
  }
})

test('thousands of idempotent batches neither fill the sequencer nor fail their neighbours', async () => {
  const { cluster, ports } = await createFaulty([])
  const body = Buffer.concat(Array.from({ length: 5000 }, (_, i) => sequenced(1n, i)))
  const alternating = Array.from({ length: 800 }, (_, i) =>
    cluster.produceBatches('t', 1, sequenced(BigInt(2 + (i % 2)), i >> 1)),
  )
  const [large, neighbour] = await Promise.all([
    cluster.produceBatches('t', 0, body),
    cluster.produceRecords('t', [record('x', 2)]),
    ...alternating,
  ])
  await cluster.idle()
  assert.deepEqual([large.baseOffsets[0], large.baseOffsets.at(-1)], [0, 4999])
  assert.deepEqual(offsetsOf(neighbour), [0])
  const again = await cluster.produceBatches('t', 0, sequenced(1n, 1234))
  assert.deepEqual([again.duplicate, again.baseOffsets], [true, [1234]])
  const values = await readAll(cluster, 1)
  for (const id of [2, 3]) {
    const mine = values.filter((value) => value?.startsWith(`${id}/`))
    assert.deepEqual(
      mine,
      Array.from({ length: 400 }, (_, i) => `${id}/0/${i}`),
      'each producer keeps its order',
    )
  }
  const { topicId } = await cluster.describeTopic('t')
  const item = await ports.table.get(createScope('test').sequencer(topicId, 0))
  assert.ok(item)
  const tail = parseSequencer(item).tailBytes
  assert.ok(tail.every((entry) => entry.length <= limits.tailEntryBytesMax))
})

test('a producer that was evicted goes on, and what it sends again is a duplicate', async () => {
  const { cluster, ports, counted } = await createFaulty([])
  const ids = Array.from({ length: 3 * limits.producersPerSequencer }, (_, i) => BigInt(i))
  for (let i = 0; i < ids.length; i += 16) {
    await Promise.all(ids.slice(i, i + 16).map((id) => cluster.produceBatches('t', 0, sequenced(id, 0, 2))))
    ports.clock.advance(60_000)
  }
  await cluster.idle()
  const { topicId } = await cluster.describeTopic('t')
  const readItem = async () => {
    const item = await ports.table.get(createScope('test').sequencer(topicId, 0))
    assert.ok(item)
    return parseSequencer(item)
  }
  assert.ok((await readItem()).evictions > 0)
  assert.equal((await readItem()).attributes[`p0.0`], undefined, 'producer 0 was evicted')
  const again = await cluster.produceBatches('t', 0, sequenced(0n, 0, 2))
  assert.deepEqual([again.duplicate, again.baseOffsets], [true, [0]])
  await assert.rejects(
    cluster.produceBatches('t', 0, sequenced(0n, 5)),
    kafkaError('OUT_OF_ORDER_SEQUENCE_NUMBER', { expectedSequence: 2 }),
  )
  const goesOn = await cluster.produceBatches('t', 0, sequenced(0n, 2))
  assert.deepEqual([goesOn.duplicate, goesOn.baseOffsets], [false, [ids.length * 2]])
  const warm = await counted.during(() => cluster.produceBatches('t', 0, sequenced(0n, 3)))
  assert.equal(warm.tableReads, 0, 'it is back in the sequencer')
})

test('many producers that append once do not make the sequencer grow', async () => {
  const { cluster, ports } = await createFaulty([])
  const { topicId } = await cluster.describeTopic('t')
  let most = 0
  for (let round = 0; round < 60; round++) {
    const ids = Array.from({ length: 40 }, (_, i) => BigInt(round * 40 + i))
    await Promise.all(ids.map((id) => cluster.produceBatches('t', 0, sequenced(id, 0))))
    await cluster.idle()
    const item = await ports.table.get(createScope('test').sequencer(topicId, 0))
    assert.ok(item)
    most = Math.max(most, producerRows(parseSequencer(item)).length)
  }
  const betweenSpills = (limits.tailSpillCount + 1) * 40
  assert.ok(most <= limits.producersPerSequencer + betweenSpills, `${most} rows`)
})

test('a tail that nobody can spill takes commits until it is full, and again once it was spilled', async () => {
  const ports = virtualPorts()
  let broken = true
  const table = withFaults(ports.table, (writes) => (broken && isSpill(writes) ? 'refused' : undefined))
  const failures: unknown[] = []
  const deps = {
    ...ports,
    table,
    random: systemRandom,
    scope: createScope('test'),
    reportBackgroundFailure: (error: unknown) => failures.push(error),
  }
  const cluster = createCluster(deps, 'local', defaultClusterSettings)
  await createTopic(cluster, 't')
  const values = Array.from({ length: limits.tailLengthMax }, (_, i) => `v${i}`)
  for (const value of values) {
    await cluster.produceRecords('t', [record(value)])
    await cluster.idle()
  }
  assert.ok(failures.length > 0, 'the operator hears of it')
  assert.deepEqual(offsetsOf(await cluster.produceRecords('t', [record('x')])), ['KAFKA_STORAGE_ERROR'])
  broken = false
  assert.deepEqual(offsetsOf(await cluster.produceRecords('t', [record('last')])), [values.length])
  assert.deepEqual(await readAll(cluster), [...values, 'last'])
})
