// The parts of a consumer, put together.

import { type Commits, createCommits } from './commits.ts'
import { localError } from './errors.ts'
import { createFetcher, type Fetcher, type OffsetReset } from './fetcher.ts'
import { createGroupOffsets } from './groupOffsets.ts'
import { createMember, type Member } from './member.ts'
import { createNotifier, type Notifier } from './notifier.ts'
import { createPositions, type Handed, type Positions } from './positions.ts'
import { createRebalance, type Rebalance, type RebalanceCallbacks } from './rebalance.ts'
import { type ConnectionOptions, createTransport } from './transport.ts'
import type { World } from './world.ts'

export interface SessionOptions extends ConnectionOptions, RebalanceCallbacks {
  readonly world: World
  readonly groupId: string
  readonly topics?: readonly string[]
  readonly pattern?: string
  readonly autoCommit: boolean
  readonly autoOffsetReset: OffsetReset
  readonly instanceId?: string
  readonly clientId?: string
  readonly maxPollIntervalMs?: number
  readonly fetchBytesMax?: number
  readonly fetchMaxWaitMs?: number
}

export interface Session {
  /** Ends what is under way; what is done is still committed. */
  readonly stop: AbortController
  readonly changed: Notifier
  readonly member: Member
  readonly positions: Positions
  readonly fetcher: Fetcher
  readonly commits: Commits
  readonly rebalance: Rebalance
  /** The application has this record now. */
  busyWith(handed: Handed): void
  doneWith(handed: Handed): void
  fail(error: unknown): void
  failure(): { readonly error: unknown } | undefined
}

export function openSession(options: SessionOptions): Session {
  const { world, topics, pattern, groupId, autoCommit, autoOffsetReset } = options
  if ((topics === undefined) === (pattern === undefined)) {
    throw localError('a consumer has topics, or a pattern of their names')
  }
  const {
    maxPollIntervalMs = 300_000,
    fetchBytesMax = 1024 * 1024,
    fetchMaxWaitMs: maxWaitMs = 5000,
  } = options
  const path = `/consumer-groups/${encodeURIComponent(groupId)}`
  const stop = new AbortController()
  const changed = createNotifier()
  const positions = createPositions()
  const base = { transport: createTransport(options, world), world, path, positions, changed }
  let busySince: number | undefined
  let failed: { readonly error: unknown } | undefined

  const member = createMember({
    ...base,
    subscription: { topics, pattern, ...identity(options), rebalanceTimeoutMs: maxPollIntervalMs },
    busyMs: () => (busySince === undefined ? 0 : world.now() - busySince),
    maxPollIntervalMs,
  })
  const offsets = createGroupOffsets(base, member)
  const commits = createCommits(offsets, positions)
  const fetching = { fetchBytesMax, maxWaitMs, autoOffsetReset, stop: stop.signal }
  const fetcher = createFetcher({ ...base, ...fetching })
  const rebalanced = { ...callbacks(options), autoCommit, autoOffsetReset, stop: stop.signal }
  const rebalance = createRebalance({ ...base, ...rebalanced, member, fetcher, offsets, commits })
  return {
    ...{ stop, changed, member, positions, fetcher, commits, rebalance },
    busyWith() {
      busySince = world.now()
    },
    doneWith(handed) {
      busySince = undefined
      positions.finish(handed)
    },
    fail(error) {
      failed = { error }
      changed.notify()
    },
    failure: () => failed ?? member.failure() ?? fetcher.failure(),
  }
}

const identity = ({ instanceId, clientId = 'millrace-typescript' }: SessionOptions) => ({
  instanceId,
  clientId,
})

const callbacks = ({ onAssigned, onRevoked, onLost }: SessionOptions): RebalanceCallbacks => ({
  ...(onAssigned && { onAssigned }),
  ...(onRevoked && { onRevoked }),
  ...(onLost && { onLost }),
})
