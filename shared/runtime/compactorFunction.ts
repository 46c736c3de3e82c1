// The compactor as a function: the schedule's event plans for every cluster of the deployment, one after the other, and
// hands each partition that is due to an invocation with an event of its own. What is left of deleted clusters goes, too.
// Refuses other events, and a function that has not the time for any work.

import type { ObjectCounts } from '../compaction/countObjects.ts'
import { type CompactionReport, newCompactionReport, type PartitionWorker } from '../compaction/deps.ts'
import { asOnlyPlanner } from '../compaction/plannerLease.ts'
import type { LogDeps } from '../log/deps.ts'
import type { ClusterItem } from '../metadata/clusterItem.ts'
import { createScope } from '../metadata/scope.ts'
import { beforeCollection } from '../service/compaction.ts'
import { type Compactor, createCompactor, defaultCompactionSettings } from '../service/compactor.ts'
import type { ClusterRegistry } from '../tenants/clusters.ts'
import { eraseCluster } from '../tenants/eraseCluster.ts'
import { parseCompactorEvent } from './compactorEvent.ts'

export interface InvocationContext {
  getRemainingTimeInMillis(): number
}

export type CompactorFunction = (event: unknown, context: InvocationContext) => Promise<unknown>

/** A clean point is at most a segment away: a worker has this long for it, and for its answer. */
export const workerGraceMs = 45_000

/** The planner waits so long for its workers, then writes down when to look again. */
const marginMs = workerGraceMs + 15_000

const collectIntervalMs = 10 * 60_000

/** Each in an environment of its own, so that memory is no bound; enough to get on, few of an account's thousand. */
const partitionsAtOnce = 16

/** `counts`: of a collection in this invocation, where there was one and the time to count. */
export type TellCompaction = (report: CompactionReport, counts: ObjectCounts | undefined) => void

/** A cluster with work has at least this long: the start of a worker, and some segments. */
const turnMsMin = 60_000

export interface CompactorFunctionDeps extends Omit<LogDeps, 'scope'> {
  readonly clusters: Pick<ClusterRegistry, 'list' | 'remove'>
  /** In another environment. */
  readonly workerOf: (clusterId: string) => PartitionWorker
}

interface Planned {
  readonly sequencers: number
  readonly unfinished: boolean
  readonly collected: number
}

/** `tell` hears after each invocation what was done since the process started. */
export function createCompactorFunction(
  deps: CompactorFunctionDeps,
  tell: TellCompaction = () => {},
): CompactorFunction {
  const report = newCompactionReport()
  const settings = { ...defaultCompactionSettings, partitionsAtOnce }
  const compactorOf = (clusterId: string): Compactor =>
    createCompactor({ ...deps, scope: createScope(clusterId) }, settings, deps.workerOf(clusterId), report)
  const collections = createCollections(deps)

  const plan = async (cluster: ClusterItem, deadlineMs: number): Promise<Planned> => {
    const { clusterId } = cluster
    const compactor = compactorOf(clusterId)
    const now = deps.clock.now()
    const collects = collections.isDue(clusterId)
    const outcome = await compactor.run({
      deadlineMs: collects ? beforeCollection(now, deadlineMs) : deadlineMs,
    })
    const collected = collects ? await collections.collect(clusterId, compactor, deadlineMs) : 0
    return { ...outcome, collected }
  }

  /** undefined: another planner is at it. */
  const turn = async (cluster: ClusterItem, deadlineMs: number, livesMs: number) => {
    const isOver = () => deps.clock.now() >= deadlineMs
    if (cluster.state === 'DELETING') {
      await eraseCluster(deps, cluster, isOver)
      return nothingPlanned
    }
    const scoped = { ...deps, scope: createScope(cluster.clusterId) }
    return asOnlyPlanner(scoped, livesMs, () => plan(cluster, deadlineMs))
  }

  /** Each has its share of the time that is left; who is first is left to chance. One that fails stops no other. */
  const planAll = async (deadlineMs: number, livesMs: number) => {
    const clusters = rotated(await deps.clusters.list(), deps.random.float())
    const endsMs = deps.clock.now() + livesMs
    const outcomes: (Planned | undefined)[] = []
    for (const [index, cluster] of clusters.entries()) {
      const nowMs = deps.clock.now()
      if (nowMs >= deadlineMs) break
      const shareMs = Math.max(turnMsMin, (deadlineMs - nowMs) / (clusters.length - index))
      try {
        outcomes.push(await turn(cluster, Math.min(deadlineMs, nowMs + shareMs), endsMs - nowMs))
      } catch (cause) {
        const message = cause instanceof Error ? cause.message : String(cause)
        deps.reportBackgroundFailure(new Error(`cluster ${cluster.clusterId}: ${message}`, { cause }))
        outcomes.push({ ...nothingPlanned, unfinished: true })
      }
    }
    return summed(outcomes, clusters.length)
  }

  const handle: CompactorFunction = async (event, context) => {
    const parsed = parseCompactorEvent(event)
    const remainingMs = context.getRemainingTimeInMillis()
    if (remainingMs <= marginMs) {
      throw new Error(
        `${remainingMs} ms are left, and the compactor needs over ${marginMs}: raise its timeout`,
      )
    }
    const deadlineMs = deps.clock.now() + remainingMs - marginMs
    if (parsed.kind === 'schedule') return planAll(deadlineMs, remainingMs)
    return compactorOf(parsed.clusterId).work(parsed, Math.min(deadlineMs, parsed.deadlineMs))
  }

  return (event, context) => {
    collections.begin()
    return handle(event, context).finally(() => tell(report, collections.counts()))
  }
}

const nothingPlanned: Planned = { sequencers: 0, unfinished: false, collected: 0 }

function rotated<T>(all: readonly T[], chance: number): readonly T[] {
  const first = Math.floor(chance * all.length)
  return [...all.slice(first), ...all.slice(0, first)]
}

function summed(outcomes: readonly (Planned | undefined)[], clusterCount: number) {
  const planned = outcomes.filter((outcome) => outcome !== undefined)
  if (planned.length === 0 && outcomes.length > 0) return { isPlannedByAnother: true }
  const sum = (pick: (outcome: Planned) => number) => planned.reduce((total, one) => total + pick(one), 0)
  return {
    sequencers: sum(({ sequencers }) => sequencers),
    unfinished: planned.some(({ unfinished }) => unfinished) || outcomes.length < clusterCount,
    collected: sum(({ collected }) => collected),
  }
}

/**
 * A collection lists the bucket, so not in every pass. Only this environment's memory knows of the last one: a fresh one
 * collects once more than needed, which costs a listing, where an item in the table would cost every pass a read.
 */
function createCollections(deps: Pick<LogDeps, 'clock' | 'reportBackgroundFailure'>) {
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
