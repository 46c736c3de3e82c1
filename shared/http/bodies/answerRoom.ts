// How much of the answers with records a process holds at once, and each tenant of that: from before the first byte is
// read for one until it is sent, or its client is gone. Whoever reads slowly waits for itself.
// A request waits for room only while it has none, so that no two wait for each other. What it needs beyond, for
// further partitions or for text that is larger than its batches, it gets if it is there; else its answer is shorter.

import type { ByteRoom, Place } from '../../base/byteRoom.ts'
import { KafkaError } from '../../base/errors.ts'
import type { Cluster, FetchRoom } from '../../service/cluster.ts'
import { bytesFetched, bytesOfBatches } from '../../service/recordBytes.ts'
import type { HttpDeps } from '../context.ts'
import type { RawContext } from '../rawRoute.ts'
import { connectionOf, pacedBody, pieceBytesMax, watchPiece } from './pacedBody.ts'

export interface AnswerRoom {
  /** Takes room for what it reads, and gives back what was fetched before. */
  readonly fetch: Cluster['fetch']
  /** So long may the text of what was fetched get, of `wanted` characters: right before it is made. */
  charactersMax(wanted: number): number
  /** The answer is made: it alone is kept. */
  hold(bytes: number): void
  /** All comes back, and nothing is taken any more. */
  leave(): void
}

export interface Answer {
  /** Pieces go out one behind the other. */
  readonly body: string | readonly Uint8Array[]
  /** They are batches, views of blocks that may go: where these cannot be kept they are copied. */
  readonly isOfBlocks?: boolean
  readonly headers: Readonly<Record<string, string>>
}

/** A request may have so much without asking; its connection has that much anyhow. */
const freeBytes = 64 * 1024
/** Batches, and text of the same length. */
const growth = 2

/** Answers what `make` makes of what it fetches through the room. */
export async function withAnswerRoom(
  c: RawContext,
  deps: HttpDeps,
  cluster: Pick<Cluster, 'fetch'>,
  make: (room: AnswerRoom) => Promise<Answer>,
): Promise<Response> {
  const room = createAnswerRoom(c, deps, cluster)
  try {
    return send(c, deps, room, await make(room))
  } catch (error) {
    room.leave()
    throw error
  }
}

function send(c: RawContext, deps: HttpDeps, room: AnswerRoom, answer: Answer): Response {
  const { body, headers } = answer
  const connection = connectionOf(c)
  const isFree = typeof body === 'string' ? body.length <= freeBytes : bytesOfBatches(body) <= freeBytes
  if (isFree || connection === undefined || connection.closed) {
    room.leave()
    return new Response(typeof body === 'string' ? body : Buffer.concat(body), { headers })
  }
  const { pieces, leave } = keptPieces(c, deps, answer)
  const length = bytesOfBatches(pieces)
  room.hold(length)
  const end = (): void => {
    room.leave()
    leave()
  }
  connection.once('close', end)
  const [only] = pieces
  if (pieces.length === 1 && only !== undefined && length <= pieceBytesMax) {
    watchPiece(connection, deps, length)
    return new Response(only, { headers })
  }
  const paced = pacedBody(c, deps, { next: async () => pieces.shift(), cancel: end })
  return new Response(paced, { headers: { ...headers, 'content-length': String(length) } })
}

/** What stays in memory until it is sent. */
function keptPieces(c: RawContext, deps: HttpDeps, { body, isOfBlocks = false }: Answer) {
  const leave = (): void => {}
  if (typeof body === 'string') return { pieces: [Buffer.from(body)], leave }
  if (!isOfBlocks) return { pieces: [...body], leave }
  const view = deps.blockViews.open(c.get('access').tenant, body)
  return view === undefined
    ? { pieces: [Buffer.concat(body)], leave }
    : { pieces: [view.bytes], leave: view.leave }
}

export function createAnswerRoom(
  c: RawContext,
  { answerRoom }: Pick<HttpDeps, 'answerRoom'>,
  cluster: Pick<Cluster, 'fetch'>,
): AnswerRoom {
  const held = createHeld(answerRoom, c.get('access').tenant, c.req.raw.signal)
  let fetching = 0
  return {
    async fetch(request) {
      if (fetching++ === 0) held.giveBack(held.places)
      const mine = new Set<Place>()
      const drop = () => held.giveBack(mine)
      const room: FetchRoom = { take: (bytes) => held.take(mine, bytes * growth), drop }
      try {
        const fetched = await cluster.fetch({ ...request, room })
        if (bytesFetched(fetched) === 0) drop()
        return fetched
      } finally {
        fetching--
      }
    },
    charactersMax(wanted) {
      let bytes = 0
      for (const place of held.places) bytes += place.bytes
      const characters = Math.max(freeBytes, bytes / growth)
      return characters >= wanted || held.takeNow(new Set(), wanted - characters) ? wanted : characters
    },
    hold(bytes) {
      if (bytes <= freeBytes || connectionOf(c) === undefined) held.giveBack(held.places)
      else held.keep(bytes)
    },
    leave: () => held.end(),
  }
}

/** What one request holds. Places are in `mine` of the fetch that took them, too. */
function createHeld(room: ByteRoom, tenant: string | undefined, client: AbortSignal) {
  const places = new Set<Place>()
  let freeLeft = freeBytes
  let entering: Promise<void> | undefined
  let isOver = false

  const giveBack = (some: Set<Place>): void => {
    if (some === places) freeLeft = freeBytes
    for (const place of some) {
      some.delete(place)
      places.delete(place)
      room.resize(place, 0)
    }
  }
  const add = (mine: Set<Place>, place: Place): boolean => {
    if (isOver) room.resize(place, 0)
    if (place.bytes === 0) return false
    mine.add(place)
    places.add(place)
    return true
  }
  const takeNow = (mine: Set<Place>, bytes: number): boolean => add(mine, room.acquireNow(tenant, bytes))
  const enter = async (mine: Set<Place>, entered: Promise<Place>): Promise<void> => {
    add(mine, await entered)
    entering = undefined
    if (client.aborted) throw new KafkaError('BAD_REQUEST', 'the connection was closed before the answer')
  }
  const take = (mine: Set<Place>, bytes: number): boolean | Promise<boolean> => {
    if (entering !== undefined) return entering.then(() => take(mine, bytes))
    if (bytes <= freeLeft) {
      freeLeft -= bytes
      return true
    }
    if (isOver || places.size > 0) return takeNow(mine, bytes)
    const entered = room.acquire(tenant, bytes)
    if (!(entered instanceof Promise)) return add(mine, entered)
    entering = enter(mine, entered)
    return entering.then(() => !isOver)
  }
  return {
    places,
    giveBack,
    take,
    takeNow,
    /** So many bytes and no more; what they lack is taken without asking. */
    keep(bytes: number): void {
      if (isOver) return
      const [kept = room.acquireNow(tenant, 0), ...others] = places
      giveBack(new Set(others))
      places.add(kept)
      room.resize(kept, bytes)
    },
    end(): void {
      isOver = true
      giveBack(places)
    },
  }
}
