// The cleaner item of a partition. Attributes (names are stored):
//
//   dirty            first offset that compaction by key has not seen
//   mapped           a clean is half done: it compares with what lies from `dirty` to here (exclusive; absent: none is)
//   rewritten        and has done so below this offset
//   trim, trimAt     where the segments ended at a time: index items below it may go when the grace has passed since

import type { Attributes, Item } from '../ports/table.ts'

/** How far compaction by key has come. */
export interface CleanProgress {
  readonly firstDirtyOffset: number
  /** Above the first dirty offset: a clean of what lies between is half done. */
  readonly mappedEndOffset: number
  /** Segments that end here or below have been compared with all of that. */
  readonly rewrittenOffset: number
}

export interface CleanerState extends CleanProgress {
  readonly trimOffset: number
  readonly trimAtMs: number
}

export const parseCleanerItem = (item: Item | undefined): CleanerState => ({
  firstDirtyOffset: numberOr(item?.attributes.dirty, 0),
  mappedEndOffset: numberOr(item?.attributes.mapped, 0),
  rewrittenOffset: numberOr(item?.attributes.rewritten, 0),
  trimOffset: numberOr(item?.attributes.trim, 0),
  trimAtMs: numberOr(item?.attributes.trimAt, 0),
})

export const cleanerAttributes = (state: CleanerState): Attributes => ({
  dirty: state.firstDirtyOffset,
  ...(isHalfDone(state) ? { mapped: state.mappedEndOffset, rewritten: state.rewrittenOffset } : {}),
  trim: state.trimOffset,
  trimAt: state.trimAtMs,
})

/** It goes on with the same range: what is rewritten already was compared with that and no more. */
export const isHalfDone = ({ firstDirtyOffset, mappedEndOffset }: CleanProgress): boolean =>
  mappedEndOffset > firstDirtyOffset

const numberOr = (value: unknown, otherwise: number): number =>
  typeof value === 'number' ? value : otherwise
