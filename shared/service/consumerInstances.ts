// What the v2 dialect may ask of its consumer instances: consumers whose whole state is one item of the table, so that
// any process answers any call. A subscribed instance is a member of its group; each of its calls is a heartbeat.
// Refusals carry the instance's dialect in their details.

import type { Positioned, Subscription } from '../groups/instance.ts'
import type { InstanceFormat, InstanceSettings, StoredInstance } from '../metadata/instanceItem.ts'
import type { OffsetSpec } from './cluster.ts'
import type { CommittedOffset, OffsetToCommit, TopicPartition } from './groups.ts'

export interface InstanceId {
  readonly groupId: string
  readonly name: string
}

/** What was fetched of one partition: whole batches, the first may begin before the position. */
export interface PolledPartition extends Positioned {
  readonly batches: readonly Uint8Array[]
}

export interface PollRequest {
  /** One of them is to be the instance's; undefined: whatever it is. */
  readonly formats: readonly InstanceFormat[] | undefined
  readonly maxBytes: number
  readonly maxWaitMs: number
  readonly signal: AbortSignal
}

/** The answer to the caller, and where each partition stands when it has it. */
export interface Rendered<T> {
  readonly answer: T
  readonly positions: readonly Positioned[]
}

export interface Seek extends TopicPartition {
  readonly to: number | OffsetSpec
}

export interface Committed {
  readonly instance: StoredInstance
  readonly offsets: readonly OffsetToCommit[]
}

/** Errors of every call but the first: CONSUMER_NOT_FOUND, CONSUMER_IN_USE (calls at once, again and again). */
export interface ConsumerInstances {
  /** Answers its name, made up where none is given. Errors: CONSUMER_ALREADY_EXISTS, INVALID_GROUP_ID. */
  create(groupId: string, name: string | undefined, settings: InstanceSettings): Promise<string>
  delete(id: InstanceId): Promise<void>
  describe(id: InstanceId): Promise<StoredInstance>

  /** Errors: CONSUMER_ILLEGAL_STATE, INVALID_REGULAR_EXPRESSION, GROUP_MAX_SIZE_REACHED. */
  subscribe(id: InstanceId, subscription: Subscription): Promise<void>
  unsubscribe(id: InstanceId): Promise<void>
  /** By hand, outside the group. Errors: CONSUMER_ILLEGAL_STATE, UNKNOWN_TOPIC_OR_PARTITION, PARTITION_NOT_FOUND. */
  assign(id: InstanceId, partitions: readonly TopicPartition[]): Promise<void>

  /**
   * Joins, commits by itself, waits and fetches. `render` makes the answer of what was fetched and may be called again:
   * two polls at once never both answer the same records. Errors: CONSUMER_FORMAT_MISMATCH, CONSUMER_ILLEGAL_STATE
   * (neither subscribed nor assigned), OFFSET_OUT_OF_RANGE (auto.offset.reset is none).
   */
  poll<T>(
    id: InstanceId,
    request: PollRequest,
    render: (fetched: readonly PolledPartition[], instance: StoredInstance) => Promise<Rendered<T>>,
  ): Promise<T>

  /**
   * `offsets` of the instance as it is; undefined: all that was polled. The first refusal of a partition is thrown; the
   * others may be committed.
   */
  commit(
    id: InstanceId,
    offsets: ((instance: StoredInstance) => readonly OffsetToCommit[]) | undefined,
  ): Promise<Committed>
  /** Undefined: of the partitions that it has. */
  committed(
    id: InstanceId,
    partitions: readonly TopicPartition[] | undefined,
  ): Promise<readonly CommittedOffset[]>
  /** Error: CONSUMER_ILLEGAL_STATE (NOT_FOUND for Strimzi): a partition that it does not have. */
  seek(id: InstanceId, places: readonly Seek[]): Promise<void>
}
