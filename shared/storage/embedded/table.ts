// The table port on one machine, durable: SQLite, written by one thread (tableWorker.ts) and read by each thread over a
// connection of its own.

import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import type { Table } from '../../ports/table.ts'
import { close } from './tableProtocol.ts'
import { openTableReads } from './tableReads.ts'
import { createTableWriter } from './tableWriter.ts'
import { threadEnd } from './threadEnd.ts'

export interface EmbeddedTable extends Table {
  /** How the writer ended; from then on nothing is written. */
  readonly ended: Promise<Error>
  /** A port to the writer, for another thread. */
  connect(): MessagePort
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
  const end = threadEnd(worker, 'the thread that writes the table')
  const connect = (): MessagePort => {
    const { port1, port2 } = new MessageChannel()
    worker.postMessage(port2, [port2])
    return port1
  }
  const writer = createTableWriter(connect())
  void end.then(writer.end)
  const { get, query, close: closeReads } = openTableReads(file)
  return {
    get,
    query,
    write: writer.write,
    transact: writer.transact,
    connect,
    ended: end,
    close: async () => {
      closeReads()
      await writer.close()
      worker.postMessage(close)
      await end
    },
  }
}

/** The table of a thread that is not the one that opened it; `port`: from there. */
export const openConnectedTable = (
  file: string,
  port: MessagePort,
): Omit<EmbeddedTable, 'connect' | 'ended'> => {
  const { write, transact, close: closeWriter } = createTableWriter(port)
  const { get, query, close: closeReads } = openTableReads(file)
  return {
    get,
    query,
    write,
    transact,
    close: () => {
      closeReads()
      return closeWriter()
    },
  }
}

/**
 * Nearly all that the writer allocates is garbage at once. A small young generation is collected in well under a
 * millisecond, where all tenants' commits would wait 10 ms for a large one.
 */
const writerYoungMebibytes = 1

/** The writer's first message says that the file is open; its error is why it is not. */
const started = (worker: Worker): Promise<void> =>
  new Promise((resolve, reject) => {
    worker.once('error', reject)
    worker.once('message', () => {
      worker.off('error', reject)
      resolve()
    })
  })
