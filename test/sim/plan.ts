// What a run is, drawn from its seed: the faults, the settings of the service, the topics and who works on them.
import type { CompactionSettings } from '../../shared/compaction/deps.ts'
import { defaultCompactionSettings } from '../../shared/service/compactor.ts'
import type { ClusterSettings } from '../../shared/service/createCluster.ts'
import { defaultClusterSettings } from '../../shared/service/settings.ts'
import { type AdminSettings, createAdmin } from './actors/admin.ts'
import { createCollectorActor, createCompactorActor, createNight } from './actors/compaction.ts'
import { createHttpProducer } from './actors/httpProducer.ts'
import { createIdempotentProducer } from './actors/idempotentProducer.ts'
import { createPlainProducer } from './actors/plainProducer.ts'
import { createReader } from './actors/reader.ts'
import { createSwarm } from './actors/swarm.ts'
import { drawFaults, type Faults } from './faults.ts'
import type { GroupPlan } from './groups/plan.ts'
import type { Prng } from './prng.ts'
import type { Actor } from './sim.ts'
import { drawRules, keepsAll } from './topicRules.ts'

export interface Plan {
  readonly processes: number
  /** After this long a client gives a request up. */
  readonly timeoutMs: number
  readonly faults: Faults
  readonly settings: ClusterSettings
  readonly compaction: CompactionSettings
  readonly topics: readonly AdminSettings[]
  readonly actors: readonly Actor[]
  /** Where the run is about consumer groups. */
  readonly groups?: GroupPlan
}

/** Without compaction a seed is the run that it was before there was a compactor. */
export function drawPlan(random: Prng, compacts: boolean): Plan {
  const drawn = drawTopics(random)
  const topics = compacts ? drawn.map((topic) => ({ ...topic, rules: drawRules(random) })) : drawn
  return {
    compaction: compacts ? drawCompaction(random) : defaultCompactionSettings,
    processes: random.pick([1, 2, 2, 3, 4]),
    timeoutMs: random.pick([2_000, 20_000, 120_000]),
    faults: drawFaults(random),
    settings: drawSettings(random),
    topics,
    actors: [
      ...topics.flatMap((topic) => [createAdmin(topic), ...drawActors(random, topic)]),
      ...(compacts
        ? drawCompactionActors(
            random,
            topics.map(({ topicName }) => topicName),
          )
        : []),
    ],
  }
}

export function drawCompaction(random: Prng): CompactionSettings {
  return {
    segmentBytesMax: random.pick([200, 1_000, 10_000]),
    reconcileAgeMs: random.pick([0, 200, 3_000]),
    offsetMapEntriesMax: random.pick([1, 3, 20, 1_000]),
    leaseMs: random.pick([50, 500, 5_000, 60_000]),
    partitionsAtOnce: random.pick([1, 2, 8]),
  }
}

function drawCompactionActors(random: Prng, topicNames: readonly string[]): readonly Actor[] {
  const pauseMsMax = random.pick([50, 500, 5_000])
  const compactors = Array.from({ length: random.between(1, 3) }, () => createCompactorActor({ pauseMsMax }))
  return [
    ...compactors,
    createCollectorActor({ pauseMsMax: 2_000 }),
    createNight({ dayMs: random.pick([150, 800, 4_000]), topicNames }),
  ]
}

export function drawSettings(random: Prng): ClusterSettings {
  return {
    flush: {
      lingerMs: random.pick([0, 2, 20]),
      flushBytesMax: random.pick([500, 4_000_000]),
      flushRequestsMax: random.pick([1, 5, 1000]),
      flushesInFlightMax: random.pick([1, 4]),
    },
    fetch: {
      cacheBytesMax: random.pick([0, 2_000, 1_000_000]),
      blockBytes: random.pick([64, 1_000, 100_000]),
      readAheadBytes: 5_000,
      tailReadsMax: random.pick([1, 32]),
      catchUpReadsMax: random.pick([1, 16]),
      pollMsMin: 20,
      pollMsMax: 500,
    },
    groups: defaultClusterSettings.groups,
    numPartitions: 1,
    autoCreateTopics: false,
    metadataMaxAgeMs: random.pick([0, 5_000, 60_000]),
  }
}

/**
 * One that grows long, one that is deleted again and again, and one of several sequencers; not all of them in every
 * run.
 */
function drawTopics(random: Prng): readonly AdminSettings[] {
  const deletesRecords = random.chance(0.5)
  const common = { pauseMsMax: 2_000, deletesRecords, deletesTopic: false, rules: keepsAll }
  const long = { ...common, topicName: 'long', partitionCount: random.between(1, 3), partitionCountMax: 4 }
  const brief = {
    ...common,
    topicName: 'brief',
    partitionCount: random.pick([1, 2, 17]),
    partitionCountMax: 18,
    deletesTopic: true,
    pauseMsMax: random.pick([200, 2_000]),
  }
  const wide = { ...common, topicName: 'wide', partitionCount: random.between(15, 20), partitionCountMax: 35 }
  return random.pick([[long], [long, brief], [brief], [long, wide], [long, brief, wide]])
}

function drawActors(random: Prng, { topicName, partitionCount }: AdminSettings): readonly Actor[] {
  const pauseMsMax = random.pick([0, 20, 200])
  const inFlightMax = random.between(1, 5)
  const partition = random.between(0, partitionCount - 1)
  const partitions = Array.from(
    { length: Math.min(3, partitionCount) },
    (_, i) => (partition + i) % partitionCount,
  )
  const largeBytes = random.pick([100, 20_000])
  const plain = { topicName, partitionCount, inFlightMax, pauseMsMax, largeBytes }
  const idempotent = { topicName, partition, inFlightMax, pauseMsMax, attemptsMax: random.pick([3, 30]) }
  const perhaps = (probability: number, create: () => Actor) => (random.chance(probability) ? [create()] : [])
  return [
    ...perhaps(0.6, () => createPlainProducer({ ...plain, encoded: false })),
    ...perhaps(0.4, () => createPlainProducer({ ...plain, encoded: true })),
    ...perhaps(0.7, () => createIdempotentProducer({ ...idempotent, encoded: false })),
    ...perhaps(0.5, () => createIdempotentProducer({ ...idempotent, encoded: true })),
    ...perhaps(topicName === 'wide' ? 0.7 : 0.1, () =>
      createHttpProducer({ topicName, pauseMsMax, recordsMax: 20 }),
    ),
    ...perhaps(0.25, () => createSwarm({ topicName, partitionCount, producerCount: 200, pauseMsMax })),
    createReader({ topicName, partitions, pauseMsMax }),
    ...perhaps(0.5, () => createReader({ topicName, partitions: [partition], pauseMsMax: 500 })),
  ]
}
