// Once in an hour, what a tenant keeps, topic by topic: a level, from which storage-hours follow. Whichever process
// collects in that hour takes the sample; two that take it at once write the same.

import type { CompactionDeps } from '../compaction/deps.ts'
import { retainedBytes } from '../compaction/retainedBytes.ts'
import { hourAt, type UsageRow, usageAttributes, valuesOf } from '../metadata/usageItem.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { Catalog } from '../topics/catalog.ts'

/** Stands where others have the name of their process. */
const sampler = 'retained'

export async function sampleRetained(
  deps: CompactionDeps,
  catalog: Catalog,
  deadlineMs: number,
): Promise<void> {
  const hour = hourAt(deps.clock.now())
  const { table, scope } = deps
  const key = scope.usage(hour, sampler, 0)
  if (await retryRepeatable(deps, () => table.get(key))) return
  const rows: UsageRow[] = []
  for (const topic of await catalog.list()) {
    const bytes = await retainedBytes(deps, topic, deadlineMs)
    if (bytes === undefined && (await catalog.get(topic.name)) !== undefined) return
    if (!bytes) continue
    const values = valuesOf((name) => (name === 'retained_bytes' ? bytes : 0))
    rows.push({ topic: topic.name, principal: '', values })
  }
  for (let part = Math.floor(Math.max(0, rows.length - 1) / rowsPerPart); part >= 0; part--) {
    const some = rows.slice(part * rowsPerPart, (part + 1) * rowsPerPart)
    const put = {
      kind: 'put',
      key: scope.usage(hour, sampler, part),
      attributes: usageAttributes(some, 1),
    } as const
    // The first part last: where it is, the sample is whole.
    await retryRepeatable(deps, () => table.write(put))
  }
}

const rowsPerPart = 1000
