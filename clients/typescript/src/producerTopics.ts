// The topics that a producer sends to: how many partitions they have, which partition a record goes to, and its way
// there.

import type { Entry } from './batch.ts'
import { createLane, type Lane, type LaneDeps } from './lane.ts'
import { anotherPartition, partitionForKey } from './partitioner.ts'
import type { ProducerRecord } from './producerRecord.ts'
import { type Remembered, remembered } from './remembered.ts'
import { retried } from './retry.ts'

/** Partitions are added now and then; keys move when the producer learns of it. */
const ageMsMax = 300_000

interface Topic {
  readonly partitionCount: Remembered<number>
  readonly lanes: Map<number, Lane>
  /** Where records without a key go now. */
  sticky: number | undefined
}

export function createTopics(deps: LaneDeps) {
  const { transport, world, signal, limits } = deps
  const topics = new Map<string, Topic>()

  const countPartitions = async (name: string): Promise<number> => {
    const path = `/topics/${encodeURIComponent(name)}`
    const call = () => transport.json<{ partitions_count: number }>({ method: 'GET', path, signal })
    const patience = { world, timeoutMs: limits.deliveryTimeoutMs, signal }
    return (await retried(patience, call)).partitions_count
  }

  const topicOf = (name: string): Topic => {
    const known = topics.get(name)
    if (known !== undefined) return known
    const partitionCount = remembered(world, ageMsMax, () => countPartitions(name))
    const topic: Topic = { partitionCount, lanes: new Map(), sticky: undefined }
    topics.set(name, topic)
    return topic
  }

  const choose = (topic: Topic, key: Uint8Array | null, partitionCount: number): number => {
    if (key !== null) return partitionForKey(key, partitionCount)
    const { sticky } = topic
    if (sticky !== undefined && topic.lanes.get(sticky)?.hasRoom()) return sticky
    topic.sticky = anotherPartition(world.random(), partitionCount, sticky)
    return topic.sticky
  }

  return {
    partitionCount: (name: string): Promise<number> => topicOf(name).partitionCount.get(),
    /** Chooses and appends in one step: records without a key find the batch that the one before them opened. */
    append({ topic: name, partition: wanted }: ProducerRecord, entry: Entry, partitionCount: number): Lane {
      const topic = topicOf(name)
      const partition = wanted ?? choose(topic, entry.key, partitionCount)
      const lane = topic.lanes.get(partition) ?? createLane(deps, name, partition)
      topic.lanes.set(partition, lane)
      lane.append(entry)
      return lane
    },
    forget: (name: string): void => topics.get(name)?.partitionCount.forget(),
    hurry(): void {
      for (const { lanes } of topics.values()) for (const lane of lanes.values()) lane.hurry()
    },
  }
}
