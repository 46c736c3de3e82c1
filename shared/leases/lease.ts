// Leases: one holder at a time for work that only one may do. The epoch grows with each holder, and every write that
// the lease guards carries the epoch as a condition, so a holder that was frozen past its lease changes nothing,
// whatever its clock says. Clocks decide only when a lease may be stolen. Attributes: epoch, owner, until
// (milliseconds).

import type { Scope } from '../metadata/scope.ts'
import { type RetryDeps, retryRepeatable } from '../ports/retry.ts'
import type { Condition, Item, ItemKey, Table, TransactWrite, Write } from '../ports/table.ts'

export interface LeaseDeps extends RetryDeps {
  readonly table: Table
  readonly scope: Scope
}

export interface Lease {
  readonly key: ItemKey
  readonly epoch: number
  readonly owner: string
  readonly untilMs: number
}

/** What a write that the lease guards is made together with. */
export const fence = (lease: Lease): TransactWrite => ({ kind: 'check', key: lease.key, when: held(lease) })

/** undefined: somebody else holds it. `owner` is unique to the caller, so that a lost answer is recognised. */
export async function acquireLease(
  deps: LeaseDeps,
  name: string,
  owner: string,
  ttlMs: number,
): Promise<Lease | undefined> {
  const key = deps.scope.lease(name)
  const current = await retryRepeatable(deps, () => deps.table.get(key))
  const now = deps.clock.now()
  const before = current && parse(key, current)
  if (before && before.owner !== owner && now < before.untilMs) return undefined
  const lease = { key, epoch: (before?.epoch ?? 0) + 1, owner, untilMs: now + ttlMs }
  const when: readonly Condition[] = before ? held(before) : [{ kind: 'itemAbsent' }]
  return writeLease(deps, lease, when)
}

/** undefined: the lease was lost. */
export function renewLease(deps: LeaseDeps, lease: Lease, ttlMs: number): Promise<Lease | undefined> {
  return writeLease(deps, { ...lease, untilMs: deps.clock.now() + ttlMs }, held(lease))
}

/** The item stays, for its epoch: the next holder's must be larger. */
export async function releaseLease(deps: LeaseDeps, lease: Lease): Promise<void> {
  await writeLease(deps, { ...lease, untilMs: 0 }, held(lease))
}

/** For what will never be again: no holder, old or new, gets past a fence whose item is gone. */
export async function dropLease(deps: LeaseDeps, lease: Lease): Promise<void> {
  const { key } = lease
  await retryRepeatable(deps, () => deps.table.write({ kind: 'delete', key, when: held(lease) }))
}

async function writeLease(
  deps: LeaseDeps,
  lease: Lease,
  when: readonly Condition[],
): Promise<Lease | undefined> {
  const { key, epoch, owner, untilMs: until } = lease
  const write: Write = { kind: 'put', key, attributes: { epoch, owner, until }, when }
  const outcome = await retryRepeatable(deps, () => deps.table.write(write))
  if (outcome.ok) return lease
  const current = outcome.current && parse(key, outcome.current)
  return current?.epoch === epoch && current.owner === owner ? lease : undefined
}

const held = ({ epoch, owner }: Lease): readonly Condition[] => [
  { kind: 'equals', attribute: 'epoch', value: epoch },
  { kind: 'equals', attribute: 'owner', value: owner },
]

function parse(key: ItemKey, item: Item): Lease {
  const { epoch, owner, until } = item.attributes
  return { key, epoch: Number(epoch), owner: String(owner), untilMs: Number(until) }
}
