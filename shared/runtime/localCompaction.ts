// The compactors of one machine: one for each cluster, made when it is first asked for or has its turn, and one
// clockwork that gives them their turns one after the other. Where there are several, turns are short, so that nobody's
// backlog keeps the others waiting; while somebody has more to do, the next round follows at once. Here is planned and
// collected; partitions are worked on in a thread of their own.

import { newCompactionReport } from '../compaction/deps.ts'
import type { LogDeps } from '../log/deps.ts'
import type { ClusterItem } from '../metadata/clusterItem.ts'
import { createScope } from '../metadata/scope.ts'
import { type Compaction, type CompactionRequest, createCompaction } from '../service/compaction.ts'
import { createCompactor, defaultCompactionSettings, offsetMapEntriesOf } from '../service/compactor.ts'
import { createClusterRegistry } from '../tenants/clusters.ts'
import { eraseCluster } from '../tenants/eraseCluster.ts'
import type { StartPartitionWorkers } from './compactionThread.ts'
import { runCompactionTimer } from './compactionTimer.ts'
import type { LocalConfig } from './config.ts'
import { logFailure } from './logger.ts'

export interface LocalCompactions {
  of(clusterId: string): Compaction
  /** Passes under way end at their next clean point; resolves when they have. */
  stop(): Promise<void>
}

/** Long enough to get on, short enough for a request that waits for the pass before it. */
const passMsMax = 120_000
/** Where others wait. What a turn has begun to read it may read again in the next one, so it is not shorter still. */
const turnMsMax = 10_000
const collectIntervalMs = 10 * 60_000

export type CompactionConfig = Pick<LocalConfig, 'compactionIntervalMs' | 'dedupeBufferBytes'>

type ClusterState = Pick<ClusterItem, 'clusterId' | 'state' | 'deletedMs'>

export interface LocalCompactionDeps extends Omit<LogDeps, 'scope'> {
  /** Absent: partitions are worked on here. */
  readonly startPartitionWorkers?: StartPartitionWorkers
}

/** `listClusters` is asked each time: clusters come and go. */
export function startCompactions(
  deps: LocalCompactionDeps,
  listClusters: () => Promise<readonly ClusterState[]>,
  { compactionIntervalMs, dedupeBufferBytes }: CompactionConfig,
): LocalCompactions {
  const stopping = new AbortController()
  const offsetMapEntriesMax = offsetMapEntriesOf(dedupeBufferBytes)
  const settings = { ...defaultCompactionSettings, offsetMapEntriesMax }
  const workers = deps.startPartitionWorkers?.(settings)
  const compactions = new Map<string, Compaction>()

  const of = (clusterId: string): Compaction => {
    const known = compactions.get(clusterId)
    if (known !== undefined) return known
    const report = newCompactionReport()
    const worker = workers?.of(clusterId, report)
    const scoped = { ...deps, scope: createScope(clusterId), stopping: stopping.signal }
    const compactor = createCompactor(scoped, settings, worker, report)
    const compaction = createCompaction(compactor, deps.clock, passMsMax)
    compactions.set(clusterId, compaction)
    return compaction
  }

  const turn = async (cluster: ClusterState, request: CompactionRequest, msMax: number): Promise<boolean> => {
    if (cluster.state !== 'DELETING') {
      return (await of(cluster.clusterId).run({ ...request, passMsMax: msMax })).unfinished
    }
    const erased = await eraseFor(deps, cluster, msMax, stopping.signal)
    if (erased.isErased) compactions.delete(cluster.clusterId)
    return erased.unfinished
  }
  const everyCluster = {
    async run(request: CompactionRequest) {
      let unfinished = false
      const listed = await listClusters()
      const msMax = listed.length > 1 ? turnMsMax : passMsMax
      for (const cluster of listed) {
        if (stopping.signal.aborted) break
        // One that fails does not stop the others.
        const more = await turn(cluster, request, msMax).catch(reportFailure)
        unfinished ||= more ?? false
      }
      return { unfinished }
    },
  }
  const timer = runCompactionTimer(
    { compaction: everyCluster, clock: deps.clock, stopping: stopping.signal, reportFailure },
    { passMs: compactionIntervalMs, collectMs: collectIntervalMs },
  )
  return {
    of,
    async stop() {
      stopping.abort()
      await workers?.stop()
      await timer
      await Promise.all(Array.from(compactions.values(), (compaction) => compaction.idle()))
    },
  }
}

const reportFailure = (error: unknown) => logFailure('compaction failed', error)

/** `unfinished`: the time was over before there was nothing left. */
async function eraseFor(
  deps: LocalCompactionDeps,
  cluster: ClusterState,
  msMax: number,
  stopping: AbortSignal,
): Promise<{ readonly isErased: boolean; readonly unfinished: boolean }> {
  const endsAtMs = deps.clock.now() + msMax
  const isOver = () => stopping.aborted || deps.clock.now() >= endsAtMs
  const isErased = await eraseCluster({ ...deps, clusters: createClusterRegistry(deps) }, cluster, isOver)
  return { isErased, unfinished: !isErased && isOver() }
}
