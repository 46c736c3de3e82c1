// The rules of a consumer instance of the v2 dialect: how it comes to its partitions, where it stands in each, what it
// has to commit, when it is forgotten. Every function takes an instance and gives back what it is then; one that has
// nothing to change gives the same instance back.
// Refuses, as Kafka's consumer does, to mix topics, a pattern and partitions given by hand.

import { KafkaError } from '../base/errors.ts'
import type { InstanceSettings, PartitionPlace, Places, StoredInstance } from '../metadata/instanceItem.ts'

interface Partition {
  readonly topicName: string
  readonly partition: number
}

export interface Positioned extends Partition {
  readonly position: number
}

export type Subscription =
  | { readonly reads: 'topics'; readonly topics: readonly string[] }
  | { readonly reads: 'pattern'; readonly pattern: string }

/** Nobody calls for this long: the instance is gone (Confluent's consumer.instance.timeout.ms). */
export const idleMsMax = 300_000
/** A call is noted when the last one noted is this old: calls that change nothing else write nothing. */
const noteMs = 30_000
/** Kafka's auto.commit.interval.ms. */
const autoCommitMs = 5_000

const nameBytesMax = 255

const unknown = -1

/** It stands in paths, which have no place for the two names that mean a folder. */
export function isInstanceName(name: string): boolean {
  return name.isWellFormed() && Buffer.byteLength(name) <= nameBytesMax && !/^\.{0,2}$/.test(name)
}

export function newInstance(settings: InstanceSettings, memberId: string, nowMs: number): StoredInstance {
  const { dialect, format, autoOffsetReset, autoCommit, fetchMinBytes, requestTimeoutMs } = settings
  return {
    ...{ dialect, format, autoOffsetReset, autoCommit, fetchMinBytes, requestTimeoutMs },
    memberId,
    memberEpoch: 0,
    usedMs: nowMs,
    committedMs: nowMs,
    reads: 'none',
    topics: [],
    pattern: undefined,
    places: new Map(),
  }
}

/** It lives for idleMsMax after its last call, and up to noteMs longer. */
export function isForgotten({ usedMs }: StoredInstance, nowMs: number): boolean {
  return nowMs - usedMs > idleMsMax + noteMs
}

export function noteUse(instance: StoredInstance, nowMs: number): StoredInstance {
  return nowMs - instance.usedMs < noteMs ? instance : { ...instance, usedMs: nowMs }
}

export function isMember({ reads }: StoredInstance): boolean {
  return reads === 'topics' || reads === 'pattern'
}

/** The partitions stay until the group says otherwise. */
export function subscribe(instance: StoredInstance, subscription: Subscription): StoredInstance {
  if (instance.reads !== 'none' && instance.reads !== subscription.reads) throw exclusive()
  return subscription.reads === 'topics'
    ? { ...instance, reads: 'topics', topics: [...new Set(subscription.topics)].sort() }
    : { ...instance, reads: 'pattern', pattern: subscription.pattern }
}

/** By hand; what it reads already it goes on with. None: as unsubscribe. */
export function assign(instance: StoredInstance, partitions: readonly Partition[]): StoredInstance {
  if (isMember(instance)) throw exclusive()
  return partitions.length === 0
    ? unsubscribe(instance)
    : { ...instance, reads: 'assigned', places: placesOf(instance.places, partitions) }
}

export function unsubscribe(instance: StoredInstance): StoredInstance {
  return { ...withoutPartitions(instance), reads: 'none', topics: [], pattern: undefined }
}

/** Out of the group: what it knew of its partitions is another's to go on from. */
export function withoutPartitions(instance: StoredInstance): StoredInstance {
  return { ...instance, memberEpoch: 0, places: new Map() }
}

/** The group's answer; `assignment` undefined: as before. */
export function takeAssignment(
  instance: StoredInstance,
  memberEpoch: number,
  assignment: readonly Partition[] | undefined,
): StoredInstance {
  const owned = partitionsOf(instance)
  const same =
    assignment === undefined ||
    (assignment.length === owned.length && assignment.every((partition) => placeOf(instance, partition)))
  if (same) return memberEpoch === instance.memberEpoch ? instance : { ...instance, memberEpoch }
  return { ...instance, memberEpoch, places: placesOf(instance.places, assignment) }
}

export function partitionsOf({ places }: StoredInstance): readonly Partition[] {
  return [...places].flatMap(([topicName, partitions]) =>
    Array.from(partitions.keys(), (partition) => ({ topicName, partition })),
  )
}

export function positionsOf({ places }: StoredInstance): readonly Positioned[] {
  return [...places].flatMap(([topicName, partitions]) =>
    Array.from(partitions, ([partition, { position }]) => ({ topicName, partition, position })),
  )
}

/** Partitions whose position has not been looked up. */
export function unplaced(instance: StoredInstance): readonly Partition[] {
  return partitionsOf(instance).filter((partition) => placeOf(instance, partition)?.position === unknown)
}

/** Positions that are not committed as far as the instance knows. */
export function uncommitted(instance: StoredInstance): readonly Positioned[] {
  return positionsOf(instance).filter((at) => {
    return at.position !== unknown && at.position !== placeOf(instance, at)?.committed
  })
}

export function isCommitDue(instance: StoredInstance, nowMs: number): boolean {
  if (!instance.autoCommit || nowMs - instance.committedMs < autoCommitMs) return false
  return uncommitted(instance).length > 0
}

/** Refuses a partition that it does not have, as a seek does. */
export function checkAssigned(instance: StoredInstance, partition: Partition): void {
  if (placeOf(instance, partition) !== undefined) return
  const message = `No current assignment for partition ${partition.topicName}-${partition.partition}`
  throw new KafkaError(instance.dialect === 'strimzi' ? 'NOT_FOUND' : 'CONSUMER_ILLEGAL_STATE', message)
}

export function moveTo(instance: StoredInstance, positions: readonly Positioned[]): StoredInstance {
  return change(instance, positions, ({ committed }, { position }) => ({ position, committed }))
}

/** Found in the group: both where to go on and what is committed. */
export function startFrom(instance: StoredInstance, committed: readonly Positioned[]): StoredInstance {
  return change(instance, committed, (_, { position }) => ({ position, committed: position }))
}

export function noteCommitted(instance: StoredInstance, committed: readonly Positioned[]): StoredInstance {
  return change(instance, committed, ({ position }, { position: offset }) => {
    return { position, committed: offset }
  })
}

function placeOf({ places }: StoredInstance, { topicName, partition }: Partition) {
  return places.get(topicName)?.get(partition)
}

function placesOf(before: Places, partitions: readonly Partition[]): Places {
  const nowhere: PartitionPlace = { position: unknown, committed: unknown }
  const places = new Map<string, Map<number, PartitionPlace>>()
  for (const { topicName, partition } of partitions) {
    const topic = places.get(topicName) ?? new Map<number, PartitionPlace>()
    places.set(topicName, topic.set(partition, before.get(topicName)?.get(partition) ?? nowhere))
  }
  return places
}

/** Partitions that the instance does not have are passed over. */
function change(
  instance: StoredInstance,
  changes: readonly Positioned[],
  of: (before: PartitionPlace, change: Positioned) => PartitionPlace,
): StoredInstance {
  const places = new Map<string, Map<number, PartitionPlace>>()
  for (const one of changes) {
    const before = placeOf(instance, one)
    if (before === undefined) continue
    const after = of(before, one)
    if (after.position === before.position && after.committed === before.committed) continue
    const known = places.get(one.topicName) ?? new Map(instance.places.get(one.topicName))
    places.set(one.topicName, known.set(one.partition, after))
  }
  return places.size === 0 ? instance : { ...instance, places: new Map([...instance.places, ...places]) }
}

const exclusive = (): KafkaError =>
  new KafkaError(
    'CONSUMER_ILLEGAL_STATE',
    'Subscription to topics, partitions and pattern are mutually exclusive.',
  )
