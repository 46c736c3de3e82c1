// The compactor's clockwork in a long-running process: a pass each interval, at once again where there was
// more to do than there was time, and with it, less often, a collection. Passes never overlap. A pass that
// fails is reported and the next one comes in its turn.

import type { Clock } from '../ports/world.ts'
import type { CompactionRequest } from '../service/compaction.ts'

export interface CompactionTimerDeps {
  readonly compaction: {
    run(request: CompactionRequest): Promise<{ readonly unfinished: boolean }>
  }
  readonly clock: Clock
  /** Aborted: the pass under way ends at its next clean point and no other begins. */
  readonly stopping: AbortSignal
  readonly reportFailure: (error: unknown) => void
}

export interface CompactionIntervals {
  /** 0: no passes at all. */
  readonly passMs: number
  readonly collectMs: number
}

/** Resolves when it has stopped. */
export async function runCompactionTimer(
  { compaction, clock, stopping, reportFailure }: CompactionTimerDeps,
  { passMs, collectMs }: CompactionIntervals,
): Promise<void> {
  if (passMs === 0) return
  let collectAtMs = 0
  let isUnfinished = false
  for (;;) {
    if (!isUnfinished) await clock.sleep(passMs, stopping)
    if (stopping.aborted) return
    const collect = clock.now() >= collectAtMs
    if (collect) collectAtMs = clock.now() + collectMs
    try {
      const { unfinished } = await compaction.run({ collect, dryRun: false })
      isUnfinished = unfinished
    } catch (error) {
      isUnfinished = false
      reportFailure(error)
    }
  }
}
