// Sends a batch of one partition until it is acknowledged or given up. Producer id and sequence belong to the partition:
// where a batch was given up that may have been stored, the partition goes on under another id.

import { type Batch, halved, type OpenBatch } from './batch.ts'
import { localError } from './errors.ts'
import { judge, tooLate } from './judge.ts'
import { renderRecord } from './producerRecord.ts'
import type { Transport } from './transport.ts'
import type { World } from './world.ts'

export interface ProducerId {
  readonly producerId: number
  readonly producerEpoch: number
}

export interface DeliveryDeps {
  readonly transport: Transport
  readonly world: World
  readonly limits: { readonly deliveryTimeoutMs: number }
  /** One for all partitions, until a partition wants one that was never used. */
  readonly producerIds: { shared(timeoutMs: number): Promise<ProducerId>; fresh(timeoutMs: number): Promise<ProducerId> }
  /** Ends everything at once. */
  readonly signal: AbortSignal
}

/** Tells the records of the batch what became of them; answers what is to be sent in its place. */
export type Deliver = (batch: Batch) => Promise<readonly OpenBatch[]>

interface Writer extends ProducerId {
  readonly sequence: number
}

const sequences = 2 ** 31

export function createDelivery(deps: DeliveryDeps, topic: string, partition: number): Deliver {
  const { transport, world, limits, signal, producerIds } = deps
  const path = `/topics/${encodeURIComponent(topic)}/records`
  let writer: Writer | 'none' | 'unusable' = 'none'

  const identify = async (timeoutMs: number): Promise<Writer> => {
    if (typeof writer === 'object') return writer
    const taken = await (writer === 'none' ? producerIds.shared(timeoutMs) : producerIds.fresh(timeoutMs))
    writer = { ...taken, sequence: 0 }
    return writer
  }

  const post = (batch: Batch, { producerId, producerEpoch, sequence }: Writer): Promise<string> => {
    const body = batch.entries.map((entry) => renderRecord(entry, partition)).join('\n')
    const headers = {
      'producer-id': String(producerId),
      'producer-epoch': String(producerEpoch),
      'producer-seq': String(sequence),
    }
    return transport.text({ method: 'POST', path, body, headers, signal })
  }

  const stored = (batch: Batch, by: Writer, reports: string | undefined): readonly OpenBatch[] => {
    writer = { ...by, sequence: (by.sequence + batch.entries.length) % sequences }
    acknowledge(batch, partition, reports)
    return []
  }

  return async (batch) => {
    const leftMs = () => batch.openedAtMs + limits.deliveryTimeoutMs - world.now()
    if (leftMs() <= 0) return giveUp(batch, tooLate(undefined, false))
    let [uncertain, renewed] = [false, false]
    for (let attempt = 0; ; attempt++) {
      let by: Writer
      try {
        by = await identify(leftMs())
      } catch (error) {
        return giveUp(batch, error)
      }
      try {
        return stored(batch, by, await post(batch, by))
      } catch (error) {
        const facts = { error, attempt, uncertain, renewed, leftMs: leftMs(), random: world.random() }
        const verdict = judge({ ...facts, records: batch.entries.length })
        if (verdict.kind === 'stored') return stored(batch, by, undefined)
        if (verdict.kind === 'halve') return halved(batch)
        if (verdict.kind === 'renew' || (verdict.kind === 'fail' && verdict.uncertain)) writer = 'unusable'
        if (verdict.kind === 'fail') return giveUp(batch, verdict.error)
        if (verdict.kind === 'renew') renewed = true
        else {
          uncertain = verdict.uncertain
          await world.sleep(verdict.afterMs, signal)
        }
      }
    }
  }
}

interface Report {
  readonly offset: number
  readonly timestamp: string
}

function acknowledge({ entries }: Batch, partition: number, reports: string | undefined): void {
  const lines = reports?.trim().split('\n')
  for (const [index, entry] of entries.entries()) {
    const line = lines?.[index]
    if (lines === undefined) entry.resolve({ partition, offset: -1, timestamp: -1 })
    else if (line === undefined) entry.reject(localError('the service acknowledged fewer records than were sent'))
    else {
      const { offset, timestamp }: Report = JSON.parse(line)
      entry.resolve({ partition, offset, timestamp: Date.parse(timestamp) })
    }
  }
}

function giveUp({ entries }: Batch, error: unknown): readonly OpenBatch[] {
  for (const { reject } of entries) reject(error)
  return []
}
