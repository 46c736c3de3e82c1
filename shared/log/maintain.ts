// Carries out what planSpill decides. Any number of writers may do it at once, and any of them may stop anywhere: the
// next one that meets a long tail does the same again.

import { retryRepeatable } from '../base/retry.ts'
import { parseSequencer } from '../metadata/sequencer.ts'
import type { LogDeps } from './deps.ts'
import { planEvictions, planSpill } from './planSpill.ts'

export async function maintainSequencer(deps: LogDeps, topicId: string, group: number): Promise<void> {
  const target = { scope: deps.scope, topicId, group }
  const item = await retryRepeatable(deps, () => deps.table.get(deps.scope.sequencer(topicId, group)))
  if (!item) return
  const sequencer = parseSequencer(item)
  const spill = planSpill(target, sequencer)
  if (spill) {
    await Promise.all(spill.items.map((write) => retryRepeatable(deps, () => deps.table.write(write))))
    await retryRepeatable(deps, () => deps.table.write(spill.sequencer))
  }
  for (const eviction of planEvictions(target, sequencer)) {
    await retryRepeatable(deps, () => deps.table.transact(eviction))
  }
}
