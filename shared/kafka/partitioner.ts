// Where records without a key go: Kafka's sticky partitioner. They stay together on one random partition of
// their topic until the caller closes the batch, which makes few large batches out of many small records. One
// partitioner serves one flush or request, so it remembers no more topics than that names.

/** What is needed of the port of chance: a number in [0, 1). */
interface Random {
  float(): number
}

export interface StickyPartitioner {
  choose(topicId: string, partitionCount: number): number
  /** The topic's batch is closed: its next record goes to another partition, where there is another. */
  moveOn(topicId: string): void
}

interface Choice {
  readonly partition: number
  readonly closed: boolean
}

export function createStickyPartitioner(random: Random): StickyPartitioner {
  const choices = new Map<string, Choice>()
  return {
    choose(topicId, partitionCount) {
      const last = choices.get(topicId)
      if (last !== undefined && !last.closed) return last.partition
      const partition = pickPartition(random, partitionCount, last?.partition)
      choices.set(topicId, { partition, closed: false })
      return partition
    },
    moveOn(topicId) {
      const last = choices.get(topicId)
      if (last !== undefined) choices.set(topicId, { ...last, closed: true })
    },
  }
}

/** One of the partitions but `last`, each as likely as the others. */
function pickPartition(random: Random, partitionCount: number, last: number | undefined): number {
  if (last === undefined || partitionCount === 1) return Math.floor(random.float() * partitionCount)
  const picked = Math.floor(random.float() * (partitionCount - 1))
  return picked < last ? picked : picked + 1
}
