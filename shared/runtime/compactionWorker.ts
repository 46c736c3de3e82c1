// The thread of the local server that compacts: merging and compacting by key are much work and much garbage, for which
// no request is to wait. Each message is a partition's turn; what was done is told while the turn goes on, and when it
// ends.

import { parentPort, workerData } from 'node:worker_threads'
import { invariant } from '../base/errors.ts'
import { type CompactionReport, newCompactionReport, takeReport } from '../compaction/deps.ts'
import { createScope } from '../metadata/scope.ts'
import { type Compactor, createCompactor } from '../service/compactor.ts'
import { openConnectedStorage } from '../storage/embedded/open.ts'
import { stop, type ThreadData, type TurnEnd, type TurnNews, type TurnOrder } from './compactionProtocol.ts'
import { createLocalDeps } from './localDeps.ts'

const port = parentPort
invariant(port !== null, 'the thread that compacts runs as a worker')
const { connection, settings }: ThreadData = workerData
const newsIntervalMs = 250
const storage = await openConnectedStorage(connection)
const deps = createLocalDeps(storage)
const stopping = new AbortController()
const underWay = new Set<Promise<void>>()

void storage.ended.then((how) => {
  // Ends this thread, and the next turn begins another.
  if (!stopping.signal.aborted) throw how
})

port.on('message', (message: TurnOrder | typeof stop) => {
  if (message !== stop) {
    const turn = giveTurn(message).finally(() => underWay.delete(turn))
    underWay.add(turn)
    return
  }
  stopping.abort()
  void Promise.all(underWay)
    .then(() => storage.close())
    .then(() => port.close())
})

interface Running {
  readonly clusterId: string
  readonly compactor: Compactor
  readonly report: CompactionReport
}

let latest: Running | undefined

/** Clusters have their turns one after the other: what was read of the one before is of no more use. */
function compactorOf(clusterId: string): Running {
  if (latest?.clusterId === clusterId) return latest
  const report = newCompactionReport()
  const scoped = { ...deps, scope: createScope(clusterId), stopping: stopping.signal }
  latest = { clusterId, compactor: createCompactor(scoped, settings, undefined, report), report }
  return latest
}

async function giveTurn({ id, clusterId, deadlineMs, isAskedFor, ...name }: TurnOrder): Promise<void> {
  const { compactor, report } = compactorOf(clusterId)
  const tell = (end: TurnEnd | undefined) => {
    const news: TurnNews = { id, report: takeReport(report), end }
    port?.postMessage(news)
  }
  const ended = new AbortController()
  const telling = tellNews(() => tell(undefined), ended.signal)
  const end = await endOf(compactor.work(name, deadlineMs, isAskedFor))
  ended.abort()
  await telling
  tell(end)
}

async function tellNews(tell: () => void, ended: AbortSignal): Promise<void> {
  for (;;) {
    await deps.clock.sleep(newsIntervalMs, ended)
    if (ended.aborted) return
    tell()
  }
}

const endOf = (turn: ReturnType<Compactor['work']>): Promise<TurnEnd> =>
  turn.then(
    (outcome) => ({ kind: 'done', outcome }),
    (error: unknown) => ({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }),
  )
