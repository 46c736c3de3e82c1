// Whose turn it is: a pass works on the partitions of a sequencer that have something for it, and leaves the others.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planTurns } from '../../../shared/compaction/planTurns.ts'
import { parseWorkItem } from '../../../shared/metadata/workItem.ts'
import type { Attributes, Table } from '../../../shared/ports/table.ts'
import type { Cluster } from '../../../shared/service/cluster.ts'
import {
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

const entry = (dueMs: number, attributes: Attributes = {}) =>
  parseWorkItem({
    key: { pk: 'w', sk: `${String(dueMs).padStart(15, '0')}/t/0` },
    attributes: { marks: 1, ...attributes },
  })

const plan = (entries: readonly ReturnType<typeof entry>[], unmerged: readonly number[] = []) => {
  const { now, later } = planTurns(entries, {
    partitions: [0, 1, 2, 3],
    unmerged,
    isSpilled: false,
    nowMs: 100,
  })
  return { now, later: [...later] }
}

test("a writer's mark gives a turn to the partitions with something unmerged", () => {
  assert.deepEqual(plan([entry(0)], [1, 3]), { now: [1, 3], later: [] })
  assert.deepEqual(plan([entry(0)]), { now: [], later: [] })
})

test('a partition is worked on when it is due, and the others of its entry stay due', () => {
  assert.deepEqual(plan([entry(50, { d1: 50, d2: 100, d3: 101 })], [0]), { now: [1, 2], later: [[3, 101]] })
  const both = [entry(0), entry(50, { d1: 50, d3: 300 }), entry(60, { d3: 200 })]
  assert.deepEqual(plan(both, [0, 3]), { now: [0, 1, 3], later: [] })
  assert.deepEqual(plan(both, [0]), { now: [0, 1], later: [[3, 200]] }, 'the earlier of two')
})

test('an old tail alone brings no turn but to what is unmerged', () => {
  const options = { partitions: [0, 1], unmerged: [1], nowMs: 100 }
  const old = [entry(50, { tail: 50 })]
  assert.deepEqual(planTurns(old, { ...options, isSpilled: false }).now, [])
  assert.deepEqual(planTurns(old, { ...options, isSpilled: true }).now, [1])
})

test('an entry that says so, and one of before there were dues, is for all partitions', () => {
  assert.deepEqual(plan([entry(1, { all: 1, d2: 1 })]).now, [0, 1, 2, 3])
  assert.deepEqual(plan([entry(50)]).now, [0, 1, 2, 3])
})

async function writeTo(mill: Mill, cluster: Cluster, partitions: readonly number[]): Promise<void> {
  await produceEach(
    cluster,
    partitions.map((partition) => ({ ...keyed('k', 'a'), partition })),
  )
  mill.clock.advance(11 * minute)
}

test('a pass costs what the written partitions of a sequencer cost, not the sixteen there are', async () => {
  const costOf = async (partitions: readonly number[], configs: Readonly<Record<string, string>>) => {
    const mill = createMill()
    const cluster = mill.cluster()
    await createTopic(cluster, 't', 16, configs)
    await writeTo(mill, cluster, partitions)
    const counted = countCalls(mill)
    const compactor = mill.compactor({}, counted)
    const merging = await counted.during(() => pass(mill, compactor))
    assert.equal(compactor.report.counters.segmentsWritten, partitions.length)
    mill.clock.advance(2 * minute)
    const afterwards = await counted.during(() => pass(mill, compactor))
    return {
      merging: merging.tableReads + merging.tableWrites,
      afterwards: afterwards.tableReads + afterwards.tableWrites,
    }
  }
  const one = await costOf([5], {})
  assert.ok(one.merging <= 40 && one.afterwards <= 6, JSON.stringify(one))
  const two = await costOf([5, 6], {})
  assert.ok(two.merging < 2 * one.merging, JSON.stringify({ one, two }))
})

test('every partition of a sequencer that expires at a time of its own is retained then', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 4, { 'retention.ms': `${5 * hour}` })
  const compactor = mill.compactor()
  for (const partition of [2, 0, 3]) {
    await writeTo(mill, cluster, [partition])
    await pass(mill, compactor)
    mill.clock.advance(hour)
  }
  const kept: number[][] = []
  for (let i = 0; i < 6; i++) {
    mill.clock.advance(hour)
    await pass(mill, compactor)
    const lengths = [0, 1, 2, 3].map(
      async (partition) => (await readLog(mill.cluster(), 't', partition)).length,
    )
    kept.push(await Promise.all(lengths))
  }
  assert.deepEqual(kept[0], [1, 0, 1, 1])
  assert.deepEqual(kept.at(-1), [0, 0, 0, 0])
  assert.ok(
    kept.some(([zero, , two, three]) => zero === 1 && two === 0 && three === 1),
    JSON.stringify(kept),
  )
})

test('whoever names a topic has all of it worked on, also what no list has', async () => {
  const mill = createMill()
  await createTopic(mill.cluster(), 't', 17)
  await createTopic(mill.cluster(), 'other', 1)
  const markless: Table = {
    ...mill.table,
    write: (one) => (one.key.pk === mill.scope.workPk ? new Promise(() => {}) : mill.table.write(one)),
  }
  await writeTo(mill, mill.cluster({ table: markless }), [2, 16])
  await produceEach(mill.cluster(), [keyed(null, 'a')], 'other')
  const compactor = mill.compactor()
  const previews = await compactor.preview('t')
  assert.deepEqual(
    previews.map(({ topicName, partition }) => `${topicName}-${partition}`),
    ['t-2', 't-16'],
  )
  const deadlineMs = mill.clock.now() + hour
  assert.deepEqual(await compactor.run({ topicName: 't', deadlineMs }), { sequencers: 2, unfinished: false })
  assert.equal(compactor.report.counters.segmentsWritten, 2)
  assert.deepEqual(await compactor.preview('t'), [])
  assert.deepEqual(await compactor.run({ topicName: 'nope', deadlineMs }), {
    sequencers: 0,
    unfinished: false,
  })
})

test('a changed config is gone by with the next pass, though nobody writes', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 17, { 'retention.ms': `${72 * hour}` })
  await writeTo(mill, cluster, [3, 16])
  const compactor = mill.compactor()
  await pass(mill, compactor)
  mill.clock.advance(24 * hour)
  await pass(mill, compactor)
  await pass(mill, compactor)
  assert.equal((await readLog(mill.cluster(), 't', 16)).length, 1)
  await cluster.alterConfigs('t', [{ name: 'retention.ms', operation: 'SET', value: `${hour}` }], false)
  await pass(mill, compactor)
  assert.deepEqual(await readLog(mill.cluster(), 't', 3), [])
  assert.deepEqual(await readLog(mill.cluster(), 't', 16), [])
})

test('what DeleteRecords cuts off is retired by the next pass, though nobody writes', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 2, { 'retention.ms': '-1' })
  const compactor = mill.compactor()
  await writeTo(mill, cluster, [1])
  await pass(mill, compactor)
  mill.clock.advance(24 * hour)
  await pass(mill, compactor)
  await pass(mill, compactor)
  const segments = async () => (await mill.items()).filter(({ key }) => key.sk.startsWith('segment/')).length
  assert.equal(await segments(), 1)
  await cluster.deleteRecords('t', 1, 1)
  await pass(mill, compactor)
  assert.equal(await segments(), 0)
  assert.deepEqual(shown(await readLog(mill.cluster(), 't', 1)), [])
  await settle(mill, compactor)
  assert.deepEqual(mill.failures, [])
})
