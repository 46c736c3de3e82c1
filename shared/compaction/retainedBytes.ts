// How many bytes of batches a topic keeps: those of its segments, and of what is merged into none yet. Reads the table
// alone. What was compacted away or has expired counts no more; objects that wait for their grace to pass do not count.

import type { TopicItem } from '../metadata/topicItem.ts'
import { effectiveConfig } from '../topics/configs.ts'
import { type CompactionDeps, isOver } from './deps.ts'
import { readPartition, readSegments, unmergedBytes } from './partitionItems.ts'

/** undefined: there was not the time for it, or the topic is gone. */
export async function retainedBytes(
  deps: CompactionDeps,
  { name: topicName, topicId, partitionCount, overrides }: TopicItem,
  deadlineMs: number,
): Promise<number | undefined> {
  const config = effectiveConfig(overrides)
  let bytes = 0
  for (let partition = 0; partition < partitionCount; partition++) {
    if (isOver(deps, deadlineMs)) return undefined
    const at = { topicName, topicId, partition, config }
    const state = await readPartition(deps, at)
    if (state === undefined) return undefined
    const { live } = await readSegments(deps, at)
    const kept = live.filter(({ endOffset }) => endOffset > state.logStartOffset)
    bytes += kept.reduce((sum, segment) => sum + segment.bytes, 0)
    bytes += await unmergedBytes(deps, at, state, Number.POSITIVE_INFINITY)
  }
  return bytes
}
