// Where a partition's records lie, from an offset on: segments, then what the index says of flushes, then the
// tail, which the sequencer's item brought along. Items are immutable; a bounded number of them is remembered
// for a bounded time, because what compaction has replaced is deleted after a while. A hole is an error and
// never passed over.

import { KafkaError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { PlacedExtent } from '../metadata/extent.ts'
import { type IndexItem, parseIndexItem } from '../metadata/indexItem.ts'
import { indexSortKey, indexSortKeyEnd, segmentSortKey, segmentSortKeyEnd } from '../metadata/scope.ts'
import type { PartitionState } from '../metadata/sequencer.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { LogDeps } from './deps.ts'

export interface LogPosition {
  readonly topicId: string
  readonly partition: number
  readonly offset: number
}

export interface Extents {
  /**
   * The extent that holds `offset` and those that follow, until they have about `bytesMin` bytes or the log
   * ends.
   */
  from(at: LogPosition, bytesMin: number, state: PartitionState): Promise<readonly PlacedExtent[]>
  /** Items below the tail, from the one that holds `offset` on; empty where only the tail follows. */
  items(at: LogPosition, limit: number, state: PartitionState): Promise<readonly IndexItem[]>
}

type Level = 'segments' | 'index'

interface Remembered {
  readonly items: readonly IndexItem[]
  readonly until: number
}

const partitionsRemembered = 1024
const itemsRemembered = 64

interface Items {
  query(level: Level, at: LogPosition, limit: number): Promise<readonly IndexItem[]>
  /** The item that holds the offset and a few that follow it, none where the level ends before it. */
  from(level: Level, at: LogPosition): Promise<readonly IndexItem[]>
}

function createItems(deps: LogDeps): Items {
  const remembered = new Map<string, Remembered>()

  const query: Items['query'] = async (level, at, limit) => {
    const pk = deps.scope.indexPk(at.topicId, at.partition)
    const range = rangeOf(level, at.offset)
    const { items } = await retryRepeatable(deps, () => deps.table.query({ pk, ...range, limit }))
    return items.map(parseIndexItem)
  }

  const from: Items['from'] = async (level, at) => {
    const key = `${level}/${deps.scope.indexPk(at.topicId, at.partition)}`
    const now = deps.clock.now()
    const known = remembered.get(key)
    const fresh = known && now < known.until ? known.items : []
    const start = fresh.findIndex((item) => item.baseOffset <= at.offset && at.offset < item.endOffset)
    if (start !== -1) return fresh.slice(start)
    const items = await query(level, at, limits.indexItemsPerQuery)
    inOrder(items, at)
    const follows = fresh.at(-1)?.endOffset === items[0]?.baseOffset
    const all = follows ? [...fresh, ...items] : items
    const until = follows && known ? known.until : now + limits.metadataCacheMs
    remembered.delete(key)
    remembered.set(key, { items: all.slice(-itemsRemembered), until })
    for (const oldest of remembered.keys()) {
      if (remembered.size <= partitionsRemembered) break
      remembered.delete(oldest)
    }
    return items
  }

  return { query, from }
}

export function createExtents(deps: LogDeps): Extents {
  const items = createItems(deps)

  return {
    async from({ topicId, partition, offset }, bytesMin, state) {
      const found: PlacedExtent[] = []
      let next = offset
      for (const { level, end } of levelsOf(state)) {
        while (next < end && !isEnough(found, offset, bytesMin)) {
          const at = { topicId, partition, offset: next }
          const extents = inOrder(await items.from(level, at), at)
          const last = extents.at(-1)
          if (!last) throw holeAt(at, end)
          found.push(...extents)
          next = endOf(last)
        }
      }
      const tail = state.tail.filter((extent) => endOf(extent) > next)
      // Items may have been read after `state` was, and know more than the caller's high watermark; an extent of a
      // segment may hold what lies on both sides of it.
      const visible = [...found, ...tail].filter((extent) => extent.baseOffset < state.nextOffset)
      return firstEnough(visible, offset, bytesMin)
    },

    async items(at, limit, state) {
      for (const { level, end } of levelsOf(state)) {
        const found = at.offset < end ? await items.query(level, at, limit) : []
        if (found.length > 0) return found
      }
      return []
    },
  }
}

/** Below `end` a level is the log. */
const levelsOf = (state: PartitionState): readonly { readonly level: Level; readonly end: number }[] => [
  { level: 'segments', end: state.segmentsEndOffset },
  { level: 'index', end: state.tailStartOffset },
]

const rangeOf = (level: Level, offset: number): { readonly from: string; readonly to: string } =>
  level === 'segments'
    ? { from: segmentSortKey(offset), to: segmentSortKeyEnd }
    : { from: indexSortKey(offset), to: indexSortKeyEnd }

/**
 * Items may overlap while one replaces others, and each is true; nothing is taken twice, and nothing is
 * missing.
 */
export function inOrder(items: readonly IndexItem[], from: LogPosition): readonly PlacedExtent[] {
  let next = from.offset
  return items
    .flatMap((item) => item.extents)
    .filter((extent) => {
      const isNew = endOf(extent) > next
      if (isNew && extent.baseOffset > next) throw holeAt({ ...from, offset: next }, extent.baseOffset)
      if (isNew) next = endOf(extent)
      return isNew
    })
}

/** Either the log is damaged, or the caller's sequencer was read before retention took what lay there. */
function holeAt({ topicId, partition, offset }: LogPosition, end: number): KafkaError {
  const place = `partition ${partition} of the topic with id ${topicId}`
  const message = `Nothing stored holds the offsets ${offset} to ${end - 1} of ${place}.`
  return new KafkaError('KAFKA_STORAGE_ERROR', message, { hole: offset, partition })
}

export const isHole = (error: unknown): boolean =>
  error instanceof KafkaError && error.details.hole !== undefined

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
