// The planner of all clusters of a deployment: each has its share of the time, under a lease of its own, and what is
// left of deleted ones goes.

import { asOnlyPlanner } from '../compaction/plannerLease.ts'
import type { LogDeps } from '../log/deps.ts'
import type { ClusterItem } from '../metadata/clusterItem.ts'
import { createScope } from '../metadata/scope.ts'
import type { ClusterRegistry } from '../tenants/clusters.ts'
import { eraseCluster } from '../tenants/eraseCluster.ts'

/** A cluster with work has at least this long: the start of a worker, and some segments. */
const turnMsMin = 60_000

export interface PlannerDeps extends Omit<LogDeps, 'scope'> {
  readonly clusters: Pick<ClusterRegistry, 'list' | 'remove'>
}

export interface Planned {
  readonly sequencers: number
  readonly unfinished: boolean
  readonly collected: number
}

/** `livesMs`: how long the caller can live. */
export type PlanAll = (
  deadlineMs: number,
  livesMs: number,
) => Promise<Planned | { readonly isPlannedByAnother: true }>

/** Who is first is left to chance, and one that fails stops no other. */
export function createPlanner(
  deps: PlannerDeps,
  plan: (clusterId: string, deadlineMs: number) => Promise<Planned>,
): PlanAll {
  /** undefined: another planner is at it. */
  const turn = async (cluster: ClusterItem, deadlineMs: number, livesMs: number) => {
    if (cluster.state === 'DELETING') {
      await eraseCluster(deps, cluster, () => deps.clock.now() >= deadlineMs)
      return nothingPlanned
    }
    const { clusterId } = cluster
    const scoped = { ...deps, scope: createScope(clusterId) }
    return asOnlyPlanner(scoped, livesMs, () => plan(clusterId, deadlineMs))
  }

  const reported = async (cluster: ClusterItem, deadlineMs: number, livesMs: number) => {
    try {
      return await turn(cluster, deadlineMs, livesMs)
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause)
      deps.reportBackgroundFailure(new Error(`cluster ${cluster.clusterId}: ${message}`, { cause }))
      return { ...nothingPlanned, unfinished: true }
    }
  }

  return async (deadlineMs, livesMs) => {
    const endsMs = deps.clock.now() + livesMs
    const clusters = rotated(await deps.clusters.list(), deps.random.float())
    const outcomes: (Planned | undefined)[] = []
    for (const [index, cluster] of clusters.entries()) {
      const nowMs = deps.clock.now()
      if (nowMs >= deadlineMs) break
      const shareMs = Math.max(turnMsMin, (deadlineMs - nowMs) / (clusters.length - index))
      outcomes.push(await reported(cluster, Math.min(deadlineMs, nowMs + shareMs), endsMs - nowMs))
    }
    return summed(outcomes, clusters.length)
  }
}

const nothingPlanned: Planned = { sequencers: 0, unfinished: false, collected: 0 }

function rotated<T>(all: readonly T[], chance: number): readonly T[] {
  const first = Math.floor(chance * all.length)
  return [...all.slice(first), ...all.slice(0, first)]
}

function summed(outcomes: readonly (Planned | undefined)[], clusterCount: number) {
  const planned = outcomes.filter((outcome) => outcome !== undefined)
  if (planned.length === 0 && outcomes.length > 0) return { isPlannedByAnother: true } as const
  const sum = (pick: (outcome: Planned) => number) => planned.reduce((total, one) => total + pick(one), 0)
  return {
    sequencers: sum(({ sequencers }) => sequencers),
    unfinished: planned.some(({ unfinished }) => unfinished) || outcomes.length < clusterCount,
    collected: sum(({ collected }) => collected),
  }
}
