// A cluster as quotas let one caller use it, by Kafka's rules. A produce request is stored, and whoever has overdrawn
// the quota with it is told how long to wait: until then the next one is refused before anything is done. A fetch waits
// as long as it may, and is answered without records where that was not enough. Changes of topics are refused (KIP-599,
// strict), and so is everything while compute time is used up.

import type { Limiter } from '../base/concurrency.ts'
import type { Clock } from '../ports/world.ts'
import type { Throttle } from '../quotas/throttle.ts'
import { type Around, aroundCalls } from './aroundCalls.ts'
import type { Cluster, FetchedPartition, FetchRequest } from './cluster.ts'
import { bytesFetched, bytesOfRecords } from './recordBytes.ts'

export interface ThrottledClusterDeps {
  readonly clock: Clock
  /** As the quotas are now: a request that goes on for long asks again. */
  readonly throttle: () => Promise<Throttle>
  /** The tenant's changes of topics, one by one: each knows what those before it used. */
  readonly mutateInOrder: Limiter
  /** For the answer: how long the caller is to wait. */
  readonly tellWait: (ms: number) => void
}

export function createThrottledCluster(cluster: Cluster, deps: ThrottledClusterDeps): Cluster {
  const around = createAround(deps)
  const rest = aroundCalls(cluster, around)
  return { ...rest, ...throttleRecords(cluster, deps, around), ...throttleTopics(cluster, deps, around) }
}

/** Takes the time that a call lasts, but for what it waited. */
function createAround({ clock, throttle, tellWait }: ThrottledClusterDeps): Around {
  return async (call) => {
    const { refuseWaiting, take } = await throttle()
    refuseWaiting('ms')
    const startMs = clock.now()
    try {
      return await call()
    } finally {
      tellWait(take('ms', clock.now() - startMs))
    }
  }
}

type Records = Pick<Cluster, 'admitProduce' | 'produceRecords' | 'produceBatches' | 'fetch'>

function throttleRecords(cluster: Cluster, deps: ThrottledClusterDeps, around: Around): Records {
  const { clock, tellWait } = deps
  const produce = async <T>(bytes: number, call: () => Promise<T>): Promise<T> => {
    const throttle = await deps.throttle()
    throttle.refuseWaiting('in')
    // Before it is stored: those that come meanwhile are to know.
    throttle.take('in', bytes)
    const answer = await around(call)
    tellWait(throttle.waitMs('in'))
    return answer
  }

  return {
    async admitProduce(topicName) {
      const throttle = await deps.throttle()
      throttle.refuseWaiting('ms')
      throttle.refuseWaiting('in')
      return cluster.admitProduce(topicName)
    },
    produceRecords: (topicName, records, producer) =>
      produce(bytesOfRecords(records), () => cluster.produceRecords(topicName, records, producer)),
    produceBatches: (topicName, partition, body) =>
      produce(body.length, () => cluster.produceBatches(topicName, partition, body)),
    async fetch(request) {
      const throttle = await deps.throttle()
      throttle.refuseWaiting('ms')
      const startMs = clock.now()
      const waitMs = throttle.waitMs('out')
      if (waitMs > 0) await clock.sleep(Math.min(waitMs, request.maxWaitMs), request.signal)
      const stillMs = throttle.waitMs('out')
      tellWait(stillMs)
      if (stillMs > 0) return nothingOf(request)
      const left = Math.max(0, request.maxWaitMs - (clock.now() - startMs))
      const fetched = await fetchTimed(
        cluster,
        deps,
        throttle,
        bounded(request, throttle.amountMax('out'), left),
      )
      tellWait(throttle.take('out', bytesFetched(fetched)))
      return fetched
    },
  }
}

/** Waiting for records costs nobody's time. */
async function fetchTimed(
  cluster: Cluster,
  { clock, tellWait }: ThrottledClusterDeps,
  throttle: Throttle,
  request: FetchRequest,
): Promise<readonly FetchedPartition[]> {
  const startMs = clock.now()
  let waitedMs = 0
  const noteWaited = (ms: number) => {
    waitedMs += ms
  }
  try {
    return await cluster.fetch({ ...request, noteWaited })
  } finally {
    tellWait(throttle.take('ms', Math.max(0, clock.now() - startMs - waitedMs)))
  }
}

/** More than a window's worth could never be answered within the quota. */
function bounded(request: FetchRequest, bytesMax: number, maxWaitMs: number): FetchRequest {
  const max = Math.max(1, Math.floor(bytesMax))
  return { ...request, maxWaitMs, maxBytes: Math.min(request.maxBytes, max) }
}

/** Kafka's offsets of a partition that was not looked at. */
const nothingOf = ({ partitions }: FetchRequest): readonly FetchedPartition[] =>
  partitions.map(({ partition }) => ({ partition, logStartOffset: -1, highWatermark: -1, batches: [] }))

type Topics = Pick<Cluster, 'createTopic' | 'createPartitions' | 'deleteTopic'>

function throttleTopics(cluster: Cluster, deps: ThrottledClusterDeps, around: Around): Topics {
  /** Counted once it is made: what is refused is no change, whatever it asks for. */
  const mutate = async <T>(call: () => Promise<T>, countOf: (answer: T) => number): Promise<T> => {
    const throttle = await deps.throttle()
    if (!Number.isFinite(throttle.amountMax('mutations'))) return around(call)
    return deps.mutateInOrder(async () => {
      await throttle.refresh('mutations')
      throttle.refuseWaiting('mutations')
      const answer = await around(call)
      throttle.take('mutations', countOf(answer))
      return answer
    })
  }

  return {
    createTopic(topic) {
      const create = () => cluster.createTopic(topic)
      return topic.validateOnly ? around(create) : mutate(create, (made) => made.partitionCount)
    },
    createPartitions(name, partitionCount, validateOnly) {
      const create = () => cluster.createPartitions(name, partitionCount, validateOnly)
      return validateOnly
        ? around(create)
        : mutate(create, (topic) => topic.partitionCount - topic.before.partitionCount)
    },
    async deleteTopic(name) {
      let partitionCount = 0
      await mutate(
        async () => {
          partitionCount = (await cluster.describeTopic(name)).partitionCount
          await cluster.deleteTopic(name)
        },
        () => partitionCount,
      )
    },
  }
}
