import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../../shared/base/limits.ts'
import { planEvictions, planSpill } from '../../../shared/log/planSpill.ts'
import { encodeTailEntry } from '../../../shared/metadata/extent.ts'
import { parseIndexItem } from '../../../shared/metadata/indexItem.ts'
import { createScope } from '../../../shared/metadata/scope.ts'
import {
  encodeProducerRow,
  newPartition,
  parseSequencer,
  partitionState,
  producerAttribute,
  producerRows,
} from '../../../shared/metadata/sequencer.ts'
import type { Attributes, Write } from '../../../shared/ports/table.ts'
import { decideWrite } from '../../../shared/storage/evaluate.ts'

const scope = createScope('t')
const target = { scope, topicId: 'id', group: 0 }
const key = scope.sequencer('id', 0)

/** Commit `i` adds i+1 records to partition 0 and every third one a record to partition 1. */
function entry(i: number): Uint8Array {
  const object = { storage: 'object' as const, objectId: i.toString(16).padStart(32, '0') }
  const extent = (partition: number, offsetCount: number, maxTimestamp: number) => {
    return { ...object, partition, position: 0, length: 70, offsetCount, maxTimestamp, producerBatches: [] }
  }
  const extents = i % 3 === 0 ? [extent(0, i + 1, 100 - i), extent(1, 1, i)] : [extent(0, i + 1, 100 - i)]
  return encodeTailEntry({ ...object, extents })
}

function sequencer(length: number, more: Attributes = {}) {
  const commits = Array.from({ length }, (_, i) => i)
  const n0 = commits.reduce((sum, i) => sum + i + 1, 0)
  const n1 = commits.filter((i) => i % 3 === 0).length
  return parseSequencer({
    key,
    attributes: { ...newPartition(0), ...newPartition(1), n0, n1, tail: commits.map(entry), ...more },
  })
}

const putItem = (write: Write) => {
  assert.equal(write.kind, 'put')
  return parseIndexItem({ key: write.key, attributes: write.kind === 'put' ? write.attributes : {} })
}

test('a short tail is left alone', () => {
  assert.equal(planSpill(target, sequencer(limits.tailSpillLength - 1)), undefined)
})

test('a spill moves the oldest entries to one index item a partition, and no record is lost between them', () => {
  const before = sequencer(limits.tailSpillLength)
  const plan = planSpill(target, before)
  assert.ok(plan)
  const [zero, one] = plan.items.map(putItem)
  assert.deepEqual([zero?.baseOffset, zero?.endOffset, zero?.extents.length], [0, 78, 12])
  assert.deepEqual([one?.baseOffset, one?.endOffset], [0, 4])
  const decision = decideWrite(before.attributes, plan.sequencer)
  assert.ok(decision.kind === 'apply' && decision.next)
  const after = parseSequencer({ key, attributes: decision.next })
  assert.equal(after.tailBytes.length, limits.tailSpillLength - limits.tailSpillCount)
  assert.deepEqual(
    [partitionState(after, 0)?.tailStartOffset, partitionState(after, 0)?.nextOffset],
    [78, 136],
  )
  assert.equal(partitionState(after, 1)?.tailStartOffset, 4)
})

test('the largest timestamp of an index item is that of everything up to it', () => {
  const first = planSpill(target, sequencer(16))
  assert.deepEqual(
    first?.items.map((write) => putItem(write).runningMaxTimestamp),
    [100, 9],
  )
  const later = planSpill(target, sequencer(16, { m0: 5000, m1: 3 }))
  assert.deepEqual(
    later?.items.map((write) => putItem(write).runningMaxTimestamp),
    [5000, 9],
  )
})

test('whoever spills the same tail writes the same items, however much was committed in between', () => {
  const early = planSpill(target, sequencer(16))
  const late = planSpill(target, sequencer(40))
  assert.deepEqual(late?.items, early?.items)
  assert.deepEqual(late?.sequencer, early?.sequencer)
})

test('of two spills of the same tail one is carried out', () => {
  const before = sequencer(16)
  const plan = planSpill(target, before)
  assert.ok(plan)
  const first = decideWrite(before.attributes, plan.sequencer)
  assert.ok(first.kind === 'apply')
  assert.equal(decideWrite(first.next, plan.sequencer).kind, 'refuse')
})

const rows = (count: number): Attributes =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      producerAttribute(0, BigInt(i)),
      encodeProducerRow({ epoch: 0, nextSequence: i, lastUseMinutes: count - i }),
    ]),
  )

test('few producers stay where they are', () => {
  assert.deepEqual(planEvictions(target, sequencer(0, rows(limits.producersPerSequencer))), [])
})

test('of many producers the idlest go, until few are left', () => {
  const before = sequencer(0, rows(500))
  let item: Attributes | undefined = before.attributes
  const plans = planEvictions(target, before)
  for (const writes of plans) {
    assert.ok(writes.length <= 100, 'a transaction has at most 100 writes')
    const last = writes.at(-1)
    assert.ok(last)
    const decision = decideWrite(item, last)
    assert.ok(decision.kind === 'apply')
    item = decision.next
  }
  const after = parseSequencer({ key, attributes: item ?? {} })
  assert.equal(after.evictions, plans.length)
  const left = producerRows(after).map(({ row }) => row.lastUseMinutes)
  assert.equal(left.length, limits.producersKeptByEviction)
  assert.equal(Math.min(...left), 500 - limits.producersKeptByEviction + 1, 'the latest used ones stay')
})

test('an eviction is refused as a whole when one of its producers has gone on', () => {
  const before = sequencer(0, rows(200))
  const [writes] = planEvictions(target, before)
  const last = writes?.at(-1)
  assert.ok(last)
  const moved = {
    [producerAttribute(0, 199n)]: encodeProducerRow({ epoch: 0, nextSequence: 7, lastUseMinutes: 1 }),
  }
  assert.equal(decideWrite({ ...before.attributes, ...moved }, last).kind, 'refuse')
})
