// The body of an answer that its client has to take at the slowest pace at least. It is written piece by piece: the
// next one is asked for when the one before has gone out. A client that falls behind is cut off, because what it does
// not take is held in memory.

import { ServerResponse } from 'node:http'
import type { HttpDeps } from './context.ts'
import { createPace, slowestBytesPerMs } from './pace.ts'
import type { RawContext } from './rawRoute.ts'

export interface Parts {
  /** undefined: there are no more. */
  next(): Promise<Uint8Array | undefined>
  /** Nobody asks for more; may be called again. */
  cancel(): void | Promise<void>
}

/** 16 seconds at the slowest pace; each one costs its client a turn of waiting. */
const pieceBytesMax = 1024 * 1024

interface Piece {
  readonly bytes: number
  readonly sinceMs: number
  readonly timer: AbortController
}

export function pacedBody(
  c: RawContext,
  { clock, limits }: Pick<HttpDeps, 'clock' | 'limits'>,
  parts: Parts,
): ReadableStream<Uint8Array> {
  const connection = connectionOf(c)
  const pace = createPace(limits.bodyIdleMsMax)
  let rest: Uint8Array = new Uint8Array(0)
  let outside: Piece | undefined

  const settle = (): void => {
    if (outside === undefined) return
    outside.timer.abort('taken')
    pace.note(clock.now() - outside.sinceMs, outside.bytes)
    outside = undefined
  }
  const watch = (connection: ServerResponse, bytes: number): void => {
    const timer = new AbortController()
    outside = { bytes, sinceMs: clock.now(), timer }
    const leftMs = pace.leftMs() + bytes / slowestBytesPerMs
    void clock.sleep(leftMs, timer.signal).then(() => {
      if (!timer.signal.aborted) connection.destroy()
    })
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

/** Where the answer goes out; undefined: it is for this process to read, or, to a HEAD, for nobody. */
export function connectionOf(c: RawContext): ServerResponse | undefined {
  const env: unknown = c.env
  const outgoing = typeof env === 'object' && env !== null && 'outgoing' in env ? env.outgoing : undefined
  return outgoing instanceof ServerResponse && c.req.method !== 'HEAD' ? outgoing : undefined
}
