// The body of an answer that its client has to take at the slowest pace at least. It is written piece by piece: the
// next one is asked for when the one before has gone out. A client that falls behind is cut off, because what it does
// not take is held in memory.

import { ServerResponse } from 'node:http'
import type { HttpDeps } from '../context.ts'
import type { RawContext } from '../rawRoute.ts'
import { createPace, slowestBytesPerMs } from './pace.ts'

export interface Parts {
  /** undefined: there are no more. */
  next(): Promise<Uint8Array | undefined>
  /** Nobody asks for more; may be called again. */
  cancel(): void | Promise<void>
}

/** 16 seconds at the slowest pace; each one costs its client a turn of waiting. */
export const pieceBytesMax = 1024 * 1024

interface Piece {
  readonly bytes: number
  readonly sinceMs: number
  readonly inTime: () => void
}

type PaceDeps = Pick<HttpDeps, 'clock' | 'deadlines' | 'limits'>

export function pacedBody(
  c: RawContext,
  { clock, deadlines, limits }: PaceDeps,
  parts: Parts,
): ReadableStream<Uint8Array> {
  const connection = connectionOf(c)
  const pace = createPace(limits.bodyIdleMsMax)
  let rest: Uint8Array = new Uint8Array(0)
  let outside: Piece | undefined

  const settle = (): void => {
    if (outside === undefined) return
    outside.inTime()
    pace.note(clock.now() - outside.sinceMs, outside.bytes)
    outside = undefined
  }
  const watch = (connection: ServerResponse, bytes: number): void => {
    const sinceMs = clock.now()
    const inTime = deadlines.set(connection, sinceMs + pace.leftMs() + bytes / slowestBytesPerMs)
    outside = { bytes, sinceMs, inTime }
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        settle()
        const part = rest.length > 0 ? rest : await parts.next()
        if (part === undefined) return controller.close()
        const piece = part.subarray(0, pieceBytesMax)
        rest = part.subarray(piece.length)
        controller.enqueue(piece)
        if (connection !== undefined) watch(connection, piece.length)
      },
      cancel() {
        settle()
        return parts.cancel()
      },
    },
    { highWaterMark: 0 },
  )
}

/** For an answer of one piece at most, which goes out as it is: its client has the same time. */
export function watchPiece(
  connection: ServerResponse,
  { clock, deadlines, limits }: PaceDeps,
  bytes: number,
): void {
  const leftMs = limits.bodyIdleMsMax + bytes / slowestBytesPerMs
  connection.once('close', deadlines.set(connection, clock.now() + leftMs))
}

/** Where the answer goes out; undefined: it is for this process to read, or, to a HEAD, for nobody. */
export function connectionOf(c: RawContext): ServerResponse | undefined {
  const env: unknown = c.env
  const outgoing = typeof env === 'object' && env !== null && 'outgoing' in env ? env.outgoing : undefined
  return outgoing instanceof ServerResponse && c.req.method !== 'HEAD' ? outgoing : undefined
}
