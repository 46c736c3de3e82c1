// Writes of the embedded table, as they look from a thread that writes: its port to the one writer (tableWorker.ts).
// Writes wait while a group of others commits and are then sent as the next group, so many concurrent writers share one
// fsync.

import type { MessagePort } from 'node:worker_threads'
import { invariant, StorageError } from '../../base/errors.ts'
import type { Table } from '../../ports/table.ts'
import { decodeReplies, encodeRequests, type Reply, type Request } from './tableProtocol.ts'

export interface TableWriter extends Pick<Table, 'write' | 'transact'> {
  /** The writer has ended: what it did not answer has failed. */
  end(cause: unknown): void
  /** After the writes that were accepted. */
  close(): Promise<void>
}

export const createTableWriter = (port: MessagePort): TableWriter => {
  const groups = createGroups(port)
  return {
    write: async (write) => {
      const reply = await groups.request({ kind: 'write', write })
      invariant(reply.kind === 'written', 'a write is answered as a write')
      return reply.outcome
    },
    transact: async (writes) => {
      const reply = await groups.request({ kind: 'transact', writes })
      invariant(reply.kind === 'transacted', 'a transaction is answered as a transaction')
      return reply.outcome
    },
    end: groups.end,
    close: groups.close,
  }
}

/** A group is bounded so that its first writer does not wait for a thousand others. */
const groupRequestsMax = 512

interface Waiting {
  readonly request: Request
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: Error) => void
}

const createGroups = (port: MessagePort) => {
  const queue: Waiting[] = []
  let group: Waiting[] = []
  let stopped: StorageError | undefined
  let idle = Promise.withResolvers<void>()
  idle.resolve()

  const sendGroup = (): void => {
    if (group.length > 0 || queue.length === 0) return
    group = queue.splice(0, groupRequestsMax)
    const bytes = encodeRequests(group.map(({ request }) => request))
    port.postMessage(bytes, [bytes.buffer])
  }

  const request = (message: Request): Promise<Reply> => {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    if (stopped !== undefined) return Promise.reject(stopped)
    if (queue.length === 0 && group.length === 0) idle = Promise.withResolvers()
    queue.push({ request: message, resolve, reject })
    queueMicrotask(sendGroup)
    return promise
  }

  const settleGroup = (bytes: Uint8Array): void => {
    const replies = decodeReplies(bytes)
    const answered = group
    group = []
    for (const [index, waiting] of answered.entries()) settle(waiting, replies[index])
    if (queue.length === 0) idle.resolve()
    sendGroup()
  }

  const end = (cause: unknown): void => {
    stopped ??= new StorageError('none', 'the table is closed', { cause })
    for (const { reject } of group.splice(0)) {
      reject(new StorageError('unknown', 'the writer of the table ended before it answered', { cause }))
    }
    for (const { reject } of queue.splice(0)) reject(stopped)
    idle.resolve()
  }

  port.on('message', settleGroup)
  port.on('close', () => end(undefined))

  return {
    request,
    end,
    close: async () => {
      stopped ??= new StorageError('none', 'the table is closed')
      await idle.promise
      port.close()
    },
  }
}

const settle = ({ resolve, reject }: Waiting, reply: Reply | undefined): void => {
  if (reply === undefined) reject(new Error('broken invariant: every request of a group is answered'))
  else if (reply.kind === 'mistake') reject(new Error(reply.message))
  else if (reply.kind === 'failed') reject(new StorageError(reply.effect, `the table: ${reply.message}`))
  else resolve(reply)
}
