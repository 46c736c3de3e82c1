// Brings what the consumer has to what the group wants it to have, while the application waits for its next record
// and so holds none: gives up, then takes, and tells the group after each.

import { type Commits, isHarmless } from './commits.ts'
import { codes, isRefusal, localError } from './errors.ts'
import type { Fetcher, OffsetReset } from './fetcher.ts'
import type { GroupOffsets } from './groupOffsets.ts'
import type { Member } from './member.ts'
import { isOut, stepsOf } from './membership.ts'
import { fetchEnds } from './pages.ts'
import type { Positions } from './positions.ts'
import { retried } from './retry.ts'
import { byTopic, keyOf, type TopicPartition } from './topicPartition.ts'
import type { Transport } from './transport.ts'
import type { World } from './world.ts'

type Callback = (partitions: readonly TopicPartition[]) => void | Promise<void>

export interface RebalanceCallbacks {
  /** The consumer is about to read these. */
  readonly onAssigned?: Callback
  /** Awaited before others get them: the last chance to commit. */
  readonly onRevoked?: Callback
  /** Others may have them already: a commit comes too late. Default: as `onRevoked`. */
  readonly onLost?: Callback
}

export interface RebalanceDeps extends RebalanceCallbacks {
  readonly transport: Transport
  readonly world: World
  readonly member: Member
  readonly positions: Positions
  readonly fetcher: Fetcher
  readonly offsets: GroupOffsets
  readonly commits: Commits
  readonly autoCommit: boolean
  readonly autoOffsetReset: OffsetReset
  readonly stop: AbortSignal
}

export interface Rebalance {
  /** Until there is nothing to give up or take. */
  settle(): Promise<void>
  /** Gives up everything, for good. */
  end(): Promise<void>
}

export function createRebalance(deps: RebalanceDeps): Rebalance {
  const { member, positions, fetcher, commits } = deps
  const onLost = deps.onLost ?? deps.onRevoked
  let generation = 0

  const lose = async (): Promise<void> => {
    generation = member.state().generation
    const gone = positions.all().map(placeOnly)
    positions.remove(gone)
    if (gone.length > 0) await onLost?.(gone)
  }

  const revoke = async (partitions: readonly TopicPartition[]): Promise<void> => {
    if (deps.autoCommit) await commits.commitDone(partitions).catch(unlessHarmless)
    await deps.onRevoked?.(partitions)
    positions.remove(partitions)
  }

  const assign = async (partitions: readonly TopicPartition[]): Promise<void> => {
    const found = await locate(deps, partitions)
    for (const { committed, offset, ...partition } of found) positions.assign(partition, offset, committed)
    await deps.onAssigned?.(partitions)
    fetcher.renew()
  }

  /** false: there is nothing to do. */
  const step = async (): Promise<boolean> => {
    if (member.state().generation !== generation) await lose()
    const { revoke: toRevoke, assign: toAssign } = stepsOf(member.state())
    if (toRevoke.length === 0 && toAssign.length === 0) return false
    if (toRevoke.length > 0) await revoke(toRevoke)
    else await assign(toAssign)
    member.owns(generation, positions.all().map(placeOnly))
    return true
  }

  return {
    async settle() {
      for (;;) {
        const failure = member.failure()
        if (failure !== undefined) throw failure.error
        try {
          if (!(await step())) return
        } catch (error) {
          // The group has gone on meanwhile; what it wants now comes with a heartbeat.
          if (!isOut(error) && !isRefusal(error, codes.staleMemberEpoch)) throw error
          await member.beat()
        }
      }
    },
    async end() {
      const all = positions.all().map(placeOnly)
      if (member.state().generation !== generation) await lose()
      else if (all.length > 0) await revoke(all)
    },
  }
}

const placeOnly = ({ topic, partition }: TopicPartition): TopicPartition => ({ topic, partition })

function unlessHarmless(error: unknown): void {
  if (!isHarmless(error)) throw error
}

interface Start extends TopicPartition {
  readonly offset: number
  readonly committed: number | undefined
}

/** Where to read on: where the group has committed, else where `autoOffsetReset` says. */
async function locate(deps: RebalanceDeps, partitions: readonly TopicPartition[]): Promise<readonly Start[]> {
  const committed = await deps.offsets.committed(partitions, deps.stop)
  const starts = partitions.map((partition) => ({ ...partition, committed: committed.get(keyOf(partition)) }))
  const unknown = starts.filter((start) => start.committed === undefined)
  const found = await resetOffsets(deps, unknown)
  return starts.map((start) => ({ ...start, offset: start.committed ?? found.get(keyOf(start)) ?? 0 }))
}

async function resetOffsets(
  { transport, world, autoOffsetReset, stop }: RebalanceDeps,
  partitions: readonly TopicPartition[],
): Promise<ReadonlyMap<string, number>> {
  const [first] = partitions
  if (first !== undefined && autoOffsetReset === 'none') {
    throw localError(`nothing is committed of partition ${first.partition} of ${first.topic}`)
  }
  const found = new Map<string, number>()
  for (const [topic, some] of byTopic(partitions)) {
    const patience = { world, timeoutMs: Number.POSITIVE_INFINITY, signal: stop }
    const ends = await retried(patience, () => fetchEnds(transport, topic, some, stop))
    for (const { partition, logStartOffset, highWatermark } of ends) {
      found.set(keyOf({ topic, partition }), autoOffsetReset === 'earliest' ? logStartOffset : highWatermark)
    }
  }
  return found
}
