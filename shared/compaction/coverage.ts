// Whether what the table says of a partition adds up: every offset from the log start to the high watermark
// is named, and what names it agrees. Pure. What is allowed: a segment that a later one covers (history),
// index items below the segments' end (they wait for the grace), two index items with the same extents (two
// writers spilled differently).

import { endOf } from '../log/extents.ts'
import type { PlacedExtent } from '../metadata/extent.ts'
import { liveSegments, type SegmentItem } from '../metadata/segmentItem.ts'
import type { PartitionState } from '../metadata/sequencer.ts'

export interface Trouble {
  readonly kind: 'dangling' | 'overlap' | 'hole'
  readonly what: string
}

interface Range {
  readonly baseOffset: number
  /** Exclusive. */
  readonly endOffset: number
  readonly name: string
}

export function checkCoverage(
  state: PartitionState,
  segments: readonly SegmentItem[],
  indexed: readonly PlacedExtent[],
): readonly Trouble[] {
  const { logStartOffset, segmentsEndOffset, nextOffset } = state
  const live = liveSegments(segments).map(({ baseOffset, endOffset, objectId }): Range => {
    return { baseOffset, endOffset, name: `segment ${objectId}` }
  })
  const flushes = distinct([...indexed, ...state.tail])
  return [
    ...beyond(live, segmentsEndOffset, 'the end of the segments'),
    ...beyond(flushes, nextOffset, 'the high watermark'),
    ...overlaps(live),
    ...overlaps(flushes),
    ...holes(live, logStartOffset, segmentsEndOffset, 'segment'),
    ...holes(flushes, Math.max(logStartOffset, segmentsEndOffset), nextOffset, 'flush'),
  ]
}

/** In their order, each once. */
function distinct(extents: readonly PlacedExtent[]): readonly Range[] {
  const byPlace = new Map(
    extents.map((extent): [string, Range] => {
      const name = `${extent.storage} ${extent.objectId} position ${extent.position}`
      const range = { baseOffset: extent.baseOffset, endOffset: endOf(extent), name }
      return [`${name} ${range.baseOffset} ${range.endOffset}`, range]
    }),
  )
  return [...byPlace.values()].sort((a, b) => a.baseOffset - b.baseOffset)
}

const beyond = (ranges: readonly Range[], end: number, what: string): readonly Trouble[] =>
  ranges
    .filter(({ endOffset }) => endOffset > end)
    .map((range) => ({ kind: 'overlap', what: `${render(range)} reaches beyond ${what}, ${end}` }))

function overlaps(ranges: readonly Range[]): readonly Trouble[] {
  const troubles: Trouble[] = []
  let before: Range | undefined
  for (const range of ranges) {
    if (before && range.baseOffset < before.endOffset) {
      troubles.push({ kind: 'overlap', what: `${render(range)} overlaps ${render(before)}` })
    }
    if (!before || range.endOffset > before.endOffset) before = range
  }
  return troubles
}

/** Of [from, to), what no range covers. */
function holes(ranges: readonly Range[], from: number, to: number, word: string): readonly Trouble[] {
  const troubles: Trouble[] = []
  let next = from
  const missing = (end: number) => {
    if (next < end) troubles.push({ kind: 'hole', what: `no ${word} has the offsets ${next} to ${end - 1}` })
  }
  for (const { baseOffset, endOffset } of ranges) {
    missing(Math.min(baseOffset, to))
    next = Math.max(next, endOffset)
  }
  missing(to)
  return troubles
}

const render = ({ baseOffset, endOffset, name }: Range): string =>
  `${name} with the offsets ${baseOffset} to ${endOffset - 1}`
