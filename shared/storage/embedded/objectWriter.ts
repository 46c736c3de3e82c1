// Puts of the embedded object store, as they look from the process: the thread of objectWorker.ts does the work.

import { Worker } from 'node:worker_threads'
import { StorageError } from '../../base/errors.ts'
import type { PutOutcome, PutPiece, PutReply, WriterSettings } from './objectProtocol.ts'

export interface ObjectWriter {
  put(file: string, parts: readonly Uint8Array[]): Promise<'stored' | 'exists'>
  /** After the puts that were accepted. */
  close(): Promise<void>
}

export function createObjectWriter(settings: WriterSettings): ObjectWriter {
  // The flags that this process was started with are no concern of the writer's.
  const worker = new Worker(new URL('./objectWorker.ts', import.meta.url), {
    workerData: settings,
    execArgv: [],
  })
  const send = createSender(worker)
  let ids = 0
  let underWay = 0
  let idle = Promise.withResolvers<void>()
  idle.resolve()
  let stopped = false

  /** A process with nothing to write may end. */
  const enter = () => {
    if (underWay++ > 0) return
    idle = Promise.withResolvers()
    worker.ref()
  }
  const leave = () => {
    if (--underWay > 0) return
    idle.resolve()
    worker.unref()
  }

  worker.on('exit', () => {
    stopped = true
  })
  // Only now: a listener holds the process.
  worker.unref()

  return {
    async put(file, parts) {
      if (stopped) throw new StorageError('none', 'the object store is closed')
      enter()
      try {
        ids += 1
        return await putPieces(ids, file, parts, send)
      } finally {
        leave()
      }
    },
    async close() {
      await idle.promise
      stopped = true
      await worker.terminate()
    },
  }
}

type Send = (piece: PutPiece) => Promise<PutOutcome>

/** Each piece is answered by the thread, or by its end. */
function createSender(worker: Worker): Send {
  const waiting = new Map<number, (outcome: PutOutcome) => void>()
  const end = (cause: unknown) => {
    const message = `the writer of objects ended${cause instanceof Error ? `: ${cause.message}` : ''}`
    for (const resolve of waiting.values()) resolve({ kind: 'failed', effect: 'unknown', message })
    waiting.clear()
  }
  worker.on('message', (replies: readonly PutReply[]) => {
    for (const { id, outcome } of replies) {
      const resolve = waiting.get(id)
      waiting.delete(id)
      resolve?.(outcome)
    }
  })
  worker.on('error', end)
  worker.on('exit', () => end(undefined))
  return (piece) =>
    new Promise((resolve) => {
      waiting.set(piece.id, resolve)
      worker.postMessage(piece, [piece.bytes.buffer])
    })
}

async function putPieces(
  id: number,
  file: string,
  parts: readonly Uint8Array[],
  send: Send,
): Promise<'stored' | 'exists'> {
  let left = bytesOf(parts)
  for (const bytes of piecesOf(parts)) {
    left -= bytes.length
    const outcome = await send({ id, file, bytes, isLast: left === 0 })
    if (outcome.kind === 'failed')
      throw new StorageError(outcome.effect, `the object store: ${outcome.message}`)
    if (outcome.kind !== 'written') return outcome.kind
  }
  throw new Error('the last piece of a put is answered with what became of it')
}

const bytesOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, part) => sum + part.length, 0)

const pieceBytesMax = 4 * 1024 * 1024

/** Buffers of their own, which can be handed over without another copy; one, empty, where there are no bytes. */
function* piecesOf(parts: readonly Uint8Array[]): Generator<Uint8Array<ArrayBuffer>> {
  let left = bytesOf(parts)
  let piece = new Uint8Array(Math.min(left, pieceBytesMax))
  let filled = 0
  for (const part of parts) {
    for (let taken = 0; taken < part.length; ) {
      const some = part.subarray(taken, taken + piece.length - filled)
      piece.set(some, filled)
      taken += some.length
      filled += some.length
      if (filled < piece.length) continue
      left -= filled
      yield piece
      piece = new Uint8Array(Math.min(left, pieceBytesMax))
      filled = 0
      if (left === 0) return
    }
  }
  yield piece
}
