import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PlacedExtent } from '../../../shared/metadata/extent.ts'
import type { IndexItem } from '../../../shared/metadata/indexItem.ts'
import { createScope } from '../../../shared/metadata/scope.ts'
import { liveSegments, parseSegmentItem, segmentAttributes } from '../../../shared/metadata/segmentItem.ts'

const objectId = '0123456789abcdef0123456789abcdef'

const extent = (
  baseOffset: number,
  offsetCount: number,
  length: number,
  maxTimestamp: number,
): PlacedExtent => ({
  storage: 'segment',
  objectId,
  position: 0,
  length,
  baseOffset,
  offsetCount,
  maxTimestamp,
  producerBatches: [],
})

test('a segment item comes back as it was written', () => {
  const segment = {
    baseOffset: 7,
    runningMaxTimestamp: 99,
    extents: [extent(7, 3, 100, 5), extent(10, 90, 50, -1)],
    recordCount: 12,
    firstTimestamp: 4,
    createdMs: 1234,
  }
  const key = createScope('t').segment('topic', 0, 99)
  assert.deepEqual(parseSegmentItem({ key, attributes: segmentAttributes(segment) }), {
    ...segment,
    key,
    endOffset: 100,
    objectId,
    bytes: 150,
    maxTimestamp: 5,
  })
})

test('an item without its numbers is refused', () => {
  const attributes = segmentAttributes({
    baseOffset: 0,
    runningMaxTimestamp: -1,
    extents: [extent(0, 1, 0, -1)],
    recordCount: 0,
    firstTimestamp: -1,
    createdMs: 0,
  })
  const key = createScope('t').segment('topic', 0, 0)
  for (const name of ['base', 'max', 'extents', 'first', 'created', 'records']) {
    const { [name]: _, ...others } = attributes
    assert.throws(() => parseSegmentItem({ key, attributes: others }), /broken invariant/, name)
  }
})

const range = (baseOffset: number, endOffset: number): IndexItem => ({
  baseOffset,
  endOffset,
  runningMaxTimestamp: -1,
  extents: [],
})

test('of segments that cover each other the last one is the log', () => {
  const cases: [readonly IndexItem[], readonly number[]][] = [
    [[], []],
    [
      [range(0, 10), range(10, 20)],
      [0, 1],
    ],
    [[range(0, 10), range(0, 20)], [1]],
    [[range(0, 10), range(10, 20), range(0, 30)], [2]],
    [
      [range(0, 10), range(10, 20), range(10, 30), range(30, 40)],
      [0, 2, 3],
    ],
    [
      [range(0, 10), range(0, 20), range(0, 30), range(30, 31)],
      [2, 3],
    ],
  ]
  for (const [segments, expected] of cases) {
    assert.deepEqual(
      liveSegments(segments),
      expected.map((i) => segments[i]),
    )
  }
})
