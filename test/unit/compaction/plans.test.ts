// The decisions of compaction on their own: when to clean, what to forget, what to merge, what an offset map holds,
// and the checks that stop a wrong merge.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CleanProgress } from '../../../shared/compaction/cleanerItem.ts'
import { groupSegments, planClean } from '../../../shared/compaction/planClean.ts'
import { planReconcile } from '../../../shared/compaction/planReconcile.ts'
import { planRetention } from '../../../shared/compaction/planRetention.ts'
import {
  addToTally,
  type BuiltSegment,
  createSegmentBuilder,
  emptyTally,
} from '../../../shared/compaction/segmentBuilder.ts'
import { createSlabs, slabBytes } from '../../../shared/compaction/slabs.ts'
import { encodeBatch, patchBatch } from '../../../shared/kafka/recordBatch.ts'
import { batchHeaderSize } from '../../../shared/kafka/recordBatchLayout.ts'
import type { PlacedExtent } from '../../../shared/metadata/extent.ts'
import { decodeSegmentFooter } from '../../../shared/metadata/segmentFooter.ts'
import type { SegmentItem } from '../../../shared/metadata/segmentItem.ts'
import { effectiveConfig } from '../../../shared/topics/configs.ts'

const nowMs = 1_700_000_000_000
const hour = 3600_000

const segment = (
  baseOffset: number,
  bytes: number,
  maxTimestamp = nowMs,
  more: Partial<SegmentItem> = {},
) => ({
  key: { pk: 'p', sk: `${baseOffset}` },
  objectId: `${baseOffset}`,
  baseOffset,
  endOffset: baseOffset + 10,
  runningMaxTimestamp: maxTimestamp,
  extents: [],
  bytes,
  recordCount: 10,
  maxTimestamp,
  firstTimestamp: maxTimestamp,
  createdMs: nowMs,
  ...more,
})

const compact = (configs: Readonly<Record<string, string>>) =>
  effectiveConfig({ 'cleanup.policy': 'compact', ...configs })

const from = (firstDirtyOffset: number, half: Partial<CleanProgress> = {}) => ({
  firstDirtyOffset,
  mappedEndOffset: 0,
  rewrittenOffset: 0,
  ...half,
})

test('what is half done is done to its end, whatever the ratio, and no further', () => {
  const config = compact({ 'min.cleanable.dirty.ratio': '1' })
  const segments = [segment(0, 100), segment(10, 1), segment(20, 1)]
  assert.equal(planClean(segments, from(10), config, nowMs).kind, 'wait')
  const half = from(10, { mappedEndOffset: 17, rewrittenOffset: 10 })
  assert.deepEqual(planClean(segments, half, config, nowMs), { kind: 'clean', endOffset: 17, delayMs: 0 })
  const lagging = compact({ 'min.compaction.lag.ms': `${hour}` })
  const young = [segment(0, 100), segment(10, 1)]
  assert.equal(planClean(young, half, lagging, nowMs).kind, 'wait', 'a lag that was raised meanwhile holds')
})

test('LC7: with nothing dirty there is nothing to clean', () => {
  const config = compact({ 'min.cleanable.dirty.ratio': '0' })
  assert.deepEqual(planClean([], from(0), config, nowMs), { kind: 'nothing' })
  assert.deepEqual(planClean([segment(0, 10)], from(10), config, nowMs), { kind: 'nothing' })
})

test('LC7: the cleanable range ends before the first segment with a record younger than the lag', () => {
  const config = compact({ 'min.cleanable.dirty.ratio': '0', 'min.compaction.lag.ms': `${hour}` })
  const segments = [segment(0, 5, nowMs - 3 * hour), segment(10, 5, nowMs - hour), segment(20, 5, nowMs - 1)]
  assert.deepEqual(planClean(segments, from(0), config, nowMs), { kind: 'clean', endOffset: 20, delayMs: 0 })
  const waits = { kind: 'wait', untilMs: nowMs - 1 + hour }
  assert.deepEqual(planClean(segments, from(20), config, nowMs), waits)
  const outOfOrder = [segment(0, 5, nowMs), segment(10, 5, nowMs - 3 * hour)]
  assert.deepEqual(planClean(outOfOrder, from(0), config, nowMs), { kind: 'wait', untilMs: nowMs + hour })
})

test('LC9: the ratio is that of cleanable to clean and cleanable bytes, and must be exceeded', () => {
  const config = compact({ 'min.cleanable.dirty.ratio': '0.5', 'max.compaction.lag.ms': `${hour}` })
  const plan = (clean: number, dirty: number) =>
    planClean([segment(0, clean), segment(10, dirty)], from(10), config, nowMs).kind
  assert.equal(plan(100, 101), 'clean')
  assert.equal(plan(100, 100), 'wait')
  const lagging = compact({ 'min.cleanable.dirty.ratio': '0.5', 'min.compaction.lag.ms': `${hour}` })
  const segments = [segment(0, 100), segment(10, 60, nowMs - 2 * hour), segment(20, 1000)]
  assert.equal(
    planClean(segments, from(10), lagging, nowMs).kind,
    'wait',
    'bytes that are too young do not count',
  )
})

test('LC10: what has waited longer than max.compaction.lag.ms is cleaned whatever the ratio', () => {
  const config = compact({ 'min.cleanable.dirty.ratio': '1', 'max.compaction.lag.ms': `${2 * hour}` })
  const segments = [segment(0, 100, nowMs, { firstTimestamp: nowMs - hour })]
  assert.deepEqual(planClean(segments, from(0), config, nowMs), { kind: 'wait', untilMs: nowMs + hour })
  const late = { kind: 'clean', endOffset: 10, delayMs: 5 }
  assert.deepEqual(planClean(segments, from(0), config, nowMs + hour + 5), late)
})

test('neighbours are rewritten as one while they fit into one segment, each in exactly one group', () => {
  const property = fc.property(
    fc.array(fc.nat(100), { maxLength: 30 }),
    fc.integer({ min: 1, max: 250 }),
    (sizes, max) => {
      const segments = sizes.map((bytes, i) => segment(i * 10, bytes))
      const groups = groupSegments(segments, max)
      assert.deepEqual(groups.flat(), segments)
      for (const group of groups) {
        const bytes = group.reduce((sum, one) => sum + one.bytes, 0)
        assert.ok(group.length === 1 || bytes <= max)
      }
    },
  )
  fc.assert(property, { seed: 1 })
})

const retained = (
  configs: Readonly<Record<string, string>>,
  segments: readonly SegmentItem[],
  logStart = 0,
  unmergedBytes = 0,
) => planRetention({ segments, logStartOffset: logStart, unmergedBytes }, effectiveConfig(configs), nowMs)

test('by time segments go from the beginning until one has a record that is young enough', () => {
  const old = nowMs - hour - 1
  const configs = { 'retention.ms': `${hour}` }
  const segments = [
    segment(0, 5, old),
    segment(10, 5, old),
    segment(20, 5, nowMs - hour),
    segment(30, 5, old),
  ]
  assert.deepEqual(retained(configs, segments), { logStartOffset: 20, dueMs: nowMs + 1 })
  assert.equal(retained(configs, segments, 25).logStartOffset, 25, 'it does not go back')
  assert.equal(retained(configs, [segment(0, 5, old)]).logStartOffset, 10, 'the last one goes too')
  const unlimited = { 'retention.ms': '-1' }
  assert.deepEqual(retained(unlimited, segments), { logStartOffset: 0, dueMs: undefined })
})

test('a segment without timestamps expires by when it was written', () => {
  const one = segment(0, 5, -1, { createdMs: nowMs - hour - 1 })
  assert.equal(retained({ 'retention.ms': `${hour}` }, [one]).logStartOffset, 10)
  assert.equal(retained({ 'retention.ms': `${2 * hour}` }, [one]).logStartOffset, 0)
})

test('by bytes the oldest go while what is left is at least the limit', () => {
  const segments = [0, 10, 20, 30].map((base) => segment(base, 100))
  const by = (bytes: number) =>
    retained({ 'retention.ms': '-1', 'retention.bytes': `${bytes}` }, segments).logStartOffset
  assert.deepEqual(
    [400, 301, 300, 299, 250, 200, 100, 1, 0, -1].map(by),
    [0, 0, 10, 10, 10, 20, 30, 30, 40, 0],
  )
})

test('what is not merged yet counts for the bytes, and segments alone go', () => {
  const segments = [0, 10, 20].map((base) => segment(base, 100))
  const by = (bytes: number, unmerged: number) =>
    retained({ 'retention.ms': '-1', 'retention.bytes': `${bytes}` }, segments, 0, unmerged).logStartOffset
  assert.deepEqual([by(300, 99), by(300, 100), by(300, 299), by(300, 300)], [0, 10, 20, 30])
  assert.equal(by(300, 10_000), 30)
  assert.equal(retained({ 'retention.bytes': '5' }, [], 0, 100).logStartOffset, 0)
})

test('a topic that is only compacted retains everything', () => {
  const configs = { 'cleanup.policy': 'compact', 'retention.ms': '1', 'retention.bytes': '1' }
  assert.equal(retained(configs, [segment(0, 5, 0)]).logStartOffset, 0)
})

const flush = (baseOffset: number, length: number, ageMs: number): PlacedExtent => ({
  storage: 'object',
  objectId: (nowMs - ageMs).toString(16).padStart(12, '0').padEnd(32, '0'),
  position: 0,
  length,
  baseOffset,
  offsetCount: 10,
  maxTimestamp: nowMs,
  producerBatches: [],
})

test('flushes are merged when they make a segment or when the oldest has waited long enough', () => {
  const input = { last: undefined, segmentBytes: 100, ageMs: 1000, nowMs }
  assert.deepEqual(planReconcile({ ...input, fresh: [] }), { kind: 'nothing' })
  const young = [flush(0, 40, 999), flush(10, 40, 0)]
  assert.deepEqual(planReconcile({ ...input, fresh: young }), { kind: 'wait', untilMs: nowMs + 1 })
  const much = [...young, flush(20, 40, 0), flush(30, 40, 0)]
  const merged = { kind: 'merge', baseOffset: 0, sources: much.slice(0, 3) }
  assert.deepEqual(planReconcile({ ...input, fresh: much }), merged)
  const old = [flush(0, 1, 1000), flush(10, 1, 0)]
  assert.deepEqual(planReconcile({ ...input, fresh: old }), { kind: 'merge', baseOffset: 0, sources: old })
})

test('a small last segment is taken along, and a byte is rewritten a bounded number of times', () => {
  let last: SegmentItem | undefined
  let written = 0
  const rounds = 3000
  for (let i = 0; i < rounds; i++) {
    const fresh = [flush(i * 10, 100, 1000)]
    const plan = planReconcile({ last, fresh, segmentBytes: 100_000, ageMs: 1000, nowMs })
    assert.equal(plan.kind, 'merge')
    const grows: boolean = plan.baseOffset !== i * 10
    const bytes: number = 100 + (grows ? (last?.bytes ?? 0) : 0)
    last = segment(plan.baseOffset, bytes, nowMs, { endOffset: i * 10 + 10 })
    written += bytes
  }
  assert.ok(written <= 3 * rounds * 100, `${written / rounds / 100} times`)
})

const place = {
  topicId: Buffer.alloc(16).toString('base64url'),
  partition: 0,
  objectId: 'ab'.repeat(16),
  baseOffset: 5,
}

/** Nobody else wants the thread. */
const alone = () => undefined

const oneBatch = (count = 2) =>
  encodeBatch({
    codec: 'none',
    records: Array.from({ length: count }, () => {
      return { timestamp: 9, key: null, value: Buffer.from('value'), headers: [] }
    }),
  })

test('a builder copies what it is given, places it and counts what comes out', async () => {
  const builder = createSegmentBuilder(place, 100, createSlabs())
  const batch = oneBatch()
  builder.add(batch, 5)
  builder.add(batch, 7)
  batch.fill(0)
  const built = await builder.finish(20, alone)
  assert.deepEqual([built.tally.batchCount, built.tally.recordCount], [2, 4])
  const footer = decodeSegmentFooter(built.parts.at(-1) ?? new Uint8Array())
  assert.deepEqual([footer.baseOffset, footer.endOffset, footer.batchCount], [5, 20, 2])
  const placed = oneBatch()
  patchBatch(placed, 7, 0)
  const stored = Buffer.concat(built.parts)
  assert.deepEqual(stored.subarray(placed.length, 2 * placed.length), Buffer.from(placed))
})

test('what is about to be stored is looked at batch by batch: others have their turn between any two', async () => {
  let views = 0
  class Watched extends Uint8Array {
    override subarray(start?: number, end?: number) {
      views++
      return super.subarray(start, end)
    }
  }
  const builder = createSegmentBuilder(place, 100, { take: () => new Watched(10_000), give() {} })
  for (let offset = 5; offset < 55; offset++) builder.add(oneBatch(1), offset)
  views = 0
  const before: number[] = []
  await builder.finish(55, () => void before.push(views))
  assert.equal(before.length, 50)
  const most = Math.max(...before.map((count, i) => count - (before[i - 1] ?? 0)))
  assert.ok(most < 10, `${most} views on the memory in one turn`)
})

test('memory that a segment gives back is taken by the next one, and by nobody before', async () => {
  const slabs = createSlabs()
  const large = () => {
    const builder = createSegmentBuilder(place, slabBytes, slabs)
    builder.add(oneBatch(), 5)
    return builder.finish(20, alone)
  }
  const memoryOf = ({ parts: [first] }: BuiltSegment) => first?.buffer
  const [first, second] = [await large(), await large()]
  assert.notEqual(memoryOf(second), memoryOf(first))
  first.free()
  first.free()
  assert.equal(memoryOf(await large()), memoryOf(first))
  assert.notEqual(memoryOf(await large()), memoryOf(first), 'once, however often it is given')
})

test('what the check conserves shows a batch that is missing, doubled or changed', () => {
  const tallyOf = (batches: readonly Uint8Array[]) => batches.reduce(addToTally, emptyTally)
  const [a, b, c] = [oneBatch(1), oneBatch(2), oneBatch(3)]
  const whole = tallyOf([a, b, c])
  for (const wrong of [[a, b], [a, b, c, c], [a, b, b], []]) assert.notDeepEqual(tallyOf(wrong), whole)
})

test('batches that overlap, leave their range or go back are not stored', async () => {
  for (const offsets of [[5, 6], [7, 5], [4], [19]]) {
    const builder = createSegmentBuilder(place, 100, createSlabs())
    for (const offset of offsets) builder.add(oneBatch(), offset)
    await assert.rejects(builder.finish(20, alone), /in order within its range/, `${offsets}`)
  }
})

test('a batch that was changed on its way is not stored', async () => {
  for (let at = 21; at < oneBatch().length; at += at < batchHeaderSize ? 8 : 3) {
    const builder = createSegmentBuilder(place, 100, createSlabs())
    const batch = oneBatch()
    batch[at] = (batch[at] ?? 0) ^ 1
    builder.add(batch, 5)
    await assert.rejects(builder.finish(1e9, alone), /CRC|in order|beyond/, `byte ${at}`)
  }
})
