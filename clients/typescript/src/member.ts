// One member of a consumer group, kept alive by heartbeats whatever the application does. An application that does
// not ask for records for too long is taken out, so that others read on; it joins again when it asks.

import {
  type HeartbeatWire,
  heartbeatBody,
  leaveBody,
  parseHeartbeat,
  type Subscription,
} from './groupWire.ts'
import { answered, lost, type Membership, outsider, owning, reactionTo } from './membership.ts'
import type { Notifier } from './notifier.ts'
import { createPulse } from './pulse.ts'
import { backoffMs, isRetriable, retried } from './retry.ts'
import type { TopicPartition } from './topicPartition.ts'
import type { Transport } from './transport.ts'
import { randomId, type World } from './world.ts'

export interface MemberDeps {
  readonly transport: Transport
  readonly world: World
  /** Of the group, below the cluster. */
  readonly path: string
  readonly subscription: Subscription
  /** How long the application has been busy with what it was given; 0: it waits for more. */
  readonly busyMs: () => number
  readonly maxPollIntervalMs: number
  /** Told of every change. */
  readonly changed: Notifier
}

export interface Member {
  state(): Membership
  /** What ended the membership for good. */
  failure(): { readonly error: unknown } | undefined
  /** Joins, and joins again who was taken out. */
  join(): void
  /** What the application has after it was told; of an earlier generation: nothing. */
  owns(generation: number, owned: readonly TopicPartition[]): void
  /** Says it now instead of when it is due; resolves when the group has answered. */
  beat(): Promise<void>
  leave(): Promise<void>
}

const leaveTimeoutMs = 5000
const sleepMsMax = 60_000

export function createMember(deps: MemberDeps): Member {
  const { world, changed } = deps
  const stop = new AbortController()
  const calls = createCalls(deps, stop.signal)
  let state = outsider(randomId(world))
  let failure: ReturnType<Member['failure']>
  let mode: 'new' | 'in' | 'out' = 'new'
  let failures = 0

  /** One heartbeat; answers when the next one is due. */
  const heartbeat = async (): Promise<number> => {
    const said = state
    try {
      const { answer, dueMs } = await calls.beat(said)
      failures = 0
      state = answered(state, said, answer)
      return dueMs
    } catch (error) {
      if (stop.signal.aborted) return 0
      const reaction = reactionTo(error)
      if (reaction === 'fail') failure = { error }
      if (reaction === 'rejoin') state = lost(state)
      return backoffMs(failures++, world.random(), isRetriable(error) ? error.retryAfterMs : 0)
    }
  }

  const pulse = createPulse(world, async () => {
    if (mode === 'in' && deps.busyMs() > deps.maxPollIntervalMs) {
      mode = 'out'
      await calls.leave(state)
      state = lost(state)
    }
    const dueMs = mode === 'in' ? await heartbeat() : sleepMsMax
    changed.notify()
    return failure === undefined ? Math.min(dueMs, deps.maxPollIntervalMs) : undefined
  })

  return {
    state: () => state,
    failure: () => failure,
    join() {
      if (mode === 'out') pulse.nudge()
      mode = 'in'
      pulse.start()
    },
    owns(generation, owned) {
      state = owning(state, generation, owned)
      pulse.nudge()
    },
    async beat() {
      pulse.nudge()
      if (failure === undefined && !stop.signal.aborted) await changed.next()
    },
    async leave() {
      stop.abort()
      await pulse.stop()
      if (mode === 'in') await calls.leave(state)
    },
  }
}

function createCalls({ transport, world, path: group, subscription }: MemberDeps, signal: AbortSignal) {
  const path = `${group}:heartbeat`
  return {
    async beat(state: Membership) {
      const call = { method: 'POST', path, body: heartbeatBody(state, subscription), signal } as const
      const wire = await transport.json<HeartbeatWire>(call)
      return { answer: parseHeartbeat(wire), dueMs: wire.heartbeat_interval_ms }
    },
    /** A group that cannot be told notices by itself, when the session ends. */
    async leave(state: Membership): Promise<void> {
      const call = () => transport.text({ method: 'POST', path, body: leaveBody(state, subscription) })
      await retried({ world, timeoutMs: leaveTimeoutMs }, call).catch(() => undefined)
    },
  }
}
