// Ids under which a producer numbers what it sends. One is shared by all partitions, because sequences count within a
// partition; a partition that can no longer be sure of its sequence goes on under a fresh one.

import { remembered } from './remembered.ts'
import { retried } from './retry.ts'
import type { Transport } from './transport.ts'
import type { World } from './world.ts'

export interface ProducerId {
  readonly producerId: number
  readonly producerEpoch: number
}

export interface ProducerIds {
  shared(): Promise<ProducerId>
  fresh(): Promise<ProducerId>
}

export interface ProducerIdDeps {
  readonly transport: Transport
  readonly world: World
  readonly limits: { readonly deliveryTimeoutMs: number }
  readonly signal: AbortSignal
}

export function createProducerIds({ transport, world, limits, signal }: ProducerIdDeps): ProducerIds {
  const fresh = async (): Promise<ProducerId> => {
    const patience = { world, timeoutMs: limits.deliveryTimeoutMs, signal }
    const taken = await retried(patience, () =>
      transport.json<{ producer_id: number; producer_epoch: number }>({
        method: 'POST',
        path: '/producers',
        signal,
      }),
    )
    return { producerId: taken.producer_id, producerEpoch: taken.producer_epoch }
  }
  const { get: shared } = remembered(world, Number.POSITIVE_INFINITY, fresh)
  return { shared, fresh }
}

export interface Numbered extends ProducerId {
  /** Of the next record. */
  readonly sequence: number
}

/** Who writes to one partition, and under which number. */
export interface Writer {
  current(): Promise<Numbered>
  /** So many records more are stored. */
  advance(records: number): void
  /** The sequence is no good any more. */
  drop(): void
}

const sequences = 2 ** 31

export function createWriter(ids: ProducerIds): Writer {
  let take = ids.shared
  let taken: ProducerId | undefined
  let sequence = 0
  return {
    async current() {
      taken ??= await take()
      return { ...taken, sequence }
    },
    advance(records) {
      sequence = (sequence + records) % sequences
    },
    drop() {
      taken = undefined
      sequence = 0
      take = ids.fresh
    },
  }
}
