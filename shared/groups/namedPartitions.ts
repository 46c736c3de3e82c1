// Partitions as clients name them, and as groups keep them: by topic id, because a topic that is made again under the
// same name is another one.

import type { Assignment, StoredGroup } from '../metadata/groupState.ts'
import type { TopicPartition } from './heartbeat.ts'
import type { TopicFacts } from './subscriptions.ts'

/** Of topics that are no more nothing is left to name. */
export const namePartitions = (
  topics: StoredGroup['topics'],
  assignment: Assignment,
): readonly TopicPartition[] =>
  [...assignment].flatMap(([topicId, partitions]) => {
    const topicName = topics.get(topicId)?.name
    return topicName === undefined ? [] : partitions.map((partition) => ({ topicName, partition }))
  })

/** Where `facts` know a name, it means what they say; where they do not, what the group remembers of it. */
export function topicIdsByName(
  topics: StoredGroup['topics'],
  facts: TopicFacts | undefined,
): ReadonlyMap<string, string> {
  const ids = new Map<string, string>()
  for (const [topicId, { name }] of topics) ids.set(name, topicId)
  for (const [name, { topicId }] of facts ?? []) ids.set(name, topicId)
  return ids
}

/** What nobody knows the topic of is left out: nobody waits for it. */
export function byTopicId(
  partitions: readonly TopicPartition[],
  ids: ReadonlyMap<string, string>,
): Assignment {
  const byId = new Map<string, Set<number>>()
  for (const { topicName, partition } of partitions) {
    const topicId = ids.get(topicName)
    if (topicId === undefined) continue
    const known = byId.get(topicId) ?? new Set()
    byId.set(topicId, known.add(partition))
  }
  return new Map([...byId].map(([topicId, known]) => [topicId, [...known].sort((a, b) => a - b)]))
}
