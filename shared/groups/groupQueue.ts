// One process's part in one group: heartbeats that come while others are decided wait, and are decided together.

import { type Deferred, deferred } from '../base/concurrency.ts'
import { invariant, KafkaError } from '../base/errors.ts'
import type { StoredGroup } from '../metadata/groupState.ts'
import type { Decision, GroupSettings } from './decide.ts'
import { createGroupCache } from './groupCache.ts'
import { changeGroup, type GroupChangesDeps } from './groupChanges.ts'
import type { GroupStoreDeps } from './groupStore.ts'
import { createTopicsForDecision, type TopicsDeps } from './groupTopics.ts'
import { type HeartbeatAnswer, type HeartbeatRequest, joinEpoch } from './heartbeat.ts'
import { createLiveness } from './liveness.ts'

export type GroupQueueDeps = GroupStoreDeps & TopicsDeps

export interface GroupQueue {
  heartbeat(request: HeartbeatRequest): Promise<HeartbeatAnswer>
  /** As the table has it, without those who are gone. */
  read(): Promise<StoredGroup>
  /** As it was within the last second. */
  cached(): Promise<StoredGroup>
  isIdle(): boolean
}

interface Waiting {
  /** undefined: wants to see the group as it is. */
  readonly request: HeartbeatRequest | undefined
  readonly answered: Deferred<Answered>
}

interface Answered {
  readonly group: StoredGroup
  readonly answer: HeartbeatAnswer | undefined
}

export function createGroupQueue(deps: GroupQueueDeps, settings: GroupSettings, groupId: string): GroupQueue {
  const cache = createGroupCache(deps, groupId)
  const changes: GroupChangesDeps = {
    ...deps,
    ...{ groupId, settings, cache },
    liveness: createLiveness(deps, groupId),
    topicsFor: createTopicsForDecision(deps),
  }
  const waiting: Waiting[] = []
  let isWorking = false

  const work = async (): Promise<void> => {
    if (isWorking) return
    isWorking = true
    while (waiting.length > 0) await answerAll(changes, waiting.splice(0))
    isWorking = false
  }
  const enqueue = (request: HeartbeatRequest | undefined): Promise<Answered> => {
    const answered = deferred<Answered>()
    waiting.push({ request, answered })
    void work()
    return answered.promise
  }

  return {
    async heartbeat(request) {
      const { answer } = await enqueue(request)
      invariant(answer !== undefined, 'a heartbeat has an answer')
      return answer
    },
    read: async () => (await enqueue(undefined)).group,
    cached: async () => cache.known() ?? cache.read(),
    isIdle: () => !isWorking,
  }
}

/** Of a session: what is left of it for whoever comes just not late. */
const slowShare = 1 / 3

/** Every one that waits is answered, whatever happens. */
async function answerAll(changes: GroupChangesDeps, batch: readonly Waiting[]): Promise<void> {
  try {
    const requests = batch.flatMap(({ request }) => request ?? [])
    const beganMs = changes.clock.now()
    const decision = await changeGroup(changes, requests, requests.length < batch.length)
    await noteHeartbeats(changes, requests, decision, beganMs)
    const answers = decision.answers.values()
    for (const { request, answered } of batch) {
      const answer = request && answers.next().value
      if (answer instanceof KafkaError) answered.reject(answer)
      else answered.resolve({ group: decision.group, answer })
    }
  } catch (error) {
    const isTooMuch = error instanceof KafkaError && error.code === 'GROUP_MAX_SIZE_REACHED'
    // Of what does not fit together each is tried by itself.
    if (isTooMuch && batch.length > 1) for (const one of batch) await answerAll(changes, [one])
    else for (const { answered } of batch) answered.reject(error)
  }
}

/** What took so long that somebody may have missed a member meanwhile is no answer. */
async function noteHeartbeats(
  { liveness, clock }: GroupChangesDeps,
  requests: readonly HeartbeatRequest[],
  { group, answers }: Decision,
  beganMs: number,
): Promise<void> {
  const heard = requests.flatMap(({ memberId, memberEpoch }, i) => {
    const member = answers[i] instanceof KafkaError ? undefined : group.members.get(memberId)
    return member && memberEpoch >= joinEpoch ? [member] : []
  })
  await liveness.note(heard)
  const tookMs = clock.now() - beganMs
  if (heard.every(({ sessionTimeoutMs }) => tookMs < sessionTimeoutMs * slowShare)) return
  throw new KafkaError('KAFKA_STORAGE_ERROR', 'The heartbeat took too long to be answered. Try again.')
}
