// The thread that compacts (compactionWorker.ts), as it looks from the one that answers requests. It begins with the
// first turn; one that ends before its time fails the turns under way, and the next turn begins another.

import { Worker } from 'node:worker_threads'
import {
  addReport,
  type CompactionReport,
  type CompactionSettings,
  type PartitionOutcome,
  type PartitionWorker,
} from '../compaction/deps.ts'
import type { Connection } from '../storage/embedded/open.ts'
import { threadEnd } from '../storage/embedded/threadEnd.ts'
import { stop, type ThreadData, type TurnNews, type TurnOrder } from './compactionProtocol.ts'

export interface PartitionWorkers {
  /** `report`: where what is done is added. */
  of(clusterId: string, report: CompactionReport): PartitionWorker
  /** Turns under way end at their next clean point; resolves when they have. */
  stop(): Promise<void>
}

export type StartPartitionWorkers = (settings: CompactionSettings) => PartitionWorkers

export const createCompactionThread =
  (connect: () => Connection): StartPartitionWorkers =>
  (settings) => {
    let thread: Thread | undefined
    let ids = 0
    const running = (): Thread => {
      if (thread === undefined || thread.hasEnded()) thread = startThread({ connection: connect(), settings })
      return thread
    }
    return {
      of:
        (clusterId, report) =>
        ({ topicName, topicId, partition }, deadlineMs, isAskedFor) => {
          ids += 1
          const name = { topicName, topicId, partition }
          return running().turn({ id: ids, clusterId, ...name, deadlineMs, isAskedFor }, report)
        },
      stop: async () => thread?.stop(),
    }
  }

interface Thread {
  turn(order: TurnOrder, report: CompactionReport): Promise<PartitionOutcome>
  hasEnded(): boolean
  stop(): Promise<void>
}

interface Waiting {
  readonly report: CompactionReport
  readonly resolve: (outcome: PartitionOutcome) => void
  readonly reject: (error: Error) => void
}

function startThread(data: ThreadData): Thread {
  const worker = new Worker(new URL('./compactionWorker.ts', import.meta.url), {
    workerData: data,
    transferList: [data.connection.tablePort],
    // The flags that this process was started with are no concern of the thread's.
    execArgv: [],
  })
  const waiting = new Map<number, Waiting>()
  const ended = threadEnd(worker, 'the thread that compacts')
  let hasEnded = false
  void ended.then((how) => {
    hasEnded = true
    for (const { reject } of waiting.values()) reject(how)
  })
  worker.on('message', ({ id, report, end }: TurnNews) => {
    const turn = waiting.get(id)
    if (turn) addReport(turn.report, report)
    if (end === undefined) return
    waiting.delete(id)
    if (end.kind === 'done') turn?.resolve(end.outcome)
    else turn?.reject(new Error(end.message))
  })

  return {
    turn: (order, report) =>
      new Promise((resolve, reject) => {
        waiting.set(order.id, { report, resolve, reject })
        worker.postMessage(order)
      }),
    hasEnded: () => hasEnded,
    stop: async () => {
      worker.postMessage(stop)
      await ended
    },
  }
}
