// The lease of a partition: whoever changes its segments holds it. A partition that is gone leaves no lease behind, so
// that whoever held one, and was frozen since, changes nothing.

import { acquireLease, dropLease, type Lease, renewLease } from '../leases/lease.ts'
import type { CompactionDeps, Partition } from './deps.ts'
import { readPartition } from './partitionItems.ts'

export type Taken =
  | { readonly kind: 'taken'; readonly lease: Lease }
  /** Somebody else holds it. */
  | { readonly kind: 'held' }
  /** Its topic was deleted: nobody will hold it again. */
  | { readonly kind: 'gone' }

export const partitionLeaseName = (topicId: string, partition: number): string =>
  `compaction/${topicId}/${partition}`

export async function takePartition(
  deps: CompactionDeps,
  partition: Pick<Partition, 'topicId' | 'partition'>,
): Promise<Taken> {
  // Of one process, too, only one may hold it: each that wants it has a name of its own.
  const owner = `${deps.owner}/${Buffer.from(deps.random.bytes(6)).toString('hex')}`
  const name = partitionLeaseName(partition.topicId, partition.partition)
  const lease = await acquireLease(deps, name, owner, deps.settings.leaseMs)
  if (!lease) return { kind: 'held' }
  // Looked at with the lease in hand: what deletes a topic's items takes the leases away first.
  if (await readPartition(deps, partition)) return { kind: 'taken', lease }
  await dropLease(deps, lease)
  return { kind: 'gone' }
}

/** Asked again and again during long work: renews the lease in good time. false: it was lost. */
export type StillHeld = () => Promise<boolean>

export function keepLease(deps: CompactionDeps, lease: Lease): StillHeld {
  const { leaseMs } = deps.settings
  let { untilMs } = lease
  return async () => {
    if (deps.clock.now() < untilMs - leaseMs / 2) return true
    const renewed = await renewLease(deps, lease, leaseMs)
    untilMs = renewed?.untilMs ?? 0
    return renewed !== undefined
  }
}
