// Topics as produce and fetch see them, remembered for a short while so that a warm request reads no topic item. What
// is remembered may be old: a config of the last seconds, or a topic that was deleted, which its missing sequencer
// shows.

import { KafkaError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { BatchRules } from '../kafka/validateBatch.ts'
import type { TopicItem } from '../metadata/topicItem.ts'
import type { Clock } from '../ports/world.ts'
import type { Catalog } from '../topics/catalog.ts'
import { effectiveConfig, type TopicConfig } from '../topics/configs.ts'
import type { Topic } from './cluster.ts'

export interface CachedTopic extends Topic {
  readonly config: TopicConfig
  readonly rules: BatchRules
}

export interface TopicCache {
  /** Error: UNKNOWN_TOPIC_OR_PARTITION. */
  get(name: string): Promise<CachedTopic>
  /** Reads anew where the topic, as it is remembered, has no such partition: it may have grown elsewhere. */
  getWith(name: string, partition: number): Promise<CachedTopic>
  /** Reads anew: for a topic that turned out to be another one than was remembered. */
  refresh(name: string): Promise<CachedTopic>
  forget(name: string): void
}

const topicsRemembered = 10_000

/**
 * `hasOwnKey`: whether the tenant has a key of its own, under which objects are encrypted and the table is not: then no
 * record goes into the table, whatever the topic says.
 */
export function createTopicCache(
  catalog: Catalog,
  clock: Clock,
  maxAgeMs: number,
  hasOwnKey: () => Promise<boolean> = () => Promise.resolve(false),
): TopicCache {
  const remembered = new Map<string, { readonly topic: CachedTopic; readonly until: number }>()

  const refresh = async (name: string) => {
    remembered.delete(name)
    const [item, objectsOnly] = await Promise.all([catalog.get(name), hasOwnKey()])
    if (!item) throw unknownTopic(name)
    const topic = cachedTopic(item, objectsOnly)
    remembered.set(name, { topic, until: clock.now() + maxAgeMs })
    for (const oldest of remembered.keys()) {
      if (remembered.size <= topicsRemembered) break
      remembered.delete(oldest)
    }
    return topic
  }

  const get = async (name: string) => {
    const known = remembered.get(name)
    return known && clock.now() < known.until ? known.topic : refresh(name)
  }

  return {
    get,
    async getWith(name, partition) {
      const topic = await get(name)
      return partition < topic.partitionCount ? topic : refresh(name)
    },
    refresh,
    forget: (name) => {
      remembered.delete(name)
    },
  }
}

function cachedTopic(
  { name, topicId, partitionCount, overrides }: TopicItem,
  objectsOnly: boolean,
): CachedTopic {
  const asked = effectiveConfig(overrides)
  const config: TopicConfig = objectsOnly ? { ...asked, writePath: 's3' } : asked
  const rules: BatchRules = {
    maxMessageBytes: config.maxMessageBytes,
    segmentBytes: config.segmentBytes,
    timestampType: config.messageTimestampType,
    timestampBeforeMaxMs: config.messageTimestampBeforeMaxMs,
    timestampAfterMaxMs: config.messageTimestampAfterMaxMs,
    compressionType: config.compressionType,
    compressionLevels: {
      gzip: config.compressionGzipLevel,
      zstd: config.compressionZstdLevel,
    },
    keysRequired: config.cleanupPolicy.compact,
    maxDecompressedBytes: limits.decompressedBytesMax,
  }
  return { name, topicId, partitionCount, config, rules }
}

export const unknownTopic = (name: string): KafkaError =>
  new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `This server does not host topic '${name}'.`)

export function checkPartition(topic: Topic, partition: number): void {
  if (Number.isSafeInteger(partition) && partition >= 0 && partition < topic.partitionCount) return
  const message = `Topic '${topic.name}' has no partition ${partition}: it has 0 to ${topic.partitionCount - 1}.`
  throw new KafkaError('PARTITION_NOT_FOUND', message)
}
