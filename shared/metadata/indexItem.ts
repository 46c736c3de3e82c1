// Index items: the extents of one partition that have left the sequencer's tail, immutable. Attributes (names are
// stored):
//
//   base     offset of the first record; the last one is in the sort key
//   max      largest timestamp of this item and of everything below it, so that a search by timestamp can bisect
//   extents  extent.ts

import { invariant } from '../base/errors.ts'
import type { Item, ItemKey, Write } from '../ports/table.ts'
import { decodeExtents, type Extent, encodeExtents, type PlacedExtent } from './extent.ts'
import type { Scope } from './scope.ts'

export interface IndexItem {
  readonly baseOffset: number
  /** Exclusive. */
  readonly endOffset: number
  readonly runningMaxTimestamp: number
  readonly extents: readonly PlacedExtent[]
}

export function indexWrite(
  scope: Scope,
  topicId: string,
  partition: number,
  item: {
    readonly baseOffset: number
    readonly runningMaxTimestamp: number
    readonly extents: readonly Extent[]
  },
): Write {
  const count = item.extents.reduce((sum, extent) => sum + extent.offsetCount, 0)
  const key: ItemKey = scope.index(topicId, partition, item.baseOffset + count - 1)
  const attributes = {
    base: item.baseOffset,
    max: item.runningMaxTimestamp,
    extents: encodeExtents(item.extents),
  }
  return { kind: 'put', key, attributes }
}

export function parseIndexItem(item: Item): IndexItem {
  const { base, max, extents } = item.attributes
  invariant(typeof base === 'number' && typeof max === 'number', 'an index item has base and max')
  invariant(extents instanceof Uint8Array, 'an index item has extents')
  const placed = decodeExtents(extents, base)
  const last = placed.at(-1)
  invariant(last !== undefined, 'an index item has at least one extent')
  return {
    baseOffset: base,
    endOffset: last.baseOffset + last.offsetCount,
    runningMaxTimestamp: max,
    extents: placed,
  }
}
