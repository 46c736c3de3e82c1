// Decides heartbeats of one group and writes what they change: one write for all of them, on the condition that the
// group is as it was decided on, else once more on what it is now. Neither a refusal nor what a member is to own is
// decided from memory alone, and nobody is expired before the table was asked whether anybody has heard of the member.

import { KafkaError } from '../base/errors.ts'
import type { StoredGroup } from '../metadata/groupState.ts'
import { backoffMs } from '../ports/retry.ts'
import { type Decision, decide, type GroupSettings, isInDoubt } from './decide.ts'
import type { GroupCache } from './groupCache.ts'
import { type GroupStoreDeps, writeGroup } from './groupStore.ts'
import type { TopicsForDecision } from './groupTopics.ts'
import type { HeartbeatRequest } from './heartbeat.ts'
import type { Liveness } from './liveness.ts'

export interface GroupChangesDeps extends GroupStoreDeps {
  readonly groupId: string
  readonly settings: GroupSettings
  readonly cache: GroupCache
  readonly liveness: Liveness
  readonly topicsFor: TopicsForDecision
}

const attemptsMax = 10

/** `fresh`: nothing from memory. The decision's group is the one that is stored. */
export async function changeGroup(
  deps: GroupChangesDeps,
  requests: readonly HeartbeatRequest[],
  fresh: boolean,
): Promise<Decision> {
  const { cache } = deps
  const known = fresh ? undefined : cache.known()
  let group = known ?? (await cache.read())
  let isRemembered = known !== undefined
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const decision = await decideOn(deps, group, requests)
    if (isRemembered && needsTheTable(decision, group)) {
      group = await cache.read()
      isRemembered = false
      continue
    }
    if (decision.group === group) return decision
    const stored = await writeGroup(deps, deps.groupId, group, decision.group)
    cache.learn(stored.group)
    if (stored.written) return { ...decision, group: stored.group }
    group = stored.group
    isRemembered = false
    await deps.clock.sleep(backoffMs(attempt, deps.random))
  }
  throw new KafkaError('KAFKA_STORAGE_ERROR', 'The group is being changed by many at once. Try again.')
}

/**
 * Memory may be older than what the member was told since, by another process: what it had to give up would be given
 * back to it. A decision that is written is decided on what is stored, or it is not written.
 */
const needsTheTable = (decision: Decision, remembered: StoredGroup): boolean =>
  decision.answers.some(
    (answer) =>
      answer instanceof KafkaError || (decision.group === remembered && answer.assignment !== undefined),
  )

async function decideOn(
  { clock, settings, liveness, topicsFor }: GroupChangesDeps,
  group: StoredGroup,
  requests: readonly HeartbeatRequest[],
): Promise<Decision> {
  const topics = await topicsFor(group, requests)
  if (isInDoubt(group, requests, clock.now(), liveness.lastSeen)) await liveness.read()
  return decide(group, requests, { nowMs: clock.now(), settings, topics, lastSeen: liveness.lastSeen })
}
