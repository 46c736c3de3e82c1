// The table port on one machine, durable: SQLite, written by one thread (tableWorker.ts) and read here over a
// second, read-only connection, which sees every acknowledged write. Writes wait while a group of others
// commits and are then sent as the next group, so many concurrent writers share one fsync.
import type { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import { invariant, StorageError } from '../../base/errors.ts'
import type { Item, ItemKey, Query, Table } from '../../ports/table.ts'
import { checkKey, itemBytes } from '../limits.ts'
import { fillPage, type SizedItem, sortKeyRange } from '../query.ts'
import { decodeAttributes } from './attributes.ts'
import { codeOf } from './files.ts'
import { createFind, openTableReader } from './tableFile.ts'
import { close, decodeReplies, encodeRequests, type Reply, type Request } from './tableProtocol.ts'

export interface EmbeddedTable extends Table {
  /** After the writes that were accepted. */
  close(): Promise<void>
}

export const openEmbeddedTable = async (file: string): Promise<EmbeddedTable> => {
  // The flags that this process was started with are no concern of the writer's.
  const worker = new Worker(new URL('./tableWorker.ts', import.meta.url), {
    workerData: file,
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: writerYoungMebibytes },
  })
  await started(worker)
  const writer = createWriter(worker)
  const reader = openTableReader(file)
  const turns = createTurns()
  const find = createFind(reader)
  const range = createRange(reader)

  const get = (key: ItemKey): Item | undefined => {
    checkKey(key)
    const attributes = find(key)
    return attributes === undefined ? undefined : { key: { pk: key.pk, sk: key.sk }, attributes }
  }

  return {
    get: async (key) => {
      if (turns.isOver()) await turns.next()
      turns.note(1)
      return read(() => get(key))
    },
    query: async (query) => {
      if (turns.isOver()) await turns.next()
      const { page } = read(() => fillPage(range(query), query.limit))
      // To find none is work too.
      turns.note(Math.max(1, page.items.length))
      return page
    },
    write: async (write) => {
      const reply = await writer.request({ kind: 'write', write })
      invariant(reply.kind === 'written', 'a write is answered as a write')
      return reply.outcome
    },
    transact: async (writes) => {
      const reply = await writer.request({ kind: 'transact', writes })
      invariant(reply.kind === 'transacted', 'a transaction is answered as a transaction')
      return reply.outcome
    },
    close: async () => {
      reader.close()
      await writer.close()
    },
  }
}

/**
 * Nearly all that the writer allocates is garbage at once. A small young generation is collected in well under a
 * millisecond, where all tenants' commits would wait 10 ms for a large one.
 */
const writerYoungMebibytes = 1

/** A group is bounded so that its first writer does not wait for a thousand others. */
const groupRequestsMax = 512

interface Waiting {
  readonly request: Request
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: Error) => void
}

const createWriter = (worker: Worker) => {
  const queue: Waiting[] = []
  let group: Waiting[] = []
  let stopped: StorageError | undefined
  let idle = Promise.withResolvers<void>()
  idle.resolve()

  const sendGroup = (): void => {
    if (group.length > 0 || queue.length === 0) return
    group = queue.splice(0, groupRequestsMax)
    const bytes = encodeRequests(group.map(({ request }) => request))
    worker.postMessage(bytes, [bytes.buffer])
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

  const stop = (cause: unknown): void => {
    stopped ??= new StorageError('none', 'the table is closed', { cause })
    for (const { reject } of group.splice(0)) {
      reject(new StorageError('unknown', 'the writer of the table ended before it answered', { cause }))
    }
    for (const { reject } of queue.splice(0)) reject(stopped)
    idle.resolve()
  }

  worker.on('message', settleGroup)
  worker.on('error', stop)
  worker.on('exit', () => stop(undefined))

  return {
    request,
    close: async () => {
      stopped ??= new StorageError('none', 'the table is closed')
      await idle.promise
      await new Promise<void>((resolve) => {
        if (worker.threadId === -1) resolve()
        worker.once('exit', () => resolve())
        worker.postMessage(close)
      })
    },
  }
}

const settle = ({ resolve, reject }: Waiting, reply: Reply | undefined): void => {
  if (reply === undefined) reject(new Error('broken invariant: every request of a group is answered'))
  else if (reply.kind === 'mistake') reject(new Error(reply.message))
  else if (reply.kind === 'failed') reject(new StorageError(reply.effect, `the table: ${reply.message}`))
  else resolve(reply)
}

/** The writer's first message says that the file is open; its error is why it is not. */
const started = (worker: Worker): Promise<void> =>
  new Promise((resolve, reject) => {
    worker.once('error', reject)
    worker.once('message', () => {
      worker.off('error', reject)
      resolve()
    })
  })

const itemsPerTurn = 16

/**
 * SQLite answers at once: whoever reads item after item would keep the thread until the last of them, and every request
 * would wait. After so many the next reader waits until others had their turn.
 */
const createTurns = () => {
  let items = 0
  return {
    isOver: (): boolean => items >= itemsPerTurn,
    async next(): Promise<void> {
      await new Promise((resolve) => setImmediate(resolve))
      items = 0
    },
    note(count: number): void {
      items += count
    },
  }
}

/** Any BLOB is above any TEXT. */
const aboveAllText = new Uint8Array(0)

const createRange = (reader: DatabaseSync) => {
  const select = (order: string) =>
    reader.prepare(`SELECT sk, attributes FROM item WHERE pk = ? AND sk >= ? AND sk < ? ORDER BY sk ${order}`)
  const ascending = select('ASC')
  const descending = select('DESC')

  return function* (query: Query): Generator<SizedItem> {
    const bounds = sortKeyRange(query)
    if (bounds === undefined) return
    const statement = query.descending ? descending : ascending
    for (const row of statement.iterate(query.pk, bounds.low, bounds.high ?? aboveAllText)) {
      const key = { pk: query.pk, sk: String(row.sk) }
      const attributes = decodeAttributes(row.attributes)
      yield { item: { key, attributes }, bytes: itemBytes(key, attributes) }
    }
  }
}

const read = <Value>(operation: () => Value): Value => {
  try {
    return operation()
  } catch (error) {
    if (!isSqliteError(error)) throw error
    throw new StorageError('none', `the table: ${error.message}`, { cause: error })
  }
}

/** ERR_INVALID_STATE: the table is closed. */
const isSqliteError = (error: unknown): error is Error =>
  codeOf(error) === 'ERR_SQLITE_ERROR' || codeOf(error) === 'ERR_INVALID_STATE'
