// The compactor as a function: the schedule's event plans for every cluster of the deployment, one after the other, and
// hands each partition that is due to an invocation with an event of its own. What is left of deleted clusters goes,
// too. Refuses other events, and a function that has not the time for any work.

import type { ObjectCounts } from '../compaction/countObjects.ts'
import type { CompactionReport, PartitionWorker } from '../compaction/deps.ts'
import { createScope } from '../metadata/scope.ts'
import { beforeCollection } from '../service/compaction.ts'
import { type Compactor, createCompactor, defaultCompactionSettings } from '../service/compactor.ts'
import { createCollections } from './collections.ts'
import { createCompactionReports } from './compactionReports.ts'
import { parseCompactorEvent } from './compactorEvent.ts'
import { createPlanner, type Planned, type PlannerDeps } from './compactorPlanner.ts'

export interface InvocationContext {
  getRemainingTimeInMillis(): number
}

export type CompactorFunction = (event: unknown, context: InvocationContext) => Promise<unknown>

/** A clean point is at most a segment away: a worker has this long for it, and for its answer. */
export const workerGraceMs = 45_000

/** The planner waits so long for its workers, then writes down when to look again. */
const marginMs = workerGraceMs + 15_000

/** Each in an environment of its own, so that memory is no bound; enough to get on, few of an account's thousand. */
const partitionsAtOnce = 16

/** `counts`: of a collection in this invocation, where there was one and the time to count. */
export type TellCompaction = (report: CompactionReport, counts: ObjectCounts | undefined) => void

export interface CompactorFunctionDeps extends PlannerDeps {
  /** In another environment. */
  readonly workerOf: (clusterId: string) => PartitionWorker
}

/** `tell` hears after each invocation what was done since the process started, in all clusters. */
export function createCompactorFunction(
  deps: CompactorFunctionDeps,
  tell: TellCompaction = () => {},
): CompactorFunction {
  const reports = createCompactionReports()
  const settings = { ...defaultCompactionSettings, partitionsAtOnce }
  const compactorOf = (clusterId: string): Compactor => {
    const scoped = { ...deps, scope: createScope(clusterId) }
    return createCompactor(scoped, settings, deps.workerOf(clusterId), reports.of(clusterId))
  }
  const collections = createCollections(deps)

  const plan = async (clusterId: string, deadlineMs: number): Promise<Planned> => {
    const compactor = compactorOf(clusterId)
    const now = deps.clock.now()
    const collects = collections.isDue(clusterId)
    const outcome = await compactor.run({
      deadlineMs: collects ? beforeCollection(now, deadlineMs) : deadlineMs,
    })
    const collected = collects ? await collections.collect(clusterId, compactor, deadlineMs) : 0
    return { ...outcome, collected }
  }

  const planAll = createPlanner(deps, plan)

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
    const { clusterId, isAskedFor } = parsed
    return compactorOf(clusterId).work(parsed, Math.min(deadlineMs, parsed.deadlineMs), isAskedFor)
  }

  return (event, context) => {
    collections.begin()
    return handle(event, context).finally(() => tell(reports.take(), collections.counts()))
  }
}
