// What the HTTP dialects may ask of one tenant's cluster. Every dialect meets here: names and numbers are checked by
// the service, bytes are Kafka's record batches, refusals are KafkaErrors.

import type { KafkaError } from '../base/errors.ts'
import type { RecordHeader } from '../kafka/recordBatch.ts'
import type { HourOfUsage } from '../metering/readUsage.ts'
import type { QuotaStore } from '../quotas/quotaStore.ts'
import type { AclStore } from '../security/aclStore.ts'
import type { ConfigEntry, ConfigOperation, TopicConfigOverrides } from '../topics/configs.ts'
import type { Groups } from './groups.ts'
import type { InstanceStore } from './instanceStore.ts'
import type { Scram } from './scram.ts'

export interface Topic {
  readonly name: string
  /** Kafka's topic id: a UUID in 22 characters of base64url, new with each creation. */
  readonly topicId: string
  readonly partitionCount: number
}

/** As a change left it, and as it was before. */
export interface ChangedTopic extends Topic {
  readonly overrides: TopicConfigOverrides
  readonly before: { readonly partitionCount: number; readonly overrides: TopicConfigOverrides }
}

export interface TopicConfigs {
  readonly topicName: string
  readonly configs: readonly ConfigEntry[]
}

export interface TopicToCreate {
  readonly name: string
  /** Absent: the service's num.partitions. */
  readonly partitionCount?: number
  readonly configs: readonly { readonly name: string; readonly value: string | null }[]
  readonly validateOnly: boolean
}

/** A record on its way in. Absent partition: by key (murmur2) or, without a key, sticky. Absent timestamp: now. */
export interface RecordToProduce {
  readonly partition?: number
  readonly timestamp?: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly RecordHeader[]
}

/** Idempotent append: the sequence of the request's first record, all records in one partition. */
export interface ProducerState {
  readonly id: bigint
  readonly epoch: number
  readonly baseSequence: number
}

export type RecordOutcome =
  | {
      readonly ok: true
      readonly partition: number
      readonly offset: number
      readonly timestamp: number
      readonly duplicate: boolean
    }
  | { readonly ok: false; readonly error: KafkaError }

export interface BatchesAppended {
  /** Offset of the first record of each batch, in the order of the body. */
  readonly baseOffsets: readonly number[]
  /** All of them had been stored before. */
  readonly duplicate: boolean
  /** The append time where message.timestamp.type is LogAppendTime, else -1. */
  readonly logAppendTimeMs: number
}

export interface PartitionToFetch {
  readonly partition: number
  readonly offset: number
  /** Bytes of batches; the first batch of the answer is whole even when it is larger (Kafka's KIP-74). */
  readonly maxBytes: number
}

export interface FetchRequest {
  readonly topicName: string
  readonly partitions: readonly PartitionToFetch[]
  readonly maxBytes: number
  readonly minBytes: number
  readonly maxWaitMs: number
  readonly signal?: AbortSignal
  /** Told what it waited: for records to come, and for room. */
  readonly noteWaited?: (ms: number) => void
  /** Where what it reads has to fit; absent: anywhere. */
  readonly room?: FetchRoom
}

/** Memory for what one fetch reads. It is asked when there is something to read: a fetch that waits holds none. */
export interface FetchRoom {
  /** False: what the request took before is all that it gets now. One that has taken nothing waits. */
  take(bytes: number): boolean | Promise<boolean>
  /** Of what this fetch read nothing is kept. */
  drop(): void
}

export interface FetchedPartition {
  readonly partition: number
  readonly logStartOffset: number
  readonly highWatermark: number
  /**
   * Whole batches with their offsets in place; the first may begin before the asked offset. Readers share their bytes
   * and change nothing.
   */
  readonly batches: readonly Uint8Array[]
  /** OFFSET_OUT_OF_RANGE and the like: of this partition alone. */
  readonly error?: KafkaError
}

export type OffsetSpec =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  | { readonly kind: 'maxTimestamp' }
  /** The earliest offset whose timestamp is at least this one. */
  | { readonly kind: 'timestamp'; readonly timestamp: number }

/** Kafka's ListOffsets answer: -1 where there is no such record. */
export interface ListedOffset {
  readonly offset: number
  readonly timestamp: number
}

/** Kafka's CreateAcls, DescribeAcls and DeleteAcls. */
export type Acls = Pick<AclStore, 'create' | 'list' | 'delete'>

/** Kafka's DescribeClientQuotas and AlterClientQuotas. */
export type ClientQuotas = Pick<QuotaStore, 'describe' | 'alter'>

/** Kafka's admin calls about topics. */
export interface Topics {
  /** Errors: INVALID_TOPIC_EXCEPTION, TOPIC_ALREADY_EXISTS, INVALID_PARTITIONS, INVALID_CONFIG. */
  createTopic(topic: TopicToCreate): Promise<Topic>
  /** By name. */
  listTopics(): Promise<readonly Topic[]>
  /** Error: UNKNOWN_TOPIC_OR_PARTITION. */
  describeTopic(name: string): Promise<Topic>
  deleteTopic(name: string): Promise<void>
  /** Partitions only grow: INVALID_PARTITIONS. Answers the topic as it is then. */
  createPartitions(name: string, partitionCount: number, validateOnly: boolean): Promise<ChangedTopic>
  /** Error: UNKNOWN_TOPIC_OR_PARTITION. */
  describeConfigs(name: string): Promise<TopicConfigs>
  /** Of every topic, by name. */
  listConfigs(): Promise<readonly TopicConfigs[]>
  alterConfigs(
    name: string,
    operations: readonly ConfigOperation[],
    validateOnly: boolean,
  ): Promise<ChangedTopic>
  defaultConfigs(): readonly ConfigEntry[]
}

export interface Cluster extends Topics {
  readonly clusterId: string
  readonly groups: Groups
  /** undefined: whoever reaches this cluster may do everything, and there is nothing to bind. */
  readonly acls: Acls | undefined
  /** undefined: likewise, and nobody is held to any. */
  readonly clientQuotas: ClientQuotas | undefined
  /** What was used in the hours that begin in [fromMs, toMs); undefined: nobody counts. */
  readonly usage: ((fromMs: number, toMs: number) => Promise<readonly HourOfUsage[]>) | undefined
  /** What the Kafka protocol asks of who calls by a user's name and password. */
  readonly scram: Scram
  /** Consumer instances as they are stored; what they do is createConsumerInstances' work. */
  readonly instances: InstanceStore

  /** Refuses what would be refused whatever the records are: before anybody reads and parses them. */
  admitProduce(topicName: string): Promise<void>
  /** One outcome a record, in their order; a refused record leaves the others alone. */
  produceRecords(
    topicName: string,
    records: readonly RecordToProduce[],
    producer?: ProducerState,
  ): Promise<readonly RecordOutcome[]>
  /**
   * A body of whole encoded batches, all plain or all of one producer with consecutive sequences. What can be seen to
   * be wrong with any of them refuses all of them, and nothing is stored.
   */
  produceBatches(topicName: string, partition: number, body: Uint8Array): Promise<BatchesAppended>
  /** InitProducerId: a new id with epoch 0, never given out before. */
  initProducer(): Promise<{ readonly id: bigint; readonly epoch: number }>

  /** Partitions in the order of the request. Error of the whole: UNKNOWN_TOPIC_OR_PARTITION. */
  fetch(request: FetchRequest): Promise<readonly FetchedPartition[]>
  listOffsets(topicName: string, partition: number, spec: OffsetSpec): Promise<ListedOffset>
  /**
   * Moves the log start; -1 is the high watermark. Answers the new log start. Errors: OFFSET_OUT_OF_RANGE,
   * POLICY_VIOLATION.
   */
  deleteRecords(topicName: string, partition: number, beforeOffset: number): Promise<number>
}
