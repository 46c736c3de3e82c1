// Puts of the embedded object store, as they look from the process: the thread of objectWorker.ts does the work. Large
// ones are written to a file and synced here, from the memory they are in and without holding up the small ones that
// others wait for; only their name is left to the thread.

import { rm } from 'node:fs/promises'
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import { StorageError } from '../../base/errors.ts'
import { writeDurably } from './files.ts'
import type { PutOrder, PutOutcome, PutReply, WriterSettings } from './objectProtocol.ts'
import { threadEnd } from './threadEnd.ts'

export interface ObjectWriter {
  put(file: string, parts: readonly Uint8Array[]): Promise<'stored' | 'exists'>
  /** How the thread ended; from then on nothing is put. */
  readonly ended: Promise<Error>
  /** After the puts that were accepted. */
  close(): Promise<void>
}

export function createObjectWriter(settings: WriterSettings): ObjectWriter {
  // The flags that this process was started with are no concern of the writer's.
  const worker = new Worker(new URL('./objectWorker.ts', import.meta.url), {
    workerData: settings,
    execArgv: [],
  })
  const ended = threadEnd(worker, 'the thread that writes objects')
  const send = createSender(worker, ended)
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

  // Only now: a listener holds the process.
  worker.unref()

  return {
    async put(file, parts) {
      if (stopped) throw new StorageError('none', 'the object store is closed')
      enter()
      try {
        ids += 1
        const id = ids
        const content = await contentOf(parts, path.join(settings.incoming, `large-${id}`))
        return await answerOf(send({ id, file, content }))
      } finally {
        leave()
      }
    },
    ended,
    async close() {
      await idle.promise
      stopped = true
      await worker.terminate()
    },
  }
}

type Send = (order: PutOrder) => Promise<PutOutcome>

/** Each put is answered by the thread, or by its end. */
function createSender(worker: Worker, ended: Promise<Error>): Send {
  const waiting = new Map<number, (outcome: PutOutcome) => void>()
  let end: string | undefined
  void ended.then(({ message }) => {
    end = message
    for (const resolve of waiting.values()) resolve({ kind: 'failed', effect: 'unknown', message })
    waiting.clear()
  })
  worker.on('message', (replies: readonly PutReply[]) => {
    for (const { id, outcome } of replies) {
      const resolve = waiting.get(id)
      waiting.delete(id)
      resolve?.(outcome)
    }
  })
  return (order) =>
    new Promise((resolve) => {
      if (end !== undefined) return resolve({ kind: 'failed', effect: 'none', message: end })
      waiting.set(order.id, resolve)
      const { content } = order
      worker.postMessage(order, content.kind === 'bytes' ? [content.bytes.buffer] : [])
    })
}

const messageBytesMax = 4 * 1024 * 1024

async function contentOf(parts: readonly Uint8Array[], temporary: string): Promise<PutOrder['content']> {
  const size = parts.reduce((sum, part) => sum + part.length, 0)
  if (size <= messageBytesMax) return { kind: 'bytes', bytes: joined(parts, size) }
  try {
    await writeDurably(temporary, parts)
    return { kind: 'file', temporary }
  } catch (error) {
    await rm(temporary, { force: true })
    const message = error instanceof Error ? error.message : String(error)
    throw new StorageError('none', `the object store: ${message}`, { cause: error })
  }
}

/** A buffer of its own, which can be handed over without another copy. */
function joined(parts: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size)
  let filled = 0
  for (const part of parts) {
    bytes.set(part, filled)
    filled += part.length
  }
  return bytes
}

async function answerOf(sent: Promise<PutOutcome>): Promise<'stored' | 'exists'> {
  const outcome = await sent
  if (outcome.kind !== 'failed') return outcome.kind
  throw new StorageError(outcome.effect, `the object store: ${outcome.message}`)
}
