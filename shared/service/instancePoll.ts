// A poll of a consumer instance after its heartbeat: find out where to begin, fetch, heartbeat, and again until there
// are records or the time is up. Waiting is cut into pieces, so that the instance hears in between what the group wants
// of it; one that has no partitions yet waits for them.

import { createLimiter } from '../base/concurrency.ts'
import { KafkaError } from '../base/errors.ts'
import { moveTo, type Positioned, positionsOf, startFrom, unplaced } from '../groups/instance.ts'
import type { StoredInstance } from '../metadata/instanceItem.ts'
import { backoffMs } from '../ports/retry.ts'
import type { Clock, Random } from '../ports/world.ts'
import type { Cluster, FetchedPartition } from './cluster.ts'
import type { InstanceId, PolledPartition, PollRequest } from './consumerInstances.ts'
import type { TopicPartition } from './groups.ts'
import { heartbeat, memberOf } from './instanceMember.ts'

export interface PollDeps {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly random: Random
}

export interface Polled {
  readonly instance: StoredInstance
  readonly fetched: readonly PolledPartition[]
}

/** Between two heartbeats of a poll that waits: Kafka's group.consumer.heartbeat.interval.ms. */
const heartbeatMs = 5_000
/** Kafka's fetch.max.wait.ms: so long its consumer, which is Strimzi's, waits for fetch.min.bytes. */
const fetchMaxWaitMs = 500
const lookupsAtOnce = 16

export async function pollInstance(
  deps: PollDeps,
  id: InstanceId,
  before: StoredInstance,
  request: PollRequest,
  deadline: number,
): Promise<Polled> {
  const { clock } = deps
  const { groups } = deps.cluster
  let instance = before
  for (let round = 1; ; round++) {
    const placed = await findPositions(deps, id, instance)
    const waitMs = Math.min(waitMsMax(placed), Math.max(0, deadline - clock.now()))
    const polled = await fetchRound(deps, placed, request, waitMs)
    const hasRecords = polled.fetched.some(({ batches }) => batches.length > 0)
    if (hasRecords || clock.now() >= deadline || request.signal.aborted) return polled
    // Nothing to wait for: no partitions yet, or only such as are gone.
    if (polled.fetched.length === 0) {
      await clock.sleep(Math.min(backoffMs(round, deps.random), deadline - clock.now()), request.signal)
    }
    instance = await heartbeat(groups, id, polled.instance)
  }
}

/** Confluent's proxy waits for fetch.min.bytes as long as for the first record. */
const waitMsMax = ({ dialect, fetchMinBytes }: StoredInstance): number =>
  dialect === 'strimzi' && fetchMinBytes > 1 ? fetchMaxWaitMs : heartbeatMs

/** Partitions that it came to begin where the group has got to, else as auto.offset.reset says. */
async function findPositions(
  deps: PollDeps,
  id: InstanceId,
  instance: StoredInstance,
): Promise<StoredInstance> {
  const wanted = unplaced(instance)
  if (wanted.length === 0) return instance
  const committed = await deps.cluster.groups.committedOffsets(id.groupId, memberOf(instance), wanted)
  const placed = startFrom(
    instance,
    committed.map(({ topicName, partition, offset }) => ({ topicName, partition, position: offset })),
  )
  return resetPositions(deps, placed, unplaced(placed))
}

async function resetPositions(
  deps: PollDeps,
  instance: StoredInstance,
  partitions: readonly TopicPartition[],
): Promise<StoredInstance> {
  const kind = instance.autoOffsetReset
  if (partitions.length === 0) return instance
  if (kind === 'none') {
    const names = partitions.slice(0, 10).map(({ topicName, partition }) => `${topicName}-${partition}`)
    const message = `No committed offset within the log for ${names.join(', ')}, and auto.offset.reset is none.`
    throw new KafkaError('OFFSET_OUT_OF_RANGE', message)
  }
  const limit = createLimiter(lookupsAtOnce)
  const found = await Promise.all(
    partitions.map(({ topicName, partition }) =>
      limit(() =>
        withoutGone([], async (): Promise<readonly Positioned[]> => {
          const { offset } = await deps.cluster.listOffsets(topicName, partition, { kind })
          return [{ topicName, partition, position: offset }]
        }),
      ),
    ),
  )
  return moveTo(instance, found.flat())
}

/** One look at every partition, or at most `waitMs` of waiting; positions outside the log are set anew. */
async function fetchRound(
  deps: PollDeps,
  instance: StoredInstance,
  request: PollRequest,
  waitMs: number,
): Promise<Polled> {
  const found = await fetchTopics(deps, instance, request, waitMs)
  const isOutside = ({ error }: FetchedFrom) => error?.code === 'OFFSET_OUT_OF_RANGE'
  const polled = await resetPositions(deps, instance, found.filter(isOutside))
  return { instance: polled, fetched: found.filter(({ error }) => error === undefined) }
}

type FetchedFrom = PolledPartition & Pick<FetchedPartition, 'error'>

/** Every topic waits by itself; the first that has something ends the waiting of the others. */
async function fetchTopics(
  { cluster, random }: PollDeps,
  instance: StoredInstance,
  request: PollRequest,
  waitMs: number,
): Promise<readonly FetchedFrom[]> {
  const known = rotate(
    positionsOf(instance).filter(({ position }) => position >= 0),
    random,
  )
  const topics = Map.groupBy(known, ({ topicName }) => topicName)
  const maxBytes = Math.max(1, Math.floor(request.maxBytes / Math.max(1, topics.size)))
  const enough = new AbortController()
  const signal = AbortSignal.any([request.signal, enough.signal])
  const found = await Promise.all(
    Array.from(topics, ([topicName, positions]) =>
      withoutGone([], async (): Promise<readonly FetchedFrom[]> => {
        const fetched = await cluster.fetch({
          topicName,
          partitions: positions.map(({ partition, position }) => ({ partition, offset: position, maxBytes })),
          maxBytes,
          minBytes: instance.fetchMinBytes,
          maxWaitMs: waitMs,
          signal,
        })
        if (fetched.some(({ batches, error }) => batches.length > 0 || error)) enough.abort('records')
        return fetched.map(({ partition, batches, error }, index) => {
          const position = positions[index]?.position ?? 0
          return { topicName, partition, position, batches, ...(error && { error }) }
        })
      }),
    ),
  )
  return found.flat()
}

/** Who asks for little gets the first partitions only: each of them is the first some time. */
function rotate<T>(all: readonly T[], random: Random): readonly T[] {
  const first = Math.floor(random.float() * all.length)
  return [...all.slice(first), ...all.slice(0, first)]
}

/** A topic or partition that is gone has no records; the group will take it away. */
async function withoutGone<T>(none: T, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof KafkaError && error.row.kafka === 3) return none
    throw error
  }
}
