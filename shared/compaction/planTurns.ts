// Which partitions of a sequencer get their turn in a pass: those that are due, and, where a writer has marked it or
// its tail was spilled just now, those with something unmerged. The others cost the pass nothing.

import type { WorkItem } from '../metadata/workItem.ts'

export interface TurnsInput {
  /** All that the sequencer has. */
  readonly partitions: readonly number[]
  readonly unmerged: readonly number[]
  readonly isSpilled: boolean
  readonly nowMs: number
}

export interface TurnPlan {
  readonly now: readonly number[]
  /** When those are due that are not yet. */
  readonly later: ReadonlyMap<number, number>
}

export function planTurns(
  entries: readonly WorkItem[],
  { partitions, unmerged, isSpilled, nowMs }: TurnsInput,
): TurnPlan {
  if (entries.some(({ isForAll }) => isForAll)) return { now: partitions, later: new Map() }
  const isMarked = isSpilled || entries.some(({ isWritersMark }) => isWritersMark)
  const dueMs = (partition: number): number => {
    if (isMarked && unmerged.includes(partition)) return nowMs
    return Math.min(...entries.map(({ dues }) => dues.get(partition) ?? Number.POSITIVE_INFINITY))
  }
  const dues = partitions.map((partition) => [partition, dueMs(partition)] as const)
  return {
    now: dues.filter(([, due]) => due <= nowMs).map(([partition]) => partition),
    later: new Map(dues.filter(([, due]) => due > nowMs && due < Number.POSITIVE_INFINITY)),
  }
}
