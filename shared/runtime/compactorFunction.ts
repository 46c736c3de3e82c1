// The compactor as a function: the schedule's event plans, and hands each partition that is due to an invocation with
// an event of its own. Refuses other events, and a function that has not the time for any work.

import type { CompactionReport, PartitionWorker } from '../compaction/deps.ts'
import type { LogDeps } from '../log/deps.ts'
import { beforeCollection } from '../service/compaction.ts'
import { createCompactor, defaultCompactionSettings } from '../service/compactor.ts'
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

/** `tell` hears after each invocation what was done since the process started. */
export function createCompactorFunction(
  deps: LogDeps,
  worker: PartitionWorker,
  tell: (report: CompactionReport) => void = () => {},
): CompactorFunction {
  const compactor = createCompactor(deps, { ...defaultCompactionSettings, partitionsAtOnce }, worker)
  // A collection lists the bucket, so not in every pass. Only this environment's memory knows of the last one: a fresh
  // one collects once more than needed, which costs a listing, where an item in the table would cost every pass a read.
  let collectAtMs = 0

  const collect = async (deadlineMs: number): Promise<number> => {
    collectAtMs = deps.clock.now() + collectIntervalMs
    const { names, unreadable } = await compactor.collect({ deadlineMs, dryRun: false })
    for (const { name, reason } of unreadable) {
      deps.reportBackgroundFailure(new Error(`the object ${name} cannot be read: ${reason}`))
    }
    return names.length
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
    if (parsed.kind === 'partition') return compactor.work(parsed, Math.min(deadlineMs, parsed.deadlineMs))
    const now = deps.clock.now()
    const collects = now >= collectAtMs
    const outcome = await compactor.run({
      deadlineMs: collects ? beforeCollection(now, deadlineMs) : deadlineMs,
    })
    return { ...outcome, collected: collects ? await collect(deadlineMs) : 0 }
  }

  return (event, context) => handle(event, context).finally(() => tell(compactor.report))
}
