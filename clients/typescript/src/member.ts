// One member of a consumer group, kept alive by heartbeats whatever the application does. An application that does not
// ask for records for too long is taken out, so that others read on; it joins again when it asks.

import {
  type HeartbeatWire,
  heartbeatBody,
  leaveBody,
  parseHeartbeat,
  type Subscription,
} from './groupWire.ts'
import { answered, lost, type Membership, outsider, owning, reactionTo } from './membership.ts'
import type { Notifier } from './notifier.ts'
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
  readonly state: Membership
  /** What ended the membership for good. */
  readonly failure: { readonly error: unknown } | undefined
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
  const { transport, world, subscription, changed } = deps
  const path = `${deps.path}:heartbeat`
  const stop = new AbortController()
  let state = outsider(randomId(world))
  let failure: Member['failure']
  let mode: 'new' | 'in' | 'out' = 'new'
  let running = Promise.resolve()
  let failures = 0
  let nudge = new AbortController()

  const sayLeave = async (): Promise<void> => {
    const call = () => transport.text({ method: 'POST', path, body: leaveBody(state, subscription) })
    // A group that cannot be told notices by itself, when the session ends.
    await retried({ world, timeoutMs: leaveTimeoutMs }, call).catch(() => undefined)
  }

  /** One heartbeat; answers when the next one is due. */
  const heartbeat = async (): Promise<number> => {
    const said = state
    const body = heartbeatBody(said, subscription)
    try {
      const wire = await transport.json<HeartbeatWire>({ method: 'POST', path, body, signal: stop.signal })
      failures = 0
      state = answered(state, said, parseHeartbeat(wire))
      return wire.heartbeat_interval_ms
    } catch (error) {
      const reaction = reactionTo(error)
      if (stop.signal.aborted || reaction === 'fail') {
        failure = { error }
        return 0
      }
      if (reaction === 'rejoin') state = lost(state)
      return backoffMs(failures++, world.random(), isRetriable(error) ? error.retryAfterMs : 0)
    }
  }

  const turn = async (): Promise<number> => {
    if (mode === 'out') return sleepMsMax
    if (deps.busyMs() <= deps.maxPollIntervalMs) return heartbeat()
    mode = 'out'
    await sayLeave()
    state = lost(state)
    return sleepMsMax
  }

  const run = async (): Promise<void> => {
    while (!stop.signal.aborted && failure === undefined) {
      nudge = new AbortController()
      const { signal } = nudge
      const dueMs = await turn()
      changed.notify()
      await world.sleep(Math.min(dueMs, deps.maxPollIntervalMs, sleepMsMax), signal)
    }
  }

  return {
    get state() {
      return state
    },
    get failure() {
      return failure
    },
    join() {
      if (mode === 'new') running = Promise.resolve().then(run)
      if (mode === 'out') nudge.abort()
      mode = 'in'
    },
    owns(generation, owned) {
      state = owning(state, generation, owned)
      nudge.abort()
    },
    beat() {
      nudge.abort()
      return failure === undefined && !stop.signal.aborted ? changed.next() : Promise.resolve()
    },
    async leave() {
      stop.abort()
      nudge.abort()
      await running
      if (mode === 'in') await sayLeave()
      mode = 'out'
    },
  }
}
