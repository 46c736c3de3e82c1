// Compaction by key of a partition that one pass has not the time for: every pass gets on, and it ends.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CompactionSettings } from '../../../shared/compaction/deps.ts'
import type { Cluster } from '../../../shared/service/cluster.ts'
import {
  createMill,
  hour,
  keyed,
  type Mill,
  produceEach,
  readLog,
  settle,
  text,
} from '../../support/compactorTools.ts'
import { createTopic } from '../../support/logTools.ts'

const readMs = 1000
const eager = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' }
/** A batch fills one: so every group is one segment, and one read. */
const settings: Partial<CompactionSettings> = { segmentBytesMax: 250 }

/** Each read takes a second. */
const slowly = (mill: Mill) => ({
  ...mill.objects,
  getRange: (name: string, start: number, length: number) => {
    mill.clock.advance(readMs)
    return mill.objects.getRange(name, start, length)
  },
})

const large = (key: string, version: number) => keyed(key, `${version}${'x'.repeat(200)}`)

/** `clean` records with a key of their own, compacted; behind them `dirty` ones, merged, that replace some of them. */
async function halfClean(clean: number, dirty: number) {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 1, { ...eager, 'millrace.write.path': 's3' })
  await produceEach(
    cluster,
    Array.from({ length: clean }, (_, i) => large(`k${i}`, 0)),
  )
  await settle(mill, mill.compactor(settings))
  mill.clock.advance(hour)
  await cluster.alterConfigs('t', [{ name: 'cleanup.policy', operation: 'SET', value: 'delete' }], false)
  const records = Array.from({ length: dirty }, (_, i) => large(`k${i * 2}`, 1))
  await produceEach(cluster, records)
  await settle(mill, mill.compactor(settings))
  await cluster.alterConfigs('t', [{ name: 'cleanup.policy', operation: 'SET', value: 'compact' }], false)
  return { mill, cluster }
}

/** How many passes of so many seconds it takes until there is nothing left to do. */
async function passesOf(
  mill: Mill,
  seconds: number,
  between: (pass: number) => Promise<void> = async () => {},
  of = settings,
) {
  for (let passes = 1; passes <= 1000; passes++) {
    // A process of its own each time: nothing is remembered but in the table.
    const compactor = mill.compactor(of, { objects: slowly(mill) })
    const { unfinished } = await compactor.run({ deadlineMs: mill.clock.now() + seconds * readMs })
    assert.deepEqual(mill.failures, [])
    if (!unfinished) return passes
    await between(passes)
  }
  return assert.fail('it never ends')
}

const versions = async (cluster: Cluster) => {
  const records = await readLog(cluster)
  return new Map(records.map(({ key, value }) => [text(key), text(value)?.slice(0, 1)]))
}

async function expectCompacted(mill: Mill, clean: number, dirty: number): Promise<void> {
  const replaced = new Set(Array.from({ length: dirty }, (_, i) => `k${i * 2}`))
  const left = await readLog(mill.cluster())
  assert.equal(left.length, clean)
  const found = await versions(mill.cluster())
  for (let i = 0; i < clean; i++) assert.equal(found.get(`k${i}`), replaced.has(`k${i}`) ? '1' : '0', `k${i}`)
}

test('a clean whose old part alone takes longer than a pass ends, and its passes go on where they were', async () => {
  const { mill } = await halfClean(60, 10)
  const passes = await passesOf(mill, 24)
  await expectCompacted(mill, 60, 10)
  assert.ok(passes >= 3 && passes <= 10, `${passes} passes`)
})

test('a clean whose mapping alone takes longer than a pass ends', async () => {
  const { mill } = await halfClean(60, 30)
  await passesOf(mill, 16)
  await expectCompacted(mill, 60, 30)
})

test('a clean of which a pass has the time for one read ends', async () => {
  const { mill } = await halfClean(20, 5)
  await passesOf(mill, 1)
  await expectCompacted(mill, 20, 5)
})

test('a clean that goes on in the middle of a segment maps what it has not mapped, and ends', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 1, { ...eager, 'millrace.write.path': 's3' })
  const quarter = 'x'.repeat(300_000)
  await produceEach(
    cluster,
    Array.from({ length: 12 }, (_, i) => keyed(`k${i % 9}`, `${Math.floor(i / 9)}${quarter}`)),
  )
  mill.clock.advance(hour)
  const merging = mill.compactor({}, { objects: slowly(mill) })
  await merging.run({ deadlineMs: mill.clock.now() + readMs })
  assert.equal(merging.report.counters.segmentsWritten, 1)
  await passesOf(mill, 1, async () => {}, {})
  assert.equal((await readLog(mill.cluster())).length, 9)
})

test('what is written and merged between the passes of one clean is neither lost nor cleaned with it', async () => {
  const { mill, cluster } = await halfClean(40, 10)
  await passesOf(mill, 20, async (pass) => {
    if (pass > 3) return
    await produceEach(cluster, [large(`k${pass}`, 2), large('new', pass)])
    mill.clock.advance(hour)
  })
  const found = await versions(mill.cluster())
  assert.deepEqual([found.get('k1'), found.get('k2'), found.get('new'), found.size], ['2', '2', '3', 41])
  const left = await readLog(mill.cluster())
  assert.equal(left.length, 41)
})

test('tombstones of a clean of many passes go in their time, and what they deleted stays away', async () => {
  const { mill, cluster } = await halfClean(30, 0)
  const deletions = Array.from({ length: 10 }, (_, i) => keyed(`k${i * 3}`, null))
  await cluster.alterConfigs('t', [{ name: 'delete.retention.ms', operation: 'SET', value: '5000' }], false)
  await produceEach(cluster, deletions)
  mill.clock.advance(hour)
  await passesOf(mill, 12)
  const values = async () => {
    const left = await readLog(mill.cluster())
    return new Map(left.map(({ key, value }) => [text(key), text(value)]))
  }
  for (let i = 0; i < 10; i++) assert.ok(!(await values()).get(`k${i * 3}`), `k${i * 3}`)
  await produceEach(cluster, [large('more', 1)])
  mill.clock.advance(hour)
  await passesOf(mill, 12)
  const after = await values()
  assert.equal(after.size, 21)
})
