// How far a group is behind: the end of each log less what is committed, which is never beyond it.

import { createLimiter } from '../base/concurrency.ts'
import { isUnknownTopic, type TopicPartition } from './checkOffsets.ts'
import { blocksAtOnce } from './commitOffsets.ts'
import { type CommittedOffset, committedOffsets } from './committedOffsets.ts'
import { checkGroupId } from './heartbeat.ts'
import { existingGroup } from './members.ts'
import type { LogRange, OffsetsDeps } from './offsetsDeps.ts'

/** Of a partition with a committed offset. */
export interface OffsetLag extends TopicPartition {
  readonly currentOffset: number
  readonly logEndOffset: number
  readonly lag: number
  readonly metadata: string
}

/** By topic and partition. Error: GROUP_ID_NOT_FOUND. */
export async function lags(deps: OffsetsDeps, groupId: string): Promise<readonly OffsetLag[]> {
  checkGroupId(groupId)
  await existingGroup(deps, groupId)
  const committed = await committedOffsets(deps, groupId, undefined, undefined)
  const limiter = createLimiter(blocksAtOnce)
  const byTopic = [...Map.groupBy(committed, ({ topicName }) => topicName)]
  const ofTopics = byTopic.map(([topicName, offsets]) => limiter(() => lagsOf(deps, topicName, offsets)))
  return (await Promise.all(ofTopics)).flat()
}

/** A topic that is deleted meanwhile has no lag. */
async function lagsOf(
  { topics, logRanges }: OffsetsDeps,
  topicName: string,
  offsets: readonly CommittedOffset[],
): Promise<readonly OffsetLag[]> {
  try {
    const partitions = offsets.map(({ partition }) => partition)
    const ranges = await logRanges(await topics.get(topicName), partitions)
    return offsets.map((offset) => lagOf(offset, ranges.get(offset.partition)))
  } catch (error) {
    if (!isUnknownTopic(error)) throw error
    return []
  }
}

function lagOf(
  { topicName, partition, offset, metadata }: CommittedOffset,
  range: LogRange | undefined,
): OffsetLag {
  const logEndOffset = range?.end ?? offset
  return { topicName, partition, currentOffset: offset, logEndOffset, lag: logEndOffset - offset, metadata }
}
