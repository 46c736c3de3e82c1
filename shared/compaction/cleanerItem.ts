// The cleaner item of a partition. Attributes (names are stored):
//
//   dirty            first offset that compaction by key has not seen
//   trim, trimAt     where the segments ended at a time: index items below it may go when the grace has passed since

import type { Attributes, Item } from '../ports/table.ts'

export interface CleanerState {
  readonly firstDirtyOffset: number
  readonly trimOffset: number
  readonly trimAtMs: number
}

export const parseCleanerItem = (item: Item | undefined): CleanerState => ({
  firstDirtyOffset: numberOr(item?.attributes.dirty, 0),
  trimOffset: numberOr(item?.attributes.trim, 0),
  trimAtMs: numberOr(item?.attributes.trimAt, 0),
})

export const cleanerAttributes = (state: CleanerState): Attributes => ({
  dirty: state.firstDirtyOffset,
  trim: state.trimOffset,
  trimAt: state.trimAtMs,
})

const numberOr = (value: unknown, otherwise: number): number =>
  typeof value === 'number' ? value : otherwise
