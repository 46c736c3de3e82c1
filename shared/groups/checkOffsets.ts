// What can be wrong with an offset before it is committed: the topic, the partition, the metadata, the number. Kafka
// takes an offset beyond the end of the log without a word, and its consumer finds out when it reads on from there;
// here it is refused. That reads the log only where it is not known to reach that far: who commits in the process that
// it fetched from costs no read.

import { KafkaError } from '../base/errors.ts'
import { offsetsBlockOf } from '../metadata/offsetsItem.ts'
import type { OffsetsDeps, TopicLookup, TopicPlace } from './offsetsDeps.ts'

export interface TopicPartition {
  readonly topicName: string
  readonly partition: number
}

export interface OffsetToCommit extends TopicPartition {
  readonly offset: number
  /** -1: not known. */
  readonly leaderEpoch: number
  /** At most 4,096 bytes of UTF-8. */
  readonly metadata: string
}

/** Kafka's offset.metadata.max.bytes; 64 of them fit an item. */
const metadataBytesMax = 4096

export interface CheckedTopic {
  /** undefined: there is no such topic. */
  readonly topic: TopicPlace | undefined
  /** By partition. */
  readonly refused: ReadonlyMap<number, KafkaError>
}

export async function checkTopicOffsets(
  deps: OffsetsDeps,
  topicName: string,
  offsets: readonly OffsetToCommit[],
): Promise<CheckedTopic> {
  const found = await findTopic(deps.topics, topicName, offsets)
  const { topic } = found
  if (!topic) return found
  const refused = new Map<number, KafkaError>()
  for (const offset of offsets) {
    const error = checkOffset(topic, offset)
    if (error) refused.set(offset.partition, error)
  }
  const left = offsets.filter(({ partition }) => !refused.has(partition))
  const beyond = await findBeyondEnd(deps, topic, left)
  return { topic: beyond.topic, refused: new Map([...refused, ...beyond.refused]) }
}

/** undefined: there is no such topic, and every one of the partitions is refused. */
export async function findTopic(
  topics: TopicLookup,
  topicName: string,
  partitions: readonly { readonly partition: number }[],
): Promise<CheckedTopic> {
  const last = partitions.reduce((max, { partition }) => Math.max(max, partition), 0)
  try {
    return { topic: await topics.getWith(topicName, last), refused: new Map() }
  } catch (error) {
    if (!isUnknownTopic(error)) throw error
    return { topic: undefined, refused: new Map(partitions.map(({ partition }) => [partition, error])) }
  }
}

export function isUnknownTopic(error: unknown): error is KafkaError {
  return error instanceof KafkaError && error.row.kafka === 3
}

export function hasPartition({ partitionCount }: TopicPlace, partition: number): boolean {
  return Number.isSafeInteger(partition) && partition >= 0 && partition < partitionCount
}

function checkOffset(
  topic: TopicPlace,
  { partition, offset, metadata }: OffsetToCommit,
): KafkaError | undefined {
  if (!hasPartition(topic, partition)) return unknownPartition(topic, partition)
  if (!Number.isSafeInteger(offset) || offset < 0) {
    return new KafkaError(
      'OFFSET_OUT_OF_RANGE',
      `Offset ${offset} is not from 0 to ${Number.MAX_SAFE_INTEGER}.`,
    )
  }
  const bytes = Buffer.byteLength(metadata)
  if (bytes <= metadataBytesMax) return undefined
  const message = `The metadata has ${bytes} bytes of UTF-8; ${metadataBytesMax} are allowed.`
  return new KafkaError('OFFSET_METADATA_TOO_LARGE', message)
}

/** The topic as it is now, where it turns out to be another one than was remembered. */
async function findBeyondEnd(
  deps: OffsetsDeps,
  topic: TopicPlace,
  offsets: readonly OffsetToCommit[],
): Promise<CheckedTopic> {
  try {
    return { topic, refused: await beyondEnd(deps, topic, offsets) }
  } catch (error) {
    if (!isUnknownTopic(error)) throw error
    const now = await deps.topics.refresh(topic.name).catch(undefinedIfUnknown)
    const isAnother = now !== undefined && now.topicId !== topic.topicId
    if (isAnother) return checkTopicOffsets(deps, topic.name, offsets)
    return { topic: now, refused: new Map(offsets.map(({ partition }) => [partition, error])) }
  }
}

export function undefinedIfUnknown(error: unknown): undefined {
  if (!isUnknownTopic(error)) throw error
}

async function beyondEnd(
  { ends, logRanges }: OffsetsDeps,
  topic: TopicPlace,
  offsets: readonly OffsetToCommit[],
): Promise<ReadonlyMap<number, KafkaError>> {
  const refused = new Map<number, KafkaError>()
  const unsure = offsets.filter(({ partition, offset }) => offset > ends.atLeast(topic.topicId, partition))
  if (unsure.length === 0) return refused
  const ranges = await logRanges(
    topic,
    unsure.map(({ partition }) => partition),
  )
  for (const { partition, offset } of unsure) {
    const { end = 0 } = ranges.get(partition) ?? {}
    ends.note(topic.topicId, partition, end)
    if (offset > end) refused.set(partition, beyond(offset, end))
  }
  return refused
}

const beyond = (offset: number, end: number): KafkaError =>
  new KafkaError('OFFSET_OUT_OF_RANGE', `Offset ${offset} is beyond the end of the log, ${end}.`, {
    highWatermark: end,
  })

export function unknownPartition({ name, partitionCount }: TopicPlace, partition: number): KafkaError {
  const message = `Topic '${name}' has no partition ${partition}: it has 0 to ${partitionCount - 1}.`
  return new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', message)
}

/** Of one topic: which lie in the same item. */
export function inBlocks<T extends { readonly partition: number }>(
  partitions: readonly T[],
): Map<number, T[]> {
  return Map.groupBy(partitions, ({ partition }) => offsetsBlockOf(partition))
}
