// Where a partition's records lie, from an offset on: the tail, which the sequencer's item brought along, and below it
// the index, by one query. Index items are immutable; a bounded number of them is remembered.

import { limits } from '../base/limits.ts'
import { retryRepeatable } from '../base/retry.ts'
import type { PlacedExtent } from '../metadata/extent.ts'
import { type IndexItem, parseIndexItem } from '../metadata/indexItem.ts'
import { indexSortKey, indexSortKeyEnd } from '../metadata/scope.ts'
import type { PartitionState } from '../metadata/sequencer.ts'
import type { LogDeps } from './deps.ts'

export interface LogPosition {
  readonly topicId: string
  readonly partition: number
  readonly offset: number
}

export interface Extents {
  /** The extent that holds `offset` and those that follow, until they have about `bytesMin` bytes or the log ends. */
  from(at: LogPosition, bytesMin: number, state: PartitionState): Promise<readonly PlacedExtent[]>
  /** The index items from the one that holds `offset` on. */
  items(at: LogPosition, limit: number): Promise<readonly IndexItem[]>
}

const partitionsRemembered = 1024
const itemsRemembered = 64

export function createExtents(deps: LogDeps): Extents {
  const remembered = new Map<string, readonly IndexItem[]>()

  const query = async (pk: string, offset: number, limit: number) => {
    const { items } = await retryRepeatable(deps, () =>
      deps.table.query({ pk, from: indexSortKey(offset), to: indexSortKeyEnd, limit }),
    )
    return items.map(parseIndexItem)
  }

  /** At least the item that holds `offset`, where there is one, and a few that follow it. */
  const itemsFrom = async (pk: string, offset: number) => {
    const known = remembered.get(pk) ?? []
    const start = known.findIndex((item) => item.baseOffset <= offset && offset < item.endOffset)
    remembered.delete(pk)
    const items = start === -1 ? await query(pk, offset, limits.indexItemsPerQuery) : known.slice(start)
    const follows = start === -1 && known.at(-1)?.endOffset === items[0]?.baseOffset
    const all = start === -1 ? [...(follows ? known : []), ...items] : known
    remembered.set(pk, all.slice(-itemsRemembered))
    for (const oldest of remembered.keys()) {
      if (remembered.size <= partitionsRemembered) break
      remembered.delete(oldest)
    }
    return items
  }

  return {
    async from({ topicId, partition, offset }, bytesMin, state) {
      const found: PlacedExtent[] = []
      const pk = deps.scope.indexPk(topicId, partition)
      let next = offset
      while (next < state.tailStartOffset && !isEnough(found, offset, bytesMin)) {
        const items = await itemsFrom(pk, next)
        const extents = items.flatMap((item) => item.extents).filter((extent) => endOf(extent) > next)
        found.push(...extents)
        const last = extents.at(-1)
        next = last ? endOf(last) : state.tailStartOffset
      }
      const tail = state.tail.filter((extent) => endOf(extent) > next)
      // The index may have been read after `state` was, and know more than the caller's high watermark.
      const visible = [...found, ...tail].filter((extent) => endOf(extent) <= state.nextOffset)
      return firstEnough(visible, offset, bytesMin)
    },
    items({ topicId, partition, offset }, limit) {
      return query(deps.scope.indexPk(topicId, partition), offset, limit)
    },
  }
}

/** Exclusive. */
export const endOf = (extent: PlacedExtent): number => extent.baseOffset + extent.offsetCount

/** Bytes of an extent from an offset on; an estimate where the offset lies within it. */
const bytesFrom = (extent: PlacedExtent, offset: number): number =>
  (extent.length * (endOf(extent) - Math.max(offset, extent.baseOffset))) / extent.offsetCount

/** The first extent is always wanted, however few bytes are. */
const isEnough = (extents: readonly PlacedExtent[], offset: number, bytesMin: number): boolean =>
  extents.length > 0 && extents.reduce((sum, extent) => sum + bytesFrom(extent, offset), 0) >= bytesMin

/** At least one, where there is one. */
function firstEnough(
  extents: readonly PlacedExtent[],
  offset: number,
  bytesMin: number,
): readonly PlacedExtent[] {
  let bytes = 0
  const enough = extents.findIndex((extent) => {
    bytes += bytesFrom(extent, offset)
    return bytes >= bytesMin
  })
  return enough === -1 ? extents : extents.slice(0, enough + 1)
}
