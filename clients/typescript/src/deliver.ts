// Sends a batch of one partition until it is acknowledged or given up. Producer id and sequence belong to the partition:
// where a batch was given up that may have been stored, the partition goes on under another id.

import { type Batch, halved, type OpenBatch, type Receipt } from './batch.ts'
import { localError } from './errors.ts'
import { judge, type Progress, tooLate, type Verdict } from './judge.ts'
import type { ProducerId, ProducerIdDeps, ProducerIds } from './producerIds.ts'
import { renderRecord } from './producerRecord.ts'

export interface DeliveryDeps extends ProducerIdDeps {
  readonly producerIds: ProducerIds
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

  const identify = async (): Promise<Writer> => {
    if (typeof writer === 'object') return writer
    const taken = await (writer === 'none' ? producerIds.shared() : producerIds.fresh())
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

  const attempt = async (batch: Batch, progress: Progress): Promise<Verdict> => {
    let by: Writer
    try {
      by = await identify()
    } catch (error) {
      return { kind: 'fail', error, uncertain: progress.uncertain }
    }
    try {
      return { kind: 'stored', reports: await post(batch, by) }
    } catch (error) {
      const leftMs = batch.openedAtMs + limits.deliveryTimeoutMs - world.now()
      return judge({ ...progress, error, leftMs, random: world.random(), records: batch.entries.length })
    }
  }

  /** What is to be sent in the place of the batch; undefined: the batch again. */
  const conclude = (batch: Batch, verdict: Verdict): readonly OpenBatch[] | undefined => {
    switch (verdict.kind) {
      case 'stored':
        if (typeof writer === 'object') writer = advanced(writer, batch)
        return acknowledge(batch, partition, verdict.reports)
      case 'halve':
        return halved(batch)
      case 'fail':
        if (verdict.uncertain) writer = 'unusable'
        return giveUp(batch, verdict.error)
      case 'renew':
        writer = 'unusable'
        return undefined
      case 'retry':
        return undefined
    }
  }

  return async (batch) => {
    if (world.now() >= batch.openedAtMs + limits.deliveryTimeoutMs)
      return giveUp(batch, tooLate(undefined, false))
    let progress: Progress = { attempt: 0, uncertain: false, renewed: false }
    for (;;) {
      const verdict = await attempt(batch, progress)
      const instead = conclude(batch, verdict)
      if (instead !== undefined) return instead
      progress = after(progress, verdict)
      if (verdict.kind === 'retry') await world.sleep(verdict.afterMs, signal)
    }
  }
}

const after = (progress: Progress, verdict: Verdict): Progress => ({
  attempt: progress.attempt + 1,
  uncertain: verdict.kind === 'retry' ? verdict.uncertain : progress.uncertain,
  renewed: progress.renewed || verdict.kind === 'renew',
})

const advanced = (writer: Writer, { entries }: Batch): Writer => ({
  ...writer,
  sequence: (writer.sequence + entries.length) % sequences,
})

interface Report {
  readonly offset: number
  readonly timestamp: string
}

function acknowledge(batch: Batch, partition: number, text: string | undefined): readonly OpenBatch[] {
  const reports = text === undefined ? undefined : parseReports(text)
  if (reports !== undefined && reports.length !== batch.entries.length) {
    return giveUp(batch, localError('the records are stored, but the answer cannot be read'))
  }
  for (const [index, { resolve }] of batch.entries.entries()) {
    const report = reports?.[index]
    resolve(report === undefined ? { partition, offset: -1, timestamp: -1 } : receiptOf(partition, report))
  }
  return []
}

function parseReports(text: string): readonly Report[] {
  try {
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  } catch {
    return []
  }
}

const receiptOf = (partition: number, { offset, timestamp }: Report): Receipt => ({
  partition,
  offset,
  timestamp: Date.parse(timestamp),
})

function giveUp({ entries }: Batch, error: unknown): readonly OpenBatch[] {
  for (const { reject } of entries) reject(error)
  return []
}
