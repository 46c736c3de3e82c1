// Carries out what planSpill decides. Any number of writers may do it at once, and any of them may stop anywhere: the
// next one that meets a long tail does the same again.

import { groupOf, parseSequencer } from '../metadata/sequencer.ts'
import { workWrite } from '../metadata/workItem.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { LogDeps } from './deps.ts'
import { planEvictions, planSpill } from './planSpill.ts'

/** `everything`: the whole tail is spilled, for the compactor. */
export async function maintainSequencer(
  deps: LogDeps,
  topicId: string,
  group: number,
  everything = false,
): Promise<void> {
  const target = { scope: deps.scope, topicId, group }
  const item = await retryRepeatable(deps, () => deps.table.get(deps.scope.sequencer(topicId, group)))
  if (!item) return
  const sequencer = parseSequencer(item)
  const spill = planSpill(target, sequencer, everything)
  if (spill) {
    await markWork(deps, topicId, group)
    await Promise.all(spill.items.map((write) => retryRepeatable(deps, () => deps.table.write(write))))
    await retryRepeatable(deps, () => deps.table.write(spill.sequencer))
  }
  for (const eviction of planEvictions(target, sequencer)) {
    await retryRepeatable(deps, () => deps.table.transact(eviction))
  }
}

/**
 * Tells the compactor that a sequencer has something for it: with the first commit to an empty tail and with each
 * spill, so that its planner looks only at what was written to. Counts, so that a mark made while it works is not lost.
 */
export async function markWork(deps: LogDeps, topicId: string, group: number): Promise<void> {
  const write = workWrite(deps.scope.work(topicId, group, 0))
  await retryRepeatable(deps, () => deps.table.write(write))
}

/** The same for one partition of which the log start has moved, whether or not there is something to merge. */
export async function markPartition(deps: LogDeps, topicId: string, partition: number): Promise<void> {
  const dueMs = 1
  const partitions = new Map([[partition, dueMs]])
  const write = workWrite(deps.scope.work(topicId, groupOf(partition), dueMs), { partitions })
  await retryRepeatable(deps, () => deps.table.write(write))
}
