// When each cluster of a deployment is collected, and what was counted then.

import type { ObjectCounts } from '../compaction/countObjects.ts'
import type { LogDeps } from '../log/deps.ts'
import type { Compactor } from '../service/compactor.ts'

const collectIntervalMs = 10 * 60_000

/**
 * A collection lists the bucket, so not in every pass. Only this environment's memory knows of the last one: a fresh
 * one collects once more than needed, which costs a listing, where an item in the table would cost every pass a read.
 */
export function createCollections(deps: Pick<LogDeps, 'clock' | 'reportBackgroundFailure'>) {
  const dueMs = new Map<string, number>()
  const latest = new Map<string, ObjectCounts>()
  let counted = false
  return {
    begin: () => {
      counted = false
    },
    isDue: (clusterId: string) => deps.clock.now() >= (dueMs.get(clusterId) ?? 0),
    async collect(clusterId: string, compactor: Compactor, deadlineMs: number): Promise<number> {
      dueMs.set(clusterId, deps.clock.now() + collectIntervalMs)
      const { names, unreadable } = await compactor.collect({ deadlineMs, dryRun: false })
      for (const { name, reason } of unreadable) {
        deps.reportBackgroundFailure(new Error(`the object ${name} cannot be read: ${reason}`))
      }
      const counts = await compactor.countObjects(deadlineMs)
      if (counts) latest.set(clusterId, counts)
      counted ||= counts !== undefined
      await compactor.sampleRetained(deadlineMs)
      return names.length
    },
    /** Of all clusters; undefined: this invocation counted none. */
    counts: (): ObjectCounts | undefined => (counted ? addedUp([...latest.values()]) : undefined),
  }
}

function addedUp(all: readonly ObjectCounts[]): ObjectCounts {
  const level = (name: 'flushes' | 'segments') => ({
    objects: all.reduce((sum, counts) => sum + counts[name].objects, 0),
    bytes: all.reduce((sum, counts) => sum + counts[name].bytes, 0),
  })
  return {
    flushes: level('flushes'),
    segments: level('segments'),
    atMs: Math.max(...all.map(({ atMs }) => atMs)),
  }
}
