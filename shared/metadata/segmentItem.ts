// Segment items: an index item whose extents are chunks of one segment object. A segment that replaces others covers
// their whole range and takes the key of the last of them, so that each of the two, the old ones and the new one, is a
// true picture of the log on its own: whoever finds an old one reads what was there before. Attributes (names are
// stored):
//
//   base, max, extents   as in an index item
//   first                largest timestamp of its first batch (-1: none), from which max.compaction.lag.ms counts
//   created              when the segment was written, in milliseconds
//   records              how many records it holds

import { invariant } from '../base/errors.ts'
import type { Attributes, Item, ItemKey } from '../ports/table.ts'
import { encodeExtents, type PlacedExtent } from './extent.ts'
import { type IndexItem, parseIndexItem } from './indexItem.ts'

export interface SegmentItem extends IndexItem {
  readonly key: ItemKey
  readonly objectId: string
  /** Bytes of its batches. */
  readonly bytes: number
  readonly recordCount: number
  /** Of its own records, -1 where it has none. */
  readonly maxTimestamp: number
  readonly firstTimestamp: number
  readonly createdMs: number
}

export interface NewSegment {
  readonly baseOffset: number
  readonly runningMaxTimestamp: number
  readonly extents: readonly PlacedExtent[]
  readonly recordCount: number
  readonly firstTimestamp: number
  readonly createdMs: number
}

export function segmentAttributes(segment: NewSegment): Attributes {
  return {
    base: segment.baseOffset,
    max: segment.runningMaxTimestamp,
    extents: encodeExtents(segment.extents),
    first: segment.firstTimestamp,
    created: segment.createdMs,
    records: segment.recordCount,
  }
}

export function parseSegmentItem(item: Item): SegmentItem {
  const index = parseIndexItem(item)
  const { first, created, records } = item.attributes
  invariant(typeof created === 'number' && typeof records === 'number', 'a segment item has its numbers')
  invariant(typeof first === 'number', 'a segment item has the timestamp of its first batch')
  return {
    ...index,
    key: item.key,
    objectId: index.extents[0]?.objectId ?? '',
    bytes: index.extents.reduce((sum, extent) => sum + extent.length, 0),
    recordCount: records,
    maxTimestamp: Math.max(...index.extents.map((extent) => extent.maxTimestamp)),
    firstTimestamp: first,
    createdMs: created,
  }
}

/**
 * The segments that are the log: one that a later one covers is history, there for readers who found it before, until
 * the collector takes it.
 */
export function liveSegments<S extends IndexItem>(segments: readonly S[]): readonly S[] {
  return segments.filter((segment, i) =>
    segments.slice(i + 1).every((later) => later.baseOffset > segment.baseOffset),
  )
}
