// Reads ahead of the application: one waiting request for each topic, for all partitions that may be read, as long as
// little enough waits to be handed out.

import { codes, isRefusal, localError } from './errors.ts'
import type { Notifier } from './notifier.ts'
import { createPageQueue, type PageQueue } from './pageQueue.ts'
import { type FetchedPage, fetchEnds, fetchPages } from './pages.ts'
import type { Handed, Position, Positions } from './positions.ts'
import { backoffMs, isRetriable, retried } from './retry.ts'
import { byTopic } from './topicPartition.ts'
import type { Transport } from './transport.ts'
import type { World } from './world.ts'

export type OffsetReset = 'earliest' | 'latest' | 'none'

export interface FetcherDeps {
  readonly transport: Transport
  readonly world: World
  readonly positions: Positions
  readonly changed: Notifier
  readonly fetchBytesMax: number
  readonly maxWaitMs: number
  readonly autoOffsetReset: OffsetReset
  readonly stop: AbortSignal
}

export interface Fetcher {
  /** What cannot be read, and why. */
  failure(): { readonly error: unknown } | undefined
  /** The next record, in the order in which pages came. */
  take(): Handed | undefined
  /** Asks for more, if less than enough waits. */
  pump(): void
  /** What is under way does not know of partitions that may be read from now on. */
  renew(): void
}

export function createFetcher(deps: FetcherDeps): Fetcher {
  const { world, positions, changed, stop } = deps
  const underWay = new Map<string, AbortController>()
  const queue = createPageQueue(positions)
  let failures = 0
  let failure: ReturnType<Fetcher['failure']>

  const ask = async (topic: string, asked: readonly Position[], signal: AbortSignal): Promise<void> => {
    try {
      accept(deps, queue, asked, await request(deps, topic, asked, signal))
      failures = 0
    } catch (error) {
      if (signal.aborted) return
      if (isRefusal(error, codes.offsetOutOfRange)) return await resetAll(deps, topic, asked, signal)
      // A topic that is gone leaves the assignment soon.
      const passes = isRetriable(error) || isRefusal(error, codes.unknownTopic, codes.partitionNotFound)
      if (!passes) throw error
      await world.sleep(backoffMs(failures++, world.random()), signal)
    }
  }

  const follow = async (topic: string, asked: readonly Position[]): Promise<void> => {
    const asking = new AbortController()
    underWay.set(topic, asking)
    try {
      await ask(topic, asked, asking.signal)
    } catch (error) {
      if (!asking.signal.aborted) failure = { error }
    }
    if (underWay.get(topic) === asking) underWay.delete(topic)
    changed.notify()
    pump()
  }

  const pump = (): void => {
    if (stop.aborted || failure !== undefined || queue.bytes() >= deps.fetchBytesMax) return
    for (const [topic, all] of byTopic(positions.all())) {
      const asked = all.filter(({ paused }) => !paused).sort((a, b) => a.servedAt - b.servedAt)
      if (asked.length > 0 && !underWay.has(topic)) void follow(topic, asked)
    }
  }

  const renew = (): void => {
    for (const asking of underWay.values()) asking.abort()
    underWay.clear()
    pump()
  }
  stop.addEventListener('abort', renew, { once: true })

  return {
    pump,
    renew,
    failure: () => failure,
    take() {
      const handed = queue.take()
      pump()
      return handed
    },
  }
}

function request(deps: FetcherDeps, topic: string, partitions: readonly Position[], signal: AbortSignal) {
  const { fetchBytesMax: bytesMax, maxWaitMs } = deps
  return fetchPages(deps.transport, { topic, partitions, bytesMax, maxWaitMs, signal })
}

function accept(
  deps: FetcherDeps,
  queue: PageQueue,
  asked: readonly Position[],
  fetched: readonly FetchedPage[],
): void {
  const byPartition = new Map(asked.map((position) => [position.partition, position]))
  for (const { partition, records, nextOffset, logStartOffset, highWatermark } of fetched) {
    const position = byPartition.get(partition)
    if (position === undefined) continue
    const isExpired = position.fetchFrom < logStartOffset
    // Where the reader is to go on at the earliest, the service has gone on there already.
    if (isExpired && deps.autoOffsetReset !== 'earliest') {
      reset(deps, position, logStartOffset, highWatermark)
      continue
    }
    const { topic, version } = position
    const page = { topic, partition, version, records, nextOffset }
    if (deps.positions.fetched(page) && records.length > 0) queue.put(page)
  }
}

/** Error: where nobody says how to go on. */
function reset(deps: FetcherDeps, position: Position, earliest: number, latest: number): void {
  const { autoOffsetReset, positions } = deps
  const { topic, partition, fetchFrom, version } = position
  if (positions.find(position)?.version !== version) return
  if (autoOffsetReset === 'none') {
    const log = `which has ${earliest} to ${latest}`
    throw localError(`offset ${fetchFrom} is outside of partition ${partition} of ${topic}, ${log}`)
  }
  positions.move(position, autoOffsetReset === 'earliest' ? earliest : latest)
}

/** The service does not say which of the partitions it was. */
async function resetAll(
  deps: FetcherDeps,
  topic: string,
  asked: readonly Position[],
  signal: AbortSignal,
): Promise<void> {
  const patience = { world: deps.world, timeoutMs: Number.POSITIVE_INFINITY, signal }
  const ends = await retried(patience, () => fetchEnds(deps.transport, topic, asked, signal))
  for (const { partition, logStartOffset, highWatermark } of ends) {
    const position = asked.find((one) => one.partition === partition)
    if (position === undefined || position.fetchFrom <= highWatermark) continue
    reset(deps, position, logStartOffset, highWatermark)
  }
}
