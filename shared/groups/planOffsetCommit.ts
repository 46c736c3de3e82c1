// One write of committed offsets, decided. A member's commit assumes what nearly always holds, that nobody later has
// been here and that it goes forward, and writes the assumption into the conditions, so that it needs no read and a
// copy that lands late moves nothing back. When the table refuses, the refusal brings the item and `decideCommit` goes
// by that, and only for an item of the life of the group that was seen: a copy that lands in a later one, or when
// the item is gone, changes nothing. What goes back, and whatever comes from no member, only replaces the very item
// that was seen.

import {
  detailsAttribute,
  encodeDetails,
  fenceAttribute,
  floorAttribute,
  offsetAttribute,
  type StoredOffsets,
  strangerFence,
  topicAttribute,
  versionAttribute,
} from '../metadata/offsetsItem.ts'
import type { Action, Condition } from '../ports/table.ts'

export interface OffsetToStore {
  readonly partition: number
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
}

export interface BlockCommit {
  readonly topicName: string
  /** See offsetsItem.ts. */
  readonly fence: number
  readonly isMember: boolean
  /** Each partition once. */
  readonly offsets: readonly OffsetToStore[]
  readonly nowMs: number
}

export interface BlockPlan {
  /** Partitions that are to be written; none: there is no write. */
  readonly partitions: readonly number[]
  readonly actions: readonly Action[]
  readonly when: readonly Condition[]
  /** Partitions that somebody later has taken over. */
  readonly fenced: readonly number[]
  /** Partitions whose offset would go back although that is not allowed. */
  readonly held: readonly number[]
}

/** Without having looked. */
export function assumeCommit(commit: BlockCommit): BlockPlan {
  const when = commit.offsets.flatMap(({ partition, offset }): Condition[] => [
    { kind: 'below', attribute: fenceAttribute(partition), value: commit.fence + 1 },
    { kind: 'below', attribute: offsetAttribute(partition), value: offset + 1 },
  ])
  return {
    partitions: commit.offsets.map(({ partition }) => partition),
    actions: [...head(commit), ...commit.offsets.flatMap((offset) => store(commit, offset, commit.fence))],
    when,
    fenced: [],
    held: [],
  }
}

/** By the item as it was seen; where there is none, `seen` has the floor of the group's life. */
export function decideCommit(commit: BlockCommit, seen: StoredOffsets, mayMoveBack: boolean): BlockPlan {
  const fenced: OffsetToStore[] = []
  const held: OffsetToStore[] = []
  const stored: OffsetToStore[] = []
  for (const offset of commit.offsets) {
    if (isFenced(commit, seen, offset.partition)) fenced.push(offset)
    else if (!mayMoveBack && goesBack(seen, offset)) held.push(offset)
    else stored.push(offset)
  }
  const movesBack = stored.some((offset) => goesBack(seen, offset))
  const isExact = movesBack || !commit.isMember
  return {
    partitions: stored.map(partitionOf),
    actions: [
      ...headFor(commit, seen),
      ...stored.flatMap((offset) => store(commit, offset, laterFence(seen, offset.partition, commit.fence))),
    ],
    when: isExact
      ? asSeen(seen)
      : [ofLife(seen), ...stored.flatMap((offset) => conditionsOf(commit, seen, offset))],
    fenced: fenced.map(partitionOf),
    held: held.map(partitionOf),
  }
}

/** Takes offsets away; the fence keeps those away who would bring them back. */
export function decideRemoval(
  partitions: readonly number[],
  seen: StoredOffsets,
  fence: number,
): Pick<BlockPlan, 'partitions' | 'actions' | 'when'> {
  const stored = partitions.filter((partition) => seen.offsets.has(partition))
  return {
    partitions: stored,
    actions: [
      countWrite,
      ...stored.flatMap((partition): Action[] => [
        { kind: 'set', attribute: fenceAttribute(partition), value: laterFence(seen, partition, fence) },
        { kind: 'remove', attribute: offsetAttribute(partition) },
        { kind: 'remove', attribute: detailsAttribute(partition) },
      ]),
    ],
    when: asSeen(seen),
  }
}

/** Marks partitions as the member's; `fenced` are those that somebody later has. None to mark: there is no write. */
export function decideTakeOver(
  partitions: readonly number[],
  seen: StoredOffsets,
  topicName: string,
  fence: number,
): Pick<BlockPlan, 'partitions' | 'actions' | 'when' | 'fenced'> {
  const fenceOf = (partition: number): number => laterFence(seen, partition, 0)
  const taken = partitions.filter((partition) => fenceOf(partition) < fence)
  return {
    partitions: taken,
    actions: [
      ...headFor({ topicName }, seen),
      ...taken.map(
        (partition): Action => ({ kind: 'set', attribute: fenceAttribute(partition), value: fence }),
      ),
    ],
    when: [
      ofLife(seen),
      ...taken.map((partition) => notAfter(fenceAttribute(partition), seen.fences.get(partition), fence)),
    ],
    fenced: partitions.filter((partition) => fenceOf(partition) > fence),
  }
}

const partitionOf = ({ partition }: OffsetToStore): number => partition

/** Who is no member comes only while there are none, and was checked against the group. */
const isFenced = ({ isMember, fence }: BlockCommit, seen: StoredOffsets, partition: number): boolean =>
  isMember && laterFence(seen, partition, 0) > fence

const goesBack = ({ offsets }: StoredOffsets, { partition, offset }: OffsetToStore): boolean =>
  offset < (offsets.get(partition)?.offset ?? 0)

function conditionsOf({ fence }: BlockCommit, seen: StoredOffsets, to: OffsetToStore): Condition[] {
  const { partition, offset } = to
  return [
    notAfter(fenceAttribute(partition), seen.fences.get(partition), fence),
    notAfter(offsetAttribute(partition), seen.offsets.get(partition)?.offset, offset),
  ]
}

/** Nobody has written anything to the item since. */
export const asSeen = (seen: StoredOffsets): readonly Condition[] =>
  seen.version === undefined
    ? [ofLife(seen)]
    : [ofLife(seen), { kind: 'equals', attribute: versionAttribute, value: seen.version }]

/** The item is of the group's life that was seen. */
const ofLife = ({ version, epochFloor }: StoredOffsets): Condition =>
  version === undefined
    ? { kind: 'itemAbsent' }
    : { kind: 'equals', attribute: floorAttribute, value: epochFloor }

const notAfter = (attribute: string, seen: number | undefined, bound: number): Condition =>
  seen === undefined ? { kind: 'absent', attribute } : { kind: 'below', attribute, value: bound + 1 }

const countWrite: Action = { kind: 'add', attribute: versionAttribute, value: 1 }

/** What every write does to the item. */
const head = ({ topicName }: { readonly topicName: string }): Action[] => [
  { kind: 'set', attribute: topicAttribute, value: topicName },
  countWrite,
]

/** What makes the item writes down whose it is. */
const headFor = (block: { readonly topicName: string }, { version, epochFloor }: StoredOffsets): Action[] =>
  version === undefined
    ? [...head(block), { kind: 'set', attribute: floorAttribute, value: epochFloor }]
    : head(block)

function store({ nowMs }: BlockCommit, to: OffsetToStore, fence: number): Action[] {
  const { partition, offset, leaderEpoch, metadata } = to
  const details = encodeDetails({ leaderEpoch, commitTimestamp: nowMs, metadata })
  return [
    { kind: 'set', attribute: fenceAttribute(partition), value: fence },
    { kind: 'set', attribute: offsetAttribute(partition), value: offset },
    { kind: 'set', attribute: detailsAttribute(partition), value: details },
  ]
}

/** Later than whoever was in a life before, too. */
const laterFence = ({ fences, epochFloor }: StoredOffsets, partition: number, fence: number): number =>
  Math.max(fence, fences.get(partition) ?? strangerFence(epochFloor))
