// OffsetDelete: offsets of topics that nobody in the group subscribes to.

import { createLimiter } from '../base/concurrency.ts'
import { KafkaError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { StoredGroup } from '../metadata/groupState.ts'
import { parseOffsets, strangerFence } from '../metadata/offsetsItem.ts'
import { retryRepeatableWrite } from '../ports/retry.ts'
import { findTopic, hasPartition, inBlocks, type TopicPartition, unknownPartition } from './checkOffsets.ts'
import { blocksAtOnce, contended, type OffsetOutcome, type Refusals, see, seeLater } from './commitOffsets.ts'
import { checkGroupId } from './heartbeat.ts'
import { existingGroup } from './members.ts'
import type { OffsetsDeps, TopicPlace } from './offsetsDeps.ts'
import { decideRemoval } from './planOffsetCommit.ts'

/** A partition without an offset is none to complain about. Error of the whole: GROUP_ID_NOT_FOUND. */
export async function deleteOffsets(
  deps: OffsetsDeps,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<readonly OffsetOutcome[]> {
  checkGroupId(groupId)
  const group = await existingGroup(deps, groupId)
  const limiter = createLimiter(blocksAtOnce)
  const byTopic = Map.groupBy(partitions, ({ topicName }) => topicName)
  const refused = new Map<string, Refusals>()
  const remove = async ([topicName, ofTopic]: [string, TopicPartition[]]) => {
    refused.set(topicName, await limiter(() => deleteOfTopic(deps, groupId, group, topicName, ofTopic)))
  }
  await Promise.all([...byTopic].map(remove))
  return partitions.map(({ topicName, partition }) => {
    return { topicName, partition, error: refused.get(topicName)?.get(partition) }
  })
}

async function deleteOfTopic(
  deps: OffsetsDeps,
  groupId: string,
  group: StoredGroup,
  topicName: string,
  partitions: readonly TopicPartition[],
): Promise<Refusals> {
  if (isSubscribed(group, topicName)) return refuseAll(partitions, subscribed(topicName))
  const { topic, refused: unknown } = await findTopic(deps.topics, topicName, partitions)
  if (!topic) return unknown
  const refused = new Map<number, KafkaError>()
  for (const { partition } of partitions) {
    if (!hasPartition(topic, partition)) refused.set(partition, unknownPartition(topic, partition))
  }
  const there = partitions.filter(({ partition }) => !refused.has(partition))
  for (const [block, ofBlock] of inBlocks(there)) {
    try {
      await deleteBlock(deps, groupId, group, topic, block, ofBlock)
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      for (const { partition } of ofBlock) refused.set(partition, error)
    }
  }
  return refused
}

async function deleteBlock(
  deps: OffsetsDeps,
  groupId: string,
  group: StoredGroup,
  topic: TopicPlace,
  block: number,
  partitions: readonly TopicPartition[],
): Promise<void> {
  const key = deps.scope.consumerGroup(groupId).offsets(topic.topicId, block)
  const numbers = [...new Set(partitions.map(({ partition }) => partition))]
  const fence = strangerFence(group.groupEpoch)
  let seen = await see(deps, key)
  for (let attempt = 1; attempt <= limits.commitAttemptsMax; attempt++) {
    const { partitions: stored, actions, when } = decideRemoval(numbers, seen, fence)
    if (stored.length === 0) return
    const outcome = await retryRepeatableWrite(deps, () =>
      deps.table.write({ kind: 'update', key, actions, when }),
    )
    if (outcome.ok) return
    seen = attempt === 1 ? parseOffsets(outcome.current) : await seeLater(deps, key, attempt)
  }
  throw contended(topic)
}

const isSubscribed = ({ topics, members }: StoredGroup, topicName: string): boolean =>
  members.size > 0 &&
  ([...topics.values()].some(({ name }) => name === topicName) ||
    [...members.values()].some(({ subscribedTopicNames }) => subscribedTopicNames.includes(topicName)))

const refuseAll = (partitions: readonly TopicPartition[], error: KafkaError): Refusals =>
  new Map(partitions.map(({ partition }) => [partition, error]))

const subscribed = (topicName: string): KafkaError =>
  new KafkaError('GROUP_SUBSCRIBED_TO_TOPIC', `The group is actively subscribed to topic '${topicName}'.`)
