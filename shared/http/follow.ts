// Following a partition or a topic: events of what is there, then of what comes, until the stream's time is
// up or the reader has gone. What is wrong at the start is thrown; what goes wrong later is an `error`
// event, the last one.

import type { GiveWay } from '../ports/giveWay.ts'
import type { Clock } from '../ports/world.ts'
import type { Cluster, FetchedPartition } from '../service/cluster.ts'
import { type AnswerRoom, createAnswerRoom } from './bodies/answerRoom.ts'
import { doWork, workOf } from './bodies/work.ts'
import type { HttpDeps } from './context.ts'
import { errorBody } from './errors.ts'
import type { RawContext } from './rawRoute.ts'
import { refuseUnexpected } from './refuseUnexpected.ts'
import { renderConsumed } from './wire/consumeRecord.ts'
import { eventStreamType, heartbeat, renderEvent, renderFailure } from './wire/eventStream.ts'
import { walkRecords } from './wire/fetched.ts'

export const eventStreamHeaders = {
  'content-type': eventStreamType,
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
} as const

/** Proxies cut connections that are silent for a minute, some for half of one. */
const heartbeatMs = 15_000
/** Longer than a fetch waits for records, or both would send one. */
const silentMsMax = 20_000
const roundBytesMax = 1024 * 1024
/** Of a topic's rounds: a partition's share, so that one of them cannot hold up the others. */
const partitionBytesMax = 256 * 1024

export interface Following {
  readonly deps: HttpDeps
  readonly c: RawContext
  readonly cluster: Cluster
  readonly topicName: string
  /** Next offset of each partition; moves on with what is sent. */
  readonly positions: Map<number, number>
  readonly signal: AbortSignal
  readonly renderId: (positions: ReadonlyMap<number, number>, offset: number) => string
}

export async function* followRecords(following: Following): AsyncGenerator<string> {
  const { c, deps } = following
  // What it holds comes back when the next events are asked for: then those before have gone out.
  const room = createAnswerRoom(c, deps, following.cluster)
  try {
    yield* eventsIn(room, following)
  } finally {
    room.leave()
  }
}

async function* eventsIn(room: AnswerRoom, following: Following): AsyncGenerator<string> {
  const { c, deps, signal } = following
  const { clock, limits } = deps
  const endsAt = clock.now() + limits.streamMsMax
  let begun = false
  try {
    for (let left = limits.streamMsMax; left > 0; left = endsAt - clock.now()) {
      const fetching = nextEvents(
        room,
        following,
        begun ? Math.min(left, heartbeatMs, limits.fetchWaitMsMax) : 0,
      )
      for (let events: string | undefined; events === undefined; ) {
        events = await within(clock, fetching)
        if (begun && signal.aborted) return
        begun = true
        yield events || heartbeat
      }
    }
  } catch (error) {
    if (!begun) throw error
    yield renderFailure(JSON.stringify(errorBody(refuseUnexpected(deps, c, error))))
  }
}

/** undefined: it waits for room, or for slow storage, and a proxy wants to see something meanwhile. */
async function within(clock: Clock, fetching: Promise<string>): Promise<string | undefined> {
  const timer = new AbortController()
  const late = clock.sleep(silentMsMax, timer.signal).then(() => undefined)
  return Promise.race([fetching, late]).finally(() => timer.abort('fetched'))
}

async function nextEvents(room: AnswerRoom, following: Following, maxWaitMs: number): Promise<string> {
  const { topicName, positions, signal } = following
  const maxBytes = positions.size === 1 ? roundBytesMax : partitionBytesMax
  const fetched = await room.fetch({
    topicName,
    partitions: Array.from(positions, ([partition, offset]) => ({ partition, offset, maxBytes })),
    maxBytes: roundBytesMax,
    minBytes: 1,
    maxWaitMs,
    signal,
  })
  const failed = fetched.find(({ error }) => error !== undefined)
  if (failed?.error !== undefined) throw failed.error
  const charactersMax = room.charactersMax(roundCharactersMax)
  const events = await doWork(workOf(following.c, following.deps), (giveWay) =>
    renderEvents(giveWay, following, fetched, charactersMax),
  )
  room.hold(Buffer.byteLength(events))
  return events
}

async function renderEvents(
  giveWay: GiveWay,
  following: Following,
  fetched: readonly FetchedPartition[],
  charactersMax: number,
): Promise<string> {
  const { positions } = following
  let events = ''
  for (const { partition, batches } of fetched) {
    const next = await walkRecords(giveWay, batches, positions.get(partition) ?? 0, (record) => {
      positions.set(partition, record.offset + 1)
      const id = following.renderId(positions, record.offset)
      events += renderEvent(id, renderConsumed(record, partition, Number.POSITIVE_INFINITY))
      return events.length < charactersMax
    })
    positions.set(partition, next)
    if (events.length >= charactersMax) break
  }
  return events
}

/** What compressed batches grow to in one round; the next round goes on behind it. */
const roundCharactersMax = 16 * 1024 * 1024
