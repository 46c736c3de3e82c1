// Bodies of JSON records that are read whole. A tiny record takes a hundred times its bytes once it is parsed, so
// records have room of their own beside their body's: from before they are parsed until they are stored and what is
// said of them is sent. It is waited for with a body at hand, and who has it waits for no body's: no two wait for each
// other.

import type { Cluster } from '../../service/cluster.ts'
import type { HttpDeps } from '../context.ts'
import type { RawContext } from '../rawRoute.ts'
import { recordBytes } from '../wire/recordStream.ts'
import { type Answer, withAnswerRoom } from './answerRoom.ts'
import { type TakenBody, takeBody } from './body.ts'
import { connectionOf } from './pacedBody.ts'

export interface TakenRecords extends TakenBody {
  /** There may be more records than are parsed at once. */
  readonly isMore: boolean
}

/** Records of one body may take so much without asking; a connection has that much anyhow. */
const freeBytes = 64 * 1024
const openBrace = 0x7b

/** `parsedMax`: so many records are parsed at once. */
export async function takeRecords(c: RawContext, deps: HttpDeps, parsedMax: number): Promise<TakenRecords> {
  const taken = await takeBody(c, deps)
  const count = recordsAtMost(taken.body, parsedMax + 1)
  const isMore = count > parsedMax
  const bytes = recordBytes * Math.min(count, parsedMax)
  if (bytes <= freeBytes) return { ...taken, isMore }
  const { parsedRoom: room } = deps
  const entered = room.acquire(c.get('access').tenant, bytes)
  const place = entered instanceof Promise ? await entered : entered
  const giveBack = (): void => {
    taken.giveBack()
    whenSent(c, () => room.resize(place, 0))
  }
  return { body: taken.body, isMore, giveBack }
}

/** Takes them until `use` is done. */
export async function withRecords(
  c: RawContext,
  deps: HttpDeps,
  parsedMax: number,
  use: (body: Uint8Array) => Promise<Response>,
): Promise<Response> {
  const { body, giveBack } = await takeRecords(c, deps, parsedMax)
  try {
    return await use(body)
  } finally {
    giveBack()
  }
}

/** What is said of records; if that is much, its client has to take it at the slowest pace at least. */
export async function answerOfRecords(
  c: RawContext,
  deps: HttpDeps,
  cluster: Cluster,
  body: Answer['body'],
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  if (typeof body === 'string' && body.length <= freeBytes) return new Response(body, { headers })
  return withAnswerRoom(c, deps, cluster, () => Promise.resolve({ body, headers }))
}

function whenSent(c: RawContext, run: () => void): void {
  const connection = connectionOf(c)
  if (connection === undefined || connection.closed) run()
  else connection.once('close', run)
}

/** Told by their braces, up to `max`: each record has one, and so have objects in it, which take as much. */
function recordsAtMost(body: Uint8Array, max: number): number {
  let count = 0
  let at = body.indexOf(openBrace)
  for (; at >= 0 && count < max; at = body.indexOf(openBrace, at + 1)) count++
  return count
}
