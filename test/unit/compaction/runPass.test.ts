// The planner: what a pass costs, what stays on the work list, how a pass ends, and two workers at once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PartitionWorker } from '../../../shared/compaction/deps.ts'
import { newPartition } from '../../../shared/metadata/sequencer.ts'
import type { Table } from '../../../shared/ports/table.ts'
import { createCompactor, defaultCompactionSettings } from '../../../shared/service/compactor.ts'
import {
  collectAll,
  createMill,
  hour,
  keyed,
  type Mill,
  minute,
  pass,
  produceEach,
  readLog,
  settle,
  shown,
} from '../../support/compactorTools.ts'
import { countCalls } from '../../support/counting.ts'
import { createTopic } from '../../support/logTools.ts'

const work = async (mill: Mill) =>
  (await mill.items()).filter(({ key }) => key.pk === mill.scope.workPk).map(({ key }) => key.sk)

/** `count` partitions that nobody has written to, 16 to a sequencer, as creating topics leaves them. */
async function addIdlePartitions(mill: Mill, count: number): Promise<void> {
  for (let group = 0; group * 16 < count; group++) {
    const partitions = Array.from({ length: 16 }, (_, i) => newPartition((group % 96) * 16 + i))
    const attributes = Object.assign({ topic: `idle${Math.floor(group / 96)}`, tail: [] }, ...partitions)
    const key = mill.scope.sequencer(`idle${Math.floor(group / 96)}`, group % 96)
    await mill.table.write({ kind: 'put', key, attributes })
  }
}

test('a pass with one written partition costs the same beside 10 and beside 100,000 idle ones', async () => {
  const costOf = async (idle: number) => {
    const mill = createMill()
    await addIdlePartitions(mill, idle)
    const cluster = mill.cluster()
    await createTopic(cluster, 't', 1)
    await produceEach(cluster, [keyed(null, 'a')])
    mill.clock.advance(11 * minute)
    const counted = countCalls(mill)
    const compactor = mill.compactor({}, counted)
    const merging = await counted.during(() => pass(mill, compactor))
    const nothing = await counted.during(() => pass(mill, compactor))
    await pass(mill, compactor)
    const idlePass = await counted.during(() => pass(mill, compactor))
    return { merging, nothing, idlePass }
  }
  const few = await costOf(10)
  assert.deepEqual(await costOf(100_000), few)
  assert.ok(few.merging.tableReads + few.merging.tableWrites < 40, JSON.stringify(few.merging))
  assert.deepEqual(few.idlePass, { puts: 0, objectReads: 0, tableReads: 1, tableWrites: 0 })
})

test('the work list does not grow with the number of passes', async () => {
  const configs = [
    { 'cleanup.policy': 'delete', 'retention.ms': `${7 * 24 * hour}` },
    { 'cleanup.policy': 'compact' },
    { 'cleanup.policy': 'compact,delete', 'min.compaction.lag.ms': `${hour}` },
  ]
  for (const [i, config] of configs.entries()) {
    const mill = createMill(i)
    const cluster = mill.cluster()
    await createTopic(cluster, 't', 1, config)
    const compactor = mill.compactor({ segmentBytesMax: 20_000 })
    let most = 0
    for (let minutes = 0; minutes < 24 * 60; minutes += 5) {
      if (mill.random.float() < 0.4) await produceEach(cluster, [keyed(`k${minutes % 7}`, 'x'.repeat(100))])
      mill.clock.advance(5 * minute)
      await pass(mill, compactor)
      most = Math.max(most, (await work(mill)).length)
    }
    assert.ok(most <= 40, `${most} entries for one sequencer with ${JSON.stringify(config)}`)
    assert.deepEqual(mill.failures, [])
  }
})

test('a topic that is never due again leaves the work list empty', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 1, { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '1' })
  const compactor = mill.compactor()
  for (let round = 0; round < 5; round++) {
    await produceEach(cluster, [keyed('a', `${round}`)])
    await settle(mill, compactor)
    for (let i = 0; i < 3; i++) {
      mill.clock.advance(4 * hour)
      await pass(mill, compactor)
    }
  }
  assert.deepEqual(await work(mill), [])
})

test('a sequencer that is due several times has one turn in a pass', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  const { topicId } = await createTopic(cluster, 't', 1)
  await produceEach(cluster, [keyed(null, 'a')])
  mill.clock.advance(11 * minute)
  const marks = { kind: 'add', attribute: 'marks', value: 1 } as const
  for (let due = 1; due < 10; due++) {
    await mill.table.write({ kind: 'update', key: mill.scope.work(topicId, 0, due), actions: [marks] })
  }
  const compactor = mill.compactor()
  assert.equal((await pass(mill, compactor)).sequencers, 1)
  assert.equal(compactor.report.counters.segmentsWritten, 1)
  assert.ok((await work(mill)).every((sk) => Number(sk.split('/')[0]) === 0 || Number(sk.split('/')[0]) > 10))
})

test('a mark made while its sequencer is worked on is not lost', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 1)
  await produceEach(cluster, [keyed(null, 'a')])
  mill.clock.advance(11 * minute)
  let wrote = false
  const table: Table = {
    ...mill.table,
    transact: async (writes) => {
      const outcome = await mill.table.transact(writes)
      if (!wrote) {
        wrote = true
        await produceEach(cluster, [keyed(null, 'b')])
        await cluster.idle()
      }
      return outcome
    },
  }
  await pass(mill, mill.compactor({}, { table }))
  assert.ok((await work(mill)).some((sk) => sk.startsWith('000000000000000/')))
  const compactor = mill.compactor()
  await settle(mill, compactor)
  assert.ok(compactor.report.counters.segmentsWritten > 0)
})

test('a mark lost to a crash is made up by the spill of the next commits', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 1)
  const markless: Table = {
    ...mill.table,
    write: (write) => (write.key.pk === mill.scope.workPk ? new Promise(() => {}) : mill.table.write(write)),
  }
  await produceEach(mill.cluster({ table: markless }), [keyed(null, '0')])
  assert.deepEqual(await work(mill), [])
  const restarted = mill.cluster()
  for (let i = 1; i < 16; i++) await produceEach(restarted, [keyed(null, `${i}`)])
  await restarted.idle()
  assert.equal((await work(mill)).length, 1)
})

test('a pass that runs out of time ends at a clean point, and later ones end the work', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 20, { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' })
  for (let i = 0; i < 200; i++) {
    await produceEach(cluster, [{ ...keyed(`k${i % 3}`, `${i}`), partition: i % 20 }])
  }
  mill.clock.advance(11 * minute)
  const slow: Table = {
    ...mill.table,
    transact: async (writes) => {
      mill.clock.advance(1000)
      return mill.table.transact(writes)
    },
  }
  const compactor = mill.compactor({}, { table: slow })
  const { unfinished } = await compactor.run({ deadlineMs: mill.clock.now() + 5000 })
  assert.equal(unfinished, true)
  const early = compactor.report.counters.segmentsWritten
  assert.ok(early < 20, `${early}`)
  assert.equal((await readLog(mill.cluster(), 't', 19)).length, 10)
  let passes = 1
  for (; passes < 60; passes++) {
    const outcome = await compactor.run({ deadlineMs: mill.clock.now() + 5000 })
    if (!outcome.unfinished) break
  }
  assert.ok(passes < 60)
  for (let partition = 0; partition < 20; partition++) {
    assert.ok((await readLog(mill.cluster(), 't', partition)).length <= 3)
  }
  assert.deepEqual(mill.failures, [])
})

test('two workers on one partition: one works, the other changes nothing', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const mill = createMill(seed)
    const cluster = mill.cluster()
    await createTopic(cluster, 't', 1, { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' })
    const last = new Map<string, string>()
    for (let i = 0; i < 60; i++) {
      last.set(`k${i % 7}`, `${i}`)
      await produceEach(cluster, [keyed(`k${i % 7}`, `${i}`)])
    }
    mill.clock.advance(11 * minute)
    const freezing: Table = {
      ...mill.table,
      transact: async (writes) => {
        if (mill.random.float() < 0.4) {
          mill.clock.advance(2 * minute)
          await pass(mill, mill.compactor())
        }
        return mill.table.transact(writes)
      },
    }
    const workers = [1, 2, 3].map(() => mill.compactor({ segmentBytesMax: 800 }, { table: freezing }))
    await Promise.all(workers.map((worker) => pass(mill, worker)))
    await settle(mill, mill.compactor())
    for (let i = 0; i < 3; i++) {
      mill.clock.advance(4 * hour)
      await pass(mill, mill.compactor())
      await collectAll(mill, mill.compactor())
    }
    const left = shown(await readLog(mill.cluster())).map((line) => line.split(':')[1])
    assert.deepEqual(left.sort(), [...last].map(([key, value]) => `${key}=${value}`).sort(), `seed ${seed}`)
    assert.deepEqual(mill.failures, [])
  }
})

test('a worker that fails stops its own partition only, which is due again later', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 3)
  await produceEach(
    cluster,
    [0, 1, 2].map((partition) => ({ ...keyed(null, 'a'), partition })),
  )
  mill.clock.advance(11 * minute)
  const worked: number[] = []
  const worker: PartitionWorker = async ({ partition }) => {
    worked.push(partition)
    if (partition === 1) throw new Error('the worker is gone')
    return { dueMs: undefined }
  }
  const compactor = createCompactor(mill.depsOn({}), defaultCompactionSettings, worker)
  await pass(mill, compactor)
  assert.deepEqual(worked, [0, 1, 2])
  assert.deepEqual([...compactor.report.uncleanable], [['t-1', 'the worker is gone']])
  assert.deepEqual(mill.failures.map(String), ['Error: the worker is gone'])
  const dues = (await work(mill)).map((sk) => Number(sk.split('/')[0]))
  assert.ok(dues.includes(mill.clock.now() + 15 * minute), `${dues}`)
})

test('past its deadline a pass calls no worker any more', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 3)
  await produceEach(
    cluster,
    [0, 1, 2].map((partition) => ({ ...keyed(null, 'a'), partition })),
  )
  mill.clock.advance(11 * minute)
  const worked: number[] = []
  const worker: PartitionWorker = async ({ partition }, deadlineMs) => {
    worked.push(partition)
    mill.clock.advance(deadlineMs - mill.clock.now())
    return { dueMs: undefined }
  }
  const compactor = createCompactor(mill.depsOn({}), defaultCompactionSettings, worker)
  const { unfinished } = await compactor.run({ deadlineMs: mill.clock.now() + minute })
  assert.deepEqual({ worked, unfinished }, { worked: [0], unfinished: true })
  const dues = (await work(mill)).map((sk) => Number(sk.split('/')[0]))
  assert.ok(dues.includes(mill.clock.now()), `${dues}`)
})
