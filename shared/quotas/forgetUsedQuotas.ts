// Deletes what says no more than its absence would: items of entities that have used nothing for an hour and owe
// nothing. Clients name themselves, so there is no end of such entities. Any number of processes may do it at once.

import { createLimiter } from '../base/concurrency.ts'
import type { Scope } from '../metadata/scope.ts'
import { queryEach } from '../ports/queryAll.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { Item, Table } from '../ports/table.ts'
import type { Clock, Random } from '../ports/world.ts'
import { isUnneeded } from './usedQuotaItem.ts'

export interface UsedQuotasDeps {
  readonly table: Table
  readonly clock: Clock
  readonly random: Random
  readonly scope: Pick<Scope, 'usedQuotasPk'>
}

/** More than clocks differ by. */
const keptMs = 3_600_000
/** Twice what one process makes in an hour, see counters.ts. */
const lookedAtMax = 2000
const deletesAtOnce = 16

/** Some of them: from a place of its own each time, so that processes share the work and no item is passed over. */
export async function forgetUsedQuotas(deps: UsedQuotasDeps): Promise<void> {
  const sinceMs = deps.clock.now() - keptMs
  const limit = createLimiter(deletesAtOnce)
  const items = await someItems(deps)
  const unneeded = items.filter(({ attributes }) => isUnneeded(attributes, sinceMs))
  await Promise.all(unneeded.map((item) => limit(() => forget(deps, item))))
}

async function someItems(deps: UsedQuotasDeps): Promise<readonly Item[]> {
  const pk = deps.scope.usedQuotasPk
  // Sort keys are hashes in base64url: any place is as good.
  const place = Buffer.from(deps.random.bytes(9)).toString('base64url')
  const items: Item[] = []
  for (const range of [{ from: place }, { to: place }]) {
    for await (const item of queryEach(deps, { pk, ...range })) {
      items.push(item)
      if (items.length === lookedAtMax) return items
    }
  }
  return items
}

/** What was written since it was read stays. */
async function forget(deps: UsedQuotasDeps, { key, attributes }: Item): Promise<void> {
  const unwritten = { kind: 'equals', attribute: 'at', value: Number(attributes.at) } as const
  await retryRepeatable(deps, () => deps.table.write({ kind: 'delete', key, when: [unwritten] }))
}
