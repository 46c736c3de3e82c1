// Any process coordinates any group; this is one process's part. Refuses what is wrong by itself before anything is
// read.

import type { StoredGroup } from '../metadata/groupState.ts'
import type { GroupSettings } from './decide.ts'
import { createGroupQueue, type GroupQueue, type GroupQueueDeps } from './groupQueue.ts'
import { checkGroupId, checkHeartbeat, type HeartbeatAnswer, type HeartbeatRequest } from './heartbeat.ts'

export interface GroupCoordinator {
  /**
   * Errors: INVALID_GROUP_ID, INVALID_REQUEST, UNSUPPORTED_ASSIGNOR, INVALID_REGULAR_EXPRESSION, UNKNOWN_MEMBER_ID,
   * FENCED_MEMBER_EPOCH, UNRELEASED_INSTANCE_ID, FENCED_INSTANCE_ID, GROUP_MAX_SIZE_REACHED.
   */
  heartbeat(groupId: string, request: HeartbeatRequest): Promise<HeartbeatAnswer>
  /** As the table has it, without those whose session ended. Version 0: it has no state. Error: INVALID_GROUP_ID. */
  read(groupId: string): Promise<StoredGroup>
  /** As it was within the last second. */
  cached(groupId: string): Promise<StoredGroup>
}

const groupsRemembered = 10_000

export function createCoordinator(deps: GroupQueueDeps, settings: GroupSettings): GroupCoordinator {
  const queues = new Map<string, GroupQueue>()

  const queueOf = (groupId: string) => {
    checkGroupId(groupId)
    const queue = queues.get(groupId) ?? createGroupQueue(deps, settings, groupId)
    queues.delete(groupId)
    queues.set(groupId, queue)
    for (const [oldest, { isIdle }] of queues) {
      if (queues.size <= groupsRemembered) break
      if (isIdle()) queues.delete(oldest)
    }
    return queue
  }

  return {
    async heartbeat(groupId, request) {
      const queue = queueOf(groupId)
      checkHeartbeat(request)
      const { memberId } = request
      return queue.heartbeat({ ...request, memberId: memberId === '' ? newMemberId(deps) : memberId })
    },
    read: async (groupId) => queueOf(groupId).read(),
    cached: async (groupId) => queueOf(groupId).cached(),
  }
}

/** As Kafka makes them (KIP-1082): a UUID in 22 characters of base64url. */
const newMemberId = ({ random }: GroupQueueDeps): string =>
  Buffer.from(random.bytes(16)).toString('base64url')
