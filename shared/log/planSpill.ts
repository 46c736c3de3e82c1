// The tail kept short, decided: which entries move to the index, and which idle producers to items of their own.
// Every writer that spills the same tail decides exactly the same, so it does no harm that several do it at once: the
// index items are written first, with the same content whoever writes them, then one write takes the entries off the
// tail, provided that its first entry is still the one that was seen.

import { limits } from '../base/limits.ts'
import type { PartitionExtent } from '../metadata/extent.ts'
import { indexWrite } from '../metadata/indexItem.ts'
import type { Scope } from '../metadata/scope.ts'
import {
  evictedAttribute,
  partitionState,
  producerRowPrefix,
  producerRows,
  type Sequencer,
  spilledTimestampAttribute,
  tailAttribute,
} from '../metadata/sequencer.ts'
import type { Action, Condition, Write } from '../ports/table.ts'

export interface SpillPlan {
  /** Written first, in any order. */
  readonly items: readonly Write[]
  /** Written last. */
  readonly sequencer: Write
}

export interface SpillTarget {
  readonly scope: Scope
  readonly topicId: string
  readonly group: number
}

/**
 * undefined: the tail is short. With `everything` all of it goes, for the compactor to work on; then two writers may
 * spill different numbers of entries, and index items may overlap, which readers pass over.
 */
export function planSpill(
  target: SpillTarget,
  sequencer: Sequencer,
  everything = false,
): SpillPlan | undefined {
  const [first] = sequencer.tailBytes
  const isLong = sequencer.tailBytes.length >= limits.tailSpillLength
  if (!first || !(isLong || everything)) return undefined
  const count = everything ? sequencer.tailBytes.length : limits.tailSpillCount
  const spilled = sequencer.tail.slice(0, count).flatMap((entry) => entry.extents)
  const partitions = [...Map.groupBy(spilled, (extent) => extent.partition)]
  const parts = partitions.map(([partition, extents]) =>
    spillPartition(target, sequencer, partition, extents),
  )
  const key = target.scope.sequencer(target.topicId, target.group)
  return {
    items: parts.map((part) => part.item),
    sequencer: {
      kind: 'update',
      key,
      actions: [
        { kind: 'removeFirst', attribute: tailAttribute, count },
        ...parts.map((part) => part.action),
      ],
      when: [{ kind: 'firstEquals', attribute: tailAttribute, value: first }],
    },
  }
}

function spillPartition(
  { scope, topicId }: SpillTarget,
  sequencer: Sequencer,
  partition: number,
  extents: readonly PartitionExtent[],
): { readonly item: Write; readonly action: Action } {
  const state = partitionState(sequencer, partition)
  if (!state) throw new Error(`the tail names partition ${partition}, which its sequencer has not`)
  const timestamps = extents.map((extent) => extent.maxTimestamp)
  const runningMaxTimestamp = Math.max(state.spilledMaxTimestamp, ...timestamps)
  const content = { baseOffset: state.tailStartOffset, runningMaxTimestamp, extents }
  return {
    item: indexWrite(scope, topicId, partition, content),
    action: { kind: 'set', attribute: spilledTimestampAttribute(partition), value: runningMaxTimestamp },
  }
}

/**
 * None where there are few producers. Otherwise the idlest go, so many that there are few again, in transactions: an
 * evictor that was frozen must not write an old row over a newer one.
 */
export function planEvictions(target: SpillTarget, sequencer: Sequencer): readonly (readonly Write[])[] {
  const rows = producerRows(sequencer)
  if (rows.length <= limits.producersPerSequencer) return []
  const idlest = rows
    .sort((a, b) => a.row.lastUseMinutes - b.row.lastUseMinutes || (a.attribute < b.attribute ? -1 : 1))
    .slice(0, rows.length - limits.producersKeptByEviction)
  return Array.from({ length: Math.ceil(idlest.length / limits.producersPerCommit) }, (_, i) => {
    const from = i * limits.producersPerCommit
    return eviction(target, idlest.slice(from, from + limits.producersPerCommit))
  })
}

function eviction(
  { scope, topicId, group }: SpillTarget,
  idlest: ReturnType<typeof producerRows>,
): readonly Write[] {
  const evicted = idlest.map(({ partition, id, value }): Write => {
    const key = scope.evictedProducer(topicId, group, partition, id)
    return { kind: 'put', key, attributes: { row: value } }
  })
  const sequencerWrite: Write = {
    kind: 'update',
    key: scope.sequencer(topicId, group),
    actions: [
      { kind: 'add', attribute: evictedAttribute, value: 1 },
      ...idlest.map(({ attribute }): Action => ({ kind: 'remove', attribute })),
    ],
    when: idlest.map(({ attribute, row }): Condition => {
      return { kind: 'beginsWith', attribute, value: producerRowPrefix(row.epoch, row.nextSequence) }
    }),
  }
  return [...evicted, sequencerWrite]
}
