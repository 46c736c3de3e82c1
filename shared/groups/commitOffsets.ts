// OffsetCommit: one table write for each 64 partitions of a topic, and where the group and the topics are remembered no
// read. A partition that is refused leaves the others alone.

import { createLimiter } from '../base/concurrency.ts'
import { KafkaError, StorageError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { GroupLife } from '../metadata/groupLifeItem.ts'
import { memberFence, parseOffsets, type StoredOffsets, strangerFence } from '../metadata/offsetsItem.ts'
import { backoffMs, mayHaveHappened, retryRepeatable } from '../ports/retry.ts'
import type { ItemKey } from '../ports/table.ts'
import { checkTopicOffsets, inBlocks, type OffsetToCommit, type TopicPartition } from './checkOffsets.ts'
import { listGroup } from './groupLife.ts'
import { checkGroupId } from './heartbeat.ts'
import { emptyGroup, type GroupMember, memberLife, memberOf, ownership } from './members.ts'
import type { OffsetsDeps, TopicPlace } from './offsetsDeps.ts'
import { assumeCommit, decideCommit } from './planOffsetCommit.ts'
import { inLife, writeOffsets } from './writeOffsets.ts'

/** In the order of what was asked; a refused partition leaves the others alone. */
export type OffsetOutcome = TopicPartition & { readonly error: KafkaError | undefined }

/** By partition, what was wrong with it. */
export type Refusals = ReadonlyMap<number, KafkaError>

export interface Committer {
  readonly isMember: boolean
  readonly fence: number
  owns(topicId: string, partition: number): boolean
  /** The group's, for a write that makes an item. */
  life(): Promise<GroupLife>
  /** Asked when the table shows something else than was thought. */
  again(): Promise<Committer>
}

/** Of one call. */
export const blocksAtOnce = 16

/**
 * Of a partition that is named more than once the last offset counts. Errors of the whole: UNKNOWN_MEMBER_ID,
 * STALE_MEMBER_EPOCH.
 */
export async function commitOffsets(
  deps: OffsetsDeps,
  groupId: string,
  member: GroupMember | undefined,
  offsets: readonly OffsetToCommit[],
): Promise<readonly OffsetOutcome[]> {
  checkGroupId(groupId)
  const committer = await (member ? asMember(deps, groupId, member) : asStranger(deps, groupId))
  const limiter = createLimiter(blocksAtOnce)
  const byTopic = Map.groupBy(offsets, ({ topicName }) => topicName)
  const refused = new Map<string, Refusals>()
  const commit = async ([topicName, ofTopic]: [string, OffsetToCommit[]]) => {
    const last = new Map(ofTopic.map((offset) => [offset.partition, offset]))
    refused.set(
      topicName,
      await commitTopic({ deps, groupId, committer, limiter }, topicName, [...last.values()]),
    )
  }
  await Promise.all([...byTopic].map(commit))
  return offsets.map(({ topicName, partition }) => {
    return { topicName, partition, error: refused.get(topicName)?.get(partition) }
  })
}

async function asStranger(deps: OffsetsDeps, groupId: string): Promise<Committer> {
  const { groupEpoch } = await emptyGroup(deps, groupId)
  const again = () => asStranger(deps, groupId)
  return stranger(deps, groupId, groupEpoch, again)
}

/** A group without members begins with its first offset. */
export const stranger = (
  deps: OffsetsDeps,
  groupId: string,
  groupEpoch: number,
  again: () => Promise<Committer>,
): Committer => ({
  isMember: false,
  fence: strangerFence(groupEpoch),
  owns: () => true,
  life: () => listGroup(deps, groupId),
  again,
})

async function asMember(deps: OffsetsDeps, groupId: string, member: GroupMember): Promise<Committer> {
  const { member: stored } = await memberOf(deps, groupId, member)
  const owns = ownership(stored)
  const committer = {
    isMember: true,
    fence: memberFence(stored.memberEpoch),
    owns,
    life: () => memberLife(deps, groupId, member),
    again: async () => committer,
  }
  return committer
}

export interface Commit {
  readonly deps: OffsetsDeps
  readonly groupId: string
  readonly committer: Committer
  readonly limiter: ReturnType<typeof createLimiter>
}

async function commitTopic(
  commit: Commit,
  topicName: string,
  offsets: readonly OffsetToCommit[],
): Promise<Refusals> {
  const { deps, committer, limiter } = commit
  const { topic, refused: checked } = await limiter(() => checkTopicOffsets(deps, topicName, offsets))
  const refused = new Map(checked)
  if (!topic) return refused
  const accepted = offsets.filter(({ partition }) => {
    if (refused.has(partition)) return false
    if (committer.owns(topic.topicId, partition)) return true
    refused.set(partition, foreign(topic, partition))
    return false
  })
  const blocks = [...inBlocks(accepted)].map(([block, ofBlock]) =>
    limiter(() => commitBlock(commit, topic, block, ofBlock)),
  )
  for (const ofBlock of await Promise.all(blocks)) {
    for (const [partition, error] of ofBlock) refused.set(partition, error)
  }
  return refused
}

/** Each partition of the block once. Storage that fails refuses them, and nothing else. */
export async function commitBlock(
  commit: Commit,
  topic: TopicPlace,
  block: number,
  offsets: readonly OffsetToCommit[],
): Promise<Refusals> {
  const { deps, groupId } = commit
  const key = deps.scope.consumerGroup(groupId).offsets(topic.topicId, block)
  const doubt = { answerLost: false }
  try {
    return await commitItem(commit, key, topic, offsets, doubt)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    const refusal = doubt.answerLost ? mayHaveHappened() : error
    return new Map(offsets.map(({ partition }) => [partition, refusal]))
  }
}

interface Doubt {
  /** A write may have been carried out, or may be yet: what goes back now could undo what came later. */
  answerLost: boolean
}

async function commitItem(
  { deps, groupId, committer: first }: Commit,
  key: ItemKey,
  topic: TopicPlace,
  offsets: readonly OffsetToCommit[],
  doubt: Doubt,
): Promise<Refusals> {
  const refused = new Map<number, KafkaError>()
  let committer = first
  let seen = committer.isMember ? undefined : await see(deps, key)
  for (let attempt = 1; attempt <= limits.commitAttemptsMax; attempt++) {
    const { isMember, fence } = committer
    const block = { topicName: topic.name, fence, isMember, offsets, nowMs: deps.clock.now() }
    const found = seen && (await inLife(seen, committer.life))
    const plan = found ? decideCommit(block, found.seen, !doubt.answerLost) : assumeCommit(block)
    for (const partition of plan.fenced) refused.set(partition, takenOver(topic, partition))
    for (const partition of plan.held) refused.set(partition, mayHaveHappened())
    if (plan.partitions.length === 0) return refused
    const outcome = await noticing(deps, doubt, () => writeOffsets(deps, groupId, key, plan, found?.life))
    if (outcome.ok) return refused
    seen = attempt === 1 && outcome.seen ? outcome.seen : await seeLater(deps, key, attempt)
    committer = await committer.again()
  }
  throw contended(topic)
}

export async function see(deps: OffsetsDeps, key: ItemKey): Promise<StoredOffsets> {
  return parseOffsets(await retryRepeatable(deps, () => deps.table.get(key)))
}

/** Others write the item, too: what was seen before waiting would be old. */
export async function seeLater(deps: OffsetsDeps, key: ItemKey, attempt: number): Promise<StoredOffsets> {
  await deps.clock.sleep(backoffMs(attempt, deps.random))
  return see(deps, key)
}

/** Carried out twice, any plan does what it does once. */
function noticing<T>({ clock, random }: OffsetsDeps, doubt: Doubt, write: () => Promise<T>): Promise<T> {
  return retryRepeatable({ clock, random }, async () => {
    try {
      return await write()
    } catch (error) {
      doubt.answerLost ||= error instanceof StorageError && error.effect === 'unknown'
      throw error
    }
  })
}

/** Kafka takes such a commit; its closest word for a member that is behind its assignment is this. */
const foreign = ({ name }: TopicPlace, partition: number): KafkaError =>
  new KafkaError('STALE_MEMBER_EPOCH', `The member does not own partition ${partition} of topic '${name}'.`)

export const takenOver = ({ name }: TopicPlace, partition: number): KafkaError =>
  new KafkaError(
    'STALE_MEMBER_EPOCH',
    `Partition ${partition} of topic '${name}' was taken over by another member. Heartbeat to learn what is left.`,
  )

export const contended = ({ name }: TopicPlace): KafkaError =>
  new KafkaError(
    'KAFKA_STORAGE_ERROR',
    `Offsets of topic '${name}' are being committed by many at once. Try again.`,
  )
