// A subscribed consumer instance as a member of its group: it says what it owns with every call, gives up what it is
// asked to, and joins again where the group has gone on without it. What it commits by itself, it commits before it
// gives a partition up and before it fetches more: what was polled before is processed then.

import { KafkaError } from '../base/errors.ts'
import {
  idleMsMax,
  isCommitDue,
  isMember,
  noteCommitted,
  type Positioned,
  partitionsOf,
  takeAssignment,
  uncommitted,
  withoutPartitions,
} from '../groups/instance.ts'
import type { StoredInstance } from '../metadata/instanceItem.ts'
import type { InstanceId } from './consumerInstances.ts'
import type { GroupMember, Groups, Heartbeat } from './groups.ts'

/** Answers that change what it owns are acknowledged at once, at most so often in one call. */
const heartbeatsMax = 5

/** One heartbeat, and more of them as long as the answers change what the instance owns. */
export async function heartbeat(
  groups: Groups,
  id: InstanceId,
  instance: StoredInstance,
): Promise<StoredInstance> {
  let now = instance
  if (!isMember(now)) return now
  for (let sent = 0; sent < heartbeatsMax; sent++) {
    const next = await heartbeatOnce(groups, id, now)
    const settled = next.places === now.places && next.memberEpoch > 0
    now = next
    if (settled) break
  }
  return now
}

/** Commits what is due; an instance that may not commit any more finds out by its next heartbeat. */
export async function commitIfDue(
  groups: Groups,
  id: InstanceId,
  instance: StoredInstance,
  nowMs: number,
): Promise<StoredInstance> {
  if (!isCommitDue(instance, nowMs)) return instance
  const committed = await commitQuietly(groups, id, instance, uncommitted(instance))
  return { ...noteCommitted(instance, committed), committedMs: nowMs }
}

/** Out of the group, what it polled committed where it commits by itself. */
export async function leave(groups: Groups, id: InstanceId, instance: StoredInstance): Promise<void> {
  if (instance.autoCommit) await commitQuietly(groups, id, instance, uncommitted(instance))
  if (isMember(instance)) await leaveGroup(groups, id, instance)
}

/** Undefined: it commits as one who is in no group, which Kafka allows while the group is empty. */
export function memberOf(instance: StoredInstance): GroupMember | undefined {
  const { memberId, memberEpoch } = instance
  return isMember(instance) ? { memberId, memberEpoch } : undefined
}

async function heartbeatOnce(
  groups: Groups,
  id: InstanceId,
  instance: StoredInstance,
): Promise<StoredInstance> {
  try {
    const answer = await groups.heartbeat(heartbeatOf(id, instance))
    const next = takeAssignment(instance, answer.memberEpoch, answer.assignment)
    await commitLost(groups, id, { ...instance, memberEpoch: answer.memberEpoch }, next)
    return next
  } catch (error) {
    if (!hasLostItsPlace(error)) throw error
    // Its member is gone, or has another epoch than the one stored: a partition that it polled may be another's now.
    await leaveGroup(groups, id, instance)
    return withoutPartitions(instance)
  }
}

/** What it is to give up, before the next heartbeat says that it has. */
async function commitLost(groups: Groups, id: InstanceId, before: StoredInstance, after: StoredInstance) {
  if (!before.autoCommit || before.places === after.places) return
  const lost = uncommitted(before).filter(
    ({ topicName, partition }) => !after.places.get(topicName)?.has(partition),
  )
  await commitQuietly(groups, id, before, lost)
}

/**
 * As Kafka's consumer does: a commit by itself that is refused costs nothing but that records come again. Answers what
 * was committed.
 */
async function commitQuietly(
  groups: Groups,
  id: InstanceId,
  instance: StoredInstance,
  positions: readonly Positioned[],
): Promise<readonly Positioned[]> {
  if (positions.length === 0) return []
  const offsets = positions.map(({ topicName, partition, position }) => {
    return { topicName, partition, offset: position, leaderEpoch: -1, metadata: '' }
  })
  try {
    const outcomes = await groups.commitOffsets(id.groupId, memberOf(instance), offsets)
    return positions.filter((_, index) => outcomes[index]?.error === undefined)
  } catch (error) {
    if (error instanceof KafkaError && error.row.status < 500) return []
    throw error
  }
}

async function leaveGroup(groups: Groups, id: InstanceId, instance: StoredInstance): Promise<void> {
  try {
    const { memberId } = instance
    await groups.heartbeat({
      groupId: id.groupId,
      memberId,
      memberEpoch: -1,
      clientId: id.name,
      clientHost: '',
    })
  } catch (error) {
    if (!hasLostItsPlace(error)) throw error
  }
}

/** Whole, always: the answer to the one before may never have been stored. */
function heartbeatOf({ groupId, name }: InstanceId, instance: StoredInstance): Heartbeat {
  return {
    groupId,
    memberId: instance.memberId,
    memberEpoch: instance.memberEpoch,
    rebalanceTimeoutMs: idleMsMax,
    sessionTimeoutMs: idleMsMax,
    subscribedTopicNames: instance.topics,
    subscribedTopicRegex: instance.pattern ?? '',
    topicPartitions: partitionsOf(instance),
    clientId: name,
    // It is called through any process, from anywhere.
    clientHost: '',
  }
}

const lostPlace = ['UNKNOWN_MEMBER_ID', 'FENCED_MEMBER_EPOCH', 'STALE_MEMBER_EPOCH', 'GROUP_ID_NOT_FOUND']

const hasLostItsPlace = (error: unknown): boolean =>
  error instanceof KafkaError && lostPlace.includes(error.code)
