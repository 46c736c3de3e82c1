// What is committed and when: one commit at a time, so that an earlier one never lands behind a later one.

import { codes, isRefusal } from './errors.ts'
import type { GroupOffsets, OffsetToCommit } from './groupOffsets.ts'
import { isOut } from './membership.ts'
import type { Position, Positions } from './positions.ts'
import { isRetriable } from './retry.ts'
import type { TopicPartition } from './topicPartition.ts'

export interface Commits {
  /** Error: of the first partition that is refused; the others are committed. */
  commit(offsets: readonly OffsetToCommit[]): Promise<void>
  /** What the application is done with and has not been committed; of these partitions, or of all. */
  commitDone(partitions?: readonly TopicPartition[]): Promise<void>
}

export function createCommits(offsets: GroupOffsets, positions: Positions): Commits {
  let last: Promise<unknown> = Promise.resolve()

  const send = async (wanted: readonly OffsetToCommit[]): Promise<void> => {
    if (wanted.length === 0) return
    const outcomes = await offsets.commit(wanted)
    for (const [index, { error, ...partition }] of outcomes.entries()) {
      const offset = wanted[index]?.offset
      if (error === undefined && offset !== undefined) positions.commit(partition, offset)
    }
    const refused = outcomes.find(({ error }) => error !== undefined)
    if (refused !== undefined) throw refused.error
  }

  // `plan` is asked when it is this commit's turn.
  const inTurn = (plan: () => readonly OffsetToCommit[]): Promise<void> => {
    const commit = last.then(() => send(plan()))
    last = commit.catch(() => undefined)
    return commit
  }

  const done = (partitions: readonly TopicPartition[]): readonly OffsetToCommit[] =>
    partitions
      .map((partition) => positions.find(partition))
      .filter(
        (position): position is Position => position !== undefined && position.done !== position.committed,
      )
      .map(({ topic, partition, done: offset }) => ({ topic, partition, offset }))

  return {
    commit: (wanted) => inTurn(() => wanted),
    commitDone: (partitions) => inTurn(() => done(partitions ?? positions.all())),
  }
}

/** What is not committed is read again by whoever has the partition next, which is what a group promises. */
export function isHarmless(error: unknown): boolean {
  const isGone = isRefusal(error, codes.staleMemberEpoch, codes.unknownTopic, codes.partitionNotFound)
  return isGone || isOut(error) || isRetriable(error)
}
