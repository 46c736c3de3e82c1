// Partitions by name, and lists of them as sets.

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** Topic names hold no '/'. */
export const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

export function without<P extends TopicPartition>(
  partitions: readonly P[],
  others: readonly TopicPartition[],
): readonly P[] {
  const keys = new Set(others.map(keyOf))
  return partitions.filter((partition) => !keys.has(keyOf(partition)))
}

export function byTopic<P extends TopicPartition>(
  partitions: readonly P[],
): ReadonlyMap<string, readonly P[]> {
  const topics = new Map<string, P[]>()
  for (const partition of partitions) {
    const some = topics.get(partition.topic)
    if (some === undefined) topics.set(partition.topic, [partition])
    else some.push(partition)
  }
  return topics
}
