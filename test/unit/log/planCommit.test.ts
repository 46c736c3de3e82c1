import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { limits } from '../../../shared/base/limits.ts'
import {
  type BatchVerdict,
  type CommitPlan,
  type FlushedBatch,
  type Knowledge,
  planCommit,
} from '../../../shared/log/planCommit.ts'
import { decodeTailEntry } from '../../../shared/metadata/extent.ts'
import {
  decodeProducerRow,
  newPartition,
  nextAttribute,
  type ProducerRow,
  parseSequencer,
  partitionState,
  producerAttribute,
  producerRow,
} from '../../../shared/metadata/sequencer.ts'
import type { Attributes } from '../../../shared/ports/table.ts'
import { decideWrite } from '../../../shared/storage/evaluate.ts'
import { createProducerModel, type ModelAnswer, type ModelBatch } from './producerModel.ts'

const key = { pk: 'a', sk: 'sequencer' }
const partitions = [0, 1, 2]
const emptySequencer: Attributes = Object.assign({ tail: [] }, ...partitions.map(newPartition))
const minute = 60_000

/** Batches as a flush lays them out: partition by partition, side by side. */
function layOut(batches: readonly ModelBatch[]): FlushedBatch[] {
  let position = 0
  return batches
    .toSorted((a, b) => a.partition - b.partition)
    .map((batch) => {
      const placed = { ...batch, position, length: 70 + batch.recordCount, maxTimestamp: batch.recordCount }
      position += placed.length
      return placed
    })
}

const plan = (batches: readonly FlushedBatch[], known: Knowledge | undefined, nowMs = 0) =>
  planCommit({ key, storage: 'object', objectId: 'ab'.repeat(16), batches }, known, nowMs)

const plain = (partition: number, recordCount = 1): ModelBatch => ({
  partition,
  recordCount,
  producer: undefined,
})
const from = (
  producerId: bigint,
  baseSequence: number,
  recordCount = 1,
  partition = 0,
  epoch = 0,
): ModelBatch => ({
  partition,
  recordCount,
  producer: { producerId, epoch, baseSequence, recordCount },
})

/** The sequencer's item with an eviction's effect, and the rows that are elsewhere. */
interface Stored {
  item: Attributes
  readonly evicted: Map<string, ProducerRow>
}

const learn = ({ item, evicted }: Stored): Knowledge => ({
  sequencer: parseSequencer({ key, attributes: item }),
  evicted: new Map(evicted),
})

/** As commit.ts does it: on an assumption first, then with knowledge. Answers whether the assumption held. */
function carryOut(stored: Stored, batches: readonly FlushedBatch[], nowMs: number) {
  let current = plan(batches, undefined, nowMs)
  let done = apply(stored, current)
  const assumptionHeld = done
  if (!done) {
    current = plan(batches, learn(stored), nowMs)
    done = apply(stored, current)
  }
  assert.ok(done, 'a plan that was made with knowledge is carried out')
  return { plan: current, assumptionHeld }
}

function apply(stored: Stored, { write }: CommitPlan<FlushedBatch>): boolean {
  if (!write) return true
  const decision = decideWrite(stored.item, write)
  if (decision.kind === 'refuse') return false
  assert.ok(decision.next)
  stored.item = decision.next
  return true
}

function evict(stored: Stored, name: string): void {
  const { [name]: row, ...rest } = stored.item
  assert.ok(row instanceof Uint8Array)
  const times = typeof rest.evicted === 'number' ? rest.evicted : 0
  stored.item = { ...rest, evicted: times + 1 }
  stored.evicted.set(name, decodeProducerRow(row))
}

function assertVerdict(verdict: BatchVerdict | undefined, expected: ModelAnswer): void {
  if (expected.kind === 'commit' || expected.kind === 'stored') {
    assert.equal(verdict?.kind, expected.kind)
    return
  }
  assert.ok(verdict?.kind === 'refused', `${verdict?.kind} instead of ${expected.kind}`)
  const [code, details] =
    expected.kind === 'gap'
      ? ['OUT_OF_ORDER_SEQUENCE_NUMBER', { expectedSequence: expected.expected }]
      : ['INVALID_PRODUCER_EPOCH', { currentEpoch: expected.epoch }]
  assert.equal(verdict.error.code, code)
  assert.deepEqual(verdict.error.details, details)
}

const step = fc.record({
  batches: fc.array(
    fc.record({
      partition: fc.constantFrom(...partitions),
      producerId: fc.constantFrom(undefined, 1n, 2n),
      epoch: fc.constantFrom(0, 0, 0, 1),
      recordCount: fc.integer({ min: 1, max: 4 }),
      /** Of the sequence that is expected; most go on, some repeat, leave a gap or begin anew. */
      shift: fc.constantFrom(0, 0, 0, 0, -1, -3, 2, 'begin' as const),
    }),
    { minLength: 1, maxLength: 6 },
  ),
  minutes: fc.constantFrom(0, 0, 0, 1, 1500),
  evict: fc.boolean(),
})

/** Where the first producer of a run begins: shortly before the wrap for half of the runs. */
const start = fc.constantFrom(0, 2 ** 31 - 5)

test('every flush is answered as an independent model of the producer rules answers it', () => {
  fc.assert(
    fc.property(start, fc.array(step, { maxLength: 12 }), (first, steps) => {
      const model = createProducerModel()
      const stored: Stored = { item: emptySequencer, evicted: new Map() }
      let nowMinutes = 1000
      if (first > 0) carryBefore(stored, model, first, nowMinutes)
      for (const { batches: wanted, minutes, evict: evicts } of steps) {
        nowMinutes += minutes
        const sent = wanted.map((one) => concrete(one, model))
        checkFlush(stored, model, layOut(spread(sent)), nowMinutes)
        const name = Object.keys(stored.item).find((attribute) => attribute.includes('.'))
        if (evicts && name) evict(stored, name)
      }
    }),
    { numRuns: 400 },
  )
})

type Model = ReturnType<typeof createProducerModel>
type Wanted = {
  partition: number
  producerId: bigint | undefined
  epoch: number
  recordCount: number
  shift: number | 'begin'
}

/** Producer 1 appends so many records that its sequence is about to wrap. */
function carryBefore(stored: Stored, model: Model, sequence: number, nowMinutes: number): void {
  for (const partition of partitions)
    checkFlush(stored, model, layOut([from(1n, 0, sequence, partition)]), nowMinutes)
}

/** `baseSequence` is the shift until `spread` knows what came before in the same flush. */
function concrete({ producerId, epoch, shift, ...rest }: Wanted, model: Model) {
  const known = producerId === undefined ? undefined : model.known(rest.partition, producerId)
  const baseSequence = shift === 'begin' ? 0 : Math.max(0, (known?.next ?? 0) + shift) % 2 ** 31
  const producer =
    producerId === undefined ? undefined : { producerId, epoch, baseSequence, recordCount: rest.recordCount }
  return { ...rest, producer }
}

/** Batches of one producer in one flush follow each other, as those of a pipelining client do. */
function spread(batches: readonly ModelBatch[]): ModelBatch[] {
  const last = new Map<string, ModelBatch>()
  return batches.map((batch) => {
    const { producer } = batch
    if (!producer) return batch
    const name = `${batch.partition}/${producer.producerId}/${producer.epoch}`
    const before = last.get(name)?.producer
    const follows = before && producer.recordCount !== 3
    const baseSequence = follows
      ? (before.baseSequence + before.recordCount) % 2 ** 31
      : producer.baseSequence
    const sent = { ...batch, producer: { ...producer, baseSequence } }
    last.set(name, sent)
    return sent
  })
}

function checkFlush(
  stored: Stored,
  model: Model,
  batches: readonly FlushedBatch[],
  nowMinutes: number,
): void {
  const holds = assumptionIsTrue(stored, batches)
  const before = parseSequencer({ key, attributes: stored.item })
  const { plan: done, assumptionHeld } = carryOut(stored, batches, nowMinutes * minute)
  assert.equal(assumptionHeld, holds, 'the conditions hold exactly when the assumption is true')
  assert.equal(done.verdicts.size, batches.length, 'every batch gets exactly one verdict')
  const bases = new Map<number, number>()
  for (const batch of batches) {
    const answer = model.append(batch, nowMinutes)
    assertVerdict(done.verdicts.get(batch), answer)
    const base = bases.get(batch.partition) ?? partitionState(before, batch.partition)?.nextOffset
    if (answer.kind !== 'commit') continue
    assert.equal(base, answer.baseOffset, 'offsets are dense')
    bases.set(batch.partition, answer.baseOffset + batch.recordCount)
  }
  for (const partition of partitions) checkTail(stored, partition, model.lengthOf(partition))
}

/** Each producer's first batch meets the row that it supposes. */
function assumptionIsTrue({ item }: Stored, batches: readonly FlushedBatch[]): boolean {
  const sequencer = parseSequencer({ key, attributes: item })
  const seen = new Set<string>()
  return batches.every(({ partition, producer }) => {
    if (!producer || seen.has(`${partition}/${producer.producerId}`)) return true
    seen.add(`${partition}/${producer.producerId}`)
    const row = producerRow(sequencer, partition, producer.producerId)
    if (producer.baseSequence === 0) return row === undefined && sequencer.evictions === 0
    return row?.epoch === producer.epoch && row.nextSequence === producer.baseSequence
  })
}

function checkTail({ item }: Stored, partition: number, length: number): void {
  const state = partitionState(parseSequencer({ key, attributes: item }), partition)
  assert.equal(state?.nextOffset, length)
  assert.equal(state?.tailStartOffset, 0, 'the extents of the tail cover every offset')
  for (const extent of state?.tail ?? []) {
    for (const one of extent.producerBatches)
      assert.ok(one.offsetDelta + one.recordCount <= extent.offsetCount)
  }
}

const fresh = (): Stored => ({ item: emptySequencer, evicted: new Map() })
const kinds = (done: CommitPlan<FlushedBatch>, batches: readonly FlushedBatch[]) =>
  batches.map((batch) => done.verdicts.get(batch)?.kind)

test('a flush without producers is committed by one write whose only conditions are room and existence', () => {
  const done = plan(layOut([plain(0, 3), plain(1), plain(0, 2)]), undefined)
  assert.deepEqual(done.write?.when, [
    { kind: 'lengthBelow', attribute: 'tail', value: limits.tailLengthMax },
    { kind: 'exists', attribute: 'n0' },
    { kind: 'exists', attribute: 'n1' },
  ])
  assert.deepEqual(done.write?.actions.slice(1), [
    { kind: 'add', attribute: 'n0', value: 5 },
    { kind: 'add', attribute: 'n1', value: 1 },
  ])
})

test('batches that lie side by side are one extent, and a refused one between them parts it', () => {
  const stored = fresh()
  const whole = plan(layOut([plain(0, 3), plain(0, 2)]), undefined)
  assert.deepEqual(
    decodeTailEntry(whole.entry).extents.map((e) => [e.position, e.length, e.offsetCount, e.maxTimestamp]),
    [[0, 145, 5, 3]],
  )
  const batches = layOut([plain(0, 3), from(1n, 7), plain(0, 2)])
  const { plan: parted } = carryOut(stored, batches, 0)
  assert.deepEqual(kinds(parted, batches), ['commit', 'refused', 'commit'])
  assert.deepEqual(
    decodeTailEntry(parted.entry).extents.map((e) => [e.position, e.length, e.offsetCount]),
    [
      [0, 73, 3],
      [144, 72, 2],
    ],
  )
})

test('batches of one producer that follow each other are remembered as one', () => {
  const batches = layOut(Array.from({ length: 1000 }, (_, i) => from(1n, i * 2, 2)))
  const [extent] = decodeTailEntry(plan(batches, undefined).entry).extents
  assert.deepEqual(extent?.producerBatches, [
    { offsetDelta: 0, producerId: 1n, epoch: 0, baseSequence: 0, recordCount: 2000 },
  ])
})

test('an entry stays small whatever is sent: what does not fit comes later, and nothing overtakes it', () => {
  const batches = layOut(Array.from({ length: 5000 }, (_, i) => from(BigInt(i % 2), Math.floor(i / 2))))
  const done = plan(batches, undefined)
  assert.ok(done.entry.length <= limits.tailEntryBytesMax, `${done.entry.length} bytes`)
  const firstLater = batches.findIndex((batch) => done.verdicts.get(batch)?.kind === 'later')
  assert.ok(firstLater > 50)
  assert.ok(batches.slice(firstLater).every((batch) => done.verdicts.get(batch)?.kind === 'later'))
})

test('a commit checks a bounded number of producers, and what comes after them waits too', () => {
  const many = Array.from({ length: limits.producersPerCommit + 2 }, (_, i) => from(BigInt(i), 0))
  const batches = layOut([...many, plain(0), plain(1)])
  const done = plan(batches, undefined)
  assert.deepEqual(kinds(done, batches).slice(limits.producersPerCommit), [
    'later',
    'later',
    'later',
    'later',
  ])
  assert.equal(done.committed.length, limits.producersPerCommit)
})

test('a full tail refuses a commit', () => {
  const stored = fresh()
  stored.item = { ...stored.item, tail: new Array(limits.tailLengthMax).fill('entry') }
  assert.equal(apply(stored, plan(layOut([plain(0)]), undefined)), false)
})

test('an unknown partition fails its own batches alone', () => {
  const stored = fresh()
  const batches = layOut([plain(0), plain(7), plain(1)])
  const { plan: done } = carryOut(stored, batches, 0)
  assert.deepEqual(kinds(done, batches), ['commit', 'commit', 'refused'])
  const [, , verdict] = batches.map((batch) => done.verdicts.get(batch))
  assert.equal(verdict?.kind === 'refused' && verdict.error.code, 'UNKNOWN_TOPIC_OR_PARTITION')
  assert.equal(stored.item[nextAttribute(7)], undefined)
})

test('a flush of which nothing is stored writes nothing', () => {
  const stored = fresh()
  carryOut(stored, layOut([from(1n, 0)]), 0)
  const { plan: done } = carryOut(stored, layOut([from(1n, 0), from(2n, 9)]), 0)
  assert.equal(done.write, undefined)
})

test('a plan from old knowledge is refused once the producer has gone on or was evicted', () => {
  const stored = fresh()
  const seen = learn(stored)
  carryOut(stored, layOut([from(1n, 0)]), 0)
  assert.equal(apply(stored, plan(layOut([from(1n, 0)]), seen)), false)
  evict(stored, producerAttribute(0, 1n))
  assert.equal(apply(stored, plan(layOut([from(1n, 0)]), seen)), false)
  assert.equal(carryOut(stored, layOut([from(1n, 0)]), 0).plan.write, undefined)
})
