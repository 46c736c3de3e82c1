// The compactors of one machine: one for each cluster, made when it is first asked for or has its turn, and one
// clockwork that gives them their turns one after the other.

import type { LogDeps } from '../log/deps.ts'
import { createScope } from '../metadata/scope.ts'
import { type Compaction, createCompaction } from '../service/compaction.ts'
import { createCompactor, defaultCompactionSettings, offsetMapEntriesOf } from '../service/compactor.ts'
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
const collectIntervalMs = 10 * 60_000

export type CompactionConfig = Pick<LocalConfig, 'compactionIntervalMs' | 'dedupeBufferBytes'>

/** `clusterIds` is asked each time: clusters come and go. */
export function startCompactions(
  deps: Omit<LogDeps, 'scope'>,
  clusterIds: () => Promise<readonly string[]>,
  { compactionIntervalMs, dedupeBufferBytes }: CompactionConfig,
): LocalCompactions {
  const stopping = new AbortController()
  const settings = {
    ...defaultCompactionSettings,
    offsetMapEntriesMax: offsetMapEntriesOf(dedupeBufferBytes),
  }
  const compactions = new Map<string, Compaction>()

  const of = (clusterId: string): Compaction => {
    const known = compactions.get(clusterId)
    if (known !== undefined) return known
    const ports = { ...deps, scope: createScope(clusterId), stopping: stopping.signal }
    const compaction = createCompaction(createCompactor(ports, settings), deps.clock, passMsMax)
    compactions.set(clusterId, compaction)
    return compaction
  }
  const reportFailure = (error: unknown) => logFailure('compaction failed', error)

  const everyCluster = {
    async run(request: Parameters<Compaction['run']>[0]) {
      let unfinished = false
      for (const clusterId of await clusterIds()) {
        if (stopping.signal.aborted) break
        // One that fails does not stop the others.
        const run = await of(clusterId).run(request).catch(reportFailure)
        unfinished ||= run?.unfinished ?? false
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
      await timer
      await Promise.all(Array.from(compactions.values(), (compaction) => compaction.idle()))
    },
  }
}
