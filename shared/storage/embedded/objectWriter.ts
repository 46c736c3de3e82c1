// Puts of the embedded object store, as they look from the process: the thread of objectWorker.ts does the work.

import { Worker } from 'node:worker_threads'
import { StorageError } from '../../base/errors.ts'
import type { PutOutcome, PutReply, PutRequest, WriterSettings } from './objectProtocol.ts'

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
  const waiting = new Map<number, PromiseWithResolvers<PutOutcome>>()
  let ids = 0
  let idle = Promise.withResolvers<void>()
  idle.resolve()
  let stopped = false

  const answer = (replies: readonly PutReply[]) => {
    for (const { id, outcome } of replies) {
      waiting.get(id)?.resolve(outcome)
      waiting.delete(id)
    }
    rest()
  }
  const stop = (cause: unknown) => {
    stopped = true
    const message = `the writer of objects ended${cause instanceof Error ? `: ${cause.message}` : ''}`
    for (const { resolve } of waiting.values()) resolve({ kind: 'failed', effect: 'unknown', message })
    waiting.clear()
    rest()
  }
  /** A process with nothing to write may end. */
  const rest = () => {
    if (waiting.size > 0) return
    idle.resolve()
    worker.unref()
  }

  worker.on('message', answer)
  worker.on('error', stop)
  worker.on('exit', () => stop(undefined))
  // Only now: a listener holds the process.
  worker.unref()

  return {
    async put(file, parts) {
      if (stopped) throw new StorageError('none', 'the object store is closed')
      const reply = Promise.withResolvers<PutOutcome>()
      if (waiting.size === 0) idle = Promise.withResolvers()
      ids += 1
      waiting.set(ids, reply)
      worker.ref()
      const request: PutRequest = { id: ids, file, bytes: joined(parts) }
      worker.postMessage(request, [request.bytes.buffer])
      const outcome = await reply.promise
      if (outcome.kind !== 'failed') return outcome.kind
      throw new StorageError(outcome.effect, `the object store: ${outcome.message}`)
    },
    async close() {
      await idle.promise
      stopped = true
      await worker.terminate()
    },
  }
}

/** In a buffer of their own, which can be handed over without another copy. */
function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let position = 0
  for (const part of parts) {
    bytes.set(part, position)
    position += part.length
  }
  return bytes
}
