// How often a run came by the places that are worth coming by: a simulation that never reaches them proves nothing.

export const counterNames = [
  'commit',
  'acked',
  'duplicate',
  'gap',
  'fenced',
  'refused',
  'unknownResolved',
  'unknownUnresolved',
  'clientGaveUp',
  'spill',
  'eviction',
  'evictedLookedUp',
  'tailFull',
  'lateLanding',
  'crash',
  'freeze',
  'topicCreated',
  'topicDeleted',
  'partitionsGrown',
  'recordsDeleted',
  'fetched',
  'indexRead',
  'searched',
  'merge',
  'deletedSkipped',
  'clean',
  'segmentChecked',
  'recordCompacted',
  'tombstoneDropped',
  'retainedByPolicy',
  'retired',
  'objectCollected',
  'inlineCollected',
  'leaseStolen',
  'fencedTransaction',
  'pass',
  'passTimedOut',
  'collect',
  'night',
  'nightFreeze',
  'heartbeat',
  'memberAdvanced',
  'memberFenced',
  'memberCrashed',
  'memberFrozen',
  'partitionAssigned',
  'partitionRevoked',
  'takeOver',
  'offsetsCommitted',
  'commitRefused',
  'offsetsReset',
  'groupRests',
  'groupDeleted',
  'instanceCreated',
  'instanceRecord',
  'lateRequest',
] as const

type CounterName = (typeof counterNames)[number]

export interface Counters {
  count(name: CounterName): void
  add(name: CounterName, count: number): void
  of(name: CounterName): number
}

export function createCounters(): Counters {
  const counts = new Map<CounterName, number>()
  const add = (name: CounterName, count: number) => {
    counts.set(name, (counts.get(name) ?? 0) + count)
  }
  return {
    count: (name) => add(name, 1),
    add,
    of: (name) => counts.get(name) ?? 0,
  }
}
