// OffsetFetch. For everybody it reads. A member that fetches takes its partitions over: it puts its fence on them
// first, so that whatever an owner before it commits from then on is refused, and reads after that: what came before
// is seen.

import { createLimiter } from '../base/concurrency.ts'
import { limits } from '../base/limits.ts'
import type { StoredMember } from '../metadata/groupState.ts'
import { memberFence, parseOffsets, type StoredOffset, type StoredOffsets } from '../metadata/offsetsItem.ts'
import { committedBlockOf, committedPrefix } from '../metadata/scope.ts'
import { queryEach } from '../ports/queryAll.ts'
import { backoffMs, retryRepeatable } from '../ports/retry.ts'
import { byText } from './assignors/assignor.ts'
import {
  findTopic,
  inBlocks,
  type OffsetToCommit,
  type TopicPartition,
  undefinedIfUnknown,
} from './checkOffsets.ts'
import { blocksAtOnce, contended, see, takenOver } from './commitOffsets.ts'
import { checkGroupId } from './heartbeat.ts'
import { type GroupMember, type KnownMember, memberLife, memberOf } from './members.ts'
import type { OffsetsDeps, TopicPlace } from './offsetsDeps.ts'
import { decideTakeOver } from './planOffsetCommit.ts'
import { inLife, writeOffsets } from './writeOffsets.ts'

export interface CommittedOffset extends OffsetToCommit {
  readonly commitTimestamp: number
}

/** Of a topic that exists: its committed offsets by partition. */
interface TopicOffsets {
  readonly topic: TopicPlace
  readonly offsets: ReadonlyMap<number, StoredOffset>
}

/** By topic and partition; of `partitions` or of all. */
export async function committedOffsets(
  deps: OffsetsDeps,
  groupId: string,
  member: GroupMember | undefined,
  partitions: readonly TopicPartition[] | undefined,
): Promise<readonly CommittedOffset[]> {
  checkGroupId(groupId)
  const taker = member && (await memberOf(deps, groupId, member))
  const found =
    taker || partitions ? await readSome(deps, groupId, taker, partitions) : await readAll(deps, groupId)
  return found.flatMap(nameAll).sort(byTopicAndPartition)
}

async function readSome(
  deps: OffsetsDeps,
  groupId: string,
  taker: KnownMember | undefined,
  partitions: readonly TopicPartition[] | undefined,
): Promise<readonly TopicOffsets[]> {
  const limiter = createLimiter(blocksAtOnce)
  const stored = partitions ? [] : (await readAll(deps, groupId)).flatMap(nameAll)
  const wanted = partitions ?? [...stored, ...assignedTo(taker)]
  const read = [...Map.groupBy(wanted, ({ topicName }) => topicName)].map(async ([topicName, ofTopic]) => {
    const topic =
      topicOf(taker, topicName) ?? (await limiter(() => findTopic(deps.topics, topicName, ofTopic))).topic
    if (!topic) return []
    const blocks = [...inBlocks(ofTopic)].map(([block, ofBlock]) =>
      limiter(() => readBlock(deps, groupId, taker?.member, topic, block, ofBlock)),
    )
    return (await Promise.all(blocks)).map((offsets) => ({ topic, offsets }))
  })
  return (await Promise.all(read)).flat()
}

/** What a member owns is of the topic that the group knows, whatever is remembered by the name. */
function topicOf(taker: KnownMember | undefined, topicName: string): TopicPlace | undefined {
  for (const topicId of taker?.member.assigned.keys() ?? []) {
    const topic = taker?.group.topics.get(topicId)
    if (topic?.name === topicName) return { ...topic, topicId }
  }
  return undefined
}

/** A topic that was deleted, or made again, has none. */
async function readAll(deps: OffsetsDeps, groupId: string): Promise<readonly TopicOffsets[]> {
  const found: TopicOffsets[] = []
  const current = new Map<string, TopicPlace | undefined>()
  for await (const { topicId, stored } of storedBlocks(deps, groupId)) {
    if (!current.has(topicId)) current.set(topicId, await findById(deps, stored.topicName, topicId))
    const topic = current.get(topicId)
    if (topic) found.push({ topic, offsets: stored.offsets })
  }
  return found
}

/** Looks again where another topic of that name is remembered. */
async function findById(
  { topics }: OffsetsDeps,
  topicName: string,
  topicId: string,
): Promise<TopicPlace | undefined> {
  const { topic } = await findTopic(topics, topicName, [])
  if (!topic || topic.topicId === topicId) return topic
  const now = await topics.refresh(topicName).catch(undefinedIfUnknown)
  return now?.topicId === topicId ? now : undefined
}

const assignedTo = (taker: KnownMember | undefined): TopicPartition[] =>
  [...(taker?.member.assigned ?? [])].flatMap(([topicId, assigned]) => {
    const topicName = taker?.group.topics.get(topicId)?.name
    return topicName === undefined ? [] : assigned.map((partition) => ({ topicName, partition }))
  })

async function* storedBlocks(
  deps: OffsetsDeps,
  groupId: string,
): AsyncGenerator<{ readonly topicId: string; readonly stored: StoredOffsets }> {
  const { pk } = deps.scope.consumerGroup(groupId).state
  for await (const item of queryEach(deps, { pk, prefix: committedPrefix })) {
    yield { topicId: committedBlockOf(item.key.sk).topicId, stored: parseOffsets(item) }
  }
}

async function readBlock(
  deps: OffsetsDeps,
  groupId: string,
  taker: StoredMember | undefined,
  topic: TopicPlace,
  block: number,
  partitions: readonly TopicPartition[],
): Promise<ReadonlyMap<number, StoredOffset>> {
  const wanted = new Set(partitions.map(({ partition }) => partition))
  const assigned = (taker?.assigned.get(topic.topicId) ?? []).filter((partition) => wanted.has(partition))
  const { offsets } =
    taker && assigned.length > 0
      ? await takeOver(deps, groupId, taker, topic, block, assigned)
      : await readItem(deps, groupId, topic, block)
  return new Map([...offsets].filter(([partition]) => wanted.has(partition)))
}

function readItem(
  deps: OffsetsDeps,
  groupId: string,
  { topicId }: TopicPlace,
  block: number,
): Promise<StoredOffsets> {
  return see(deps, deps.scope.consumerGroup(groupId).offsets(topicId, block))
}

/** The item as it is when the member's fence is on all of these partitions. */
async function takeOver(
  deps: OffsetsDeps,
  groupId: string,
  member: StoredMember,
  topic: TopicPlace,
  block: number,
  partitions: readonly number[],
): Promise<StoredOffsets> {
  const key = deps.scope.consumerGroup(groupId).offsets(topic.topicId, block)
  let seen = await readItem(deps, groupId, topic, block)
  for (let attempt = 1; attempt <= limits.commitAttemptsMax; attempt++) {
    const found = await inLife(seen, () => memberLife(deps, groupId, member))
    const plan = decideTakeOver(partitions, found.seen, topic.name, memberFence(member.memberEpoch))
    const [fenced] = plan.fenced
    if (fenced !== undefined) throw takenOver(topic, fenced)
    if (plan.partitions.length === 0) return seen
    const outcome = await retryRepeatable(deps, () => writeOffsets(deps, groupId, key, plan, found.life))
    seen = (outcome.ok ? undefined : outcome.seen) ?? (await see(deps, key))
    if (!outcome.ok && attempt > 1) await deps.clock.sleep(backoffMs(attempt, deps.random))
  }
  throw contended(topic)
}

const nameAll = ({ topic, offsets }: TopicOffsets): CommittedOffset[] =>
  [...offsets].map(([partition, offset]) => ({ topicName: topic.name, partition, ...offset }))

export const byTopicAndPartition = (a: TopicPartition, b: TopicPartition): number =>
  byText(a.topicName, b.topicName) || a.partition - b.partition
