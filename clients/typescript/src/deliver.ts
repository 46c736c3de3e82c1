// Sends a batch of one partition until it is acknowledged or given up. Where one was given up that may have been
// stored, the partition goes on under another producer id.

import { type Batch, halved, type OpenBatch, type Receipt } from './batch.ts'
import { localError } from './errors.ts'
import { judge, type Progress, tooLate, type Verdict } from './judge.ts'
import { createWriter, type Numbered, type ProducerIdDeps, type ProducerIds } from './producerIds.ts'
import { renderRecord } from './producerRecord.ts'
import { msOfIsoTime } from './world.ts'

export interface DeliveryDeps extends ProducerIdDeps {
  readonly producerIds: ProducerIds
}

/** Tells the records of the batch what became of them; answers what is to be sent in its place. */
export type Deliver = (batch: Batch) => Promise<readonly OpenBatch[]>

export function createDelivery(deps: DeliveryDeps, topic: string, partition: number): Deliver {
  const { transport, world, limits, signal } = deps
  const path = `/topics/${encodeURIComponent(topic)}/records`
  const writer = createWriter(deps.producerIds)

  const post = async (batch: Batch): Promise<string> => {
    const body = batch.entries.map((entry) => renderRecord(entry, partition)).join('\n')
    return transport.text({ method: 'POST', path, body, headers: headersOf(await writer.current()), signal })
  }

  const attempt = async (batch: Batch, progress: Progress): Promise<Verdict> => {
    try {
      await writer.current()
    } catch (error) {
      return { kind: 'fail', error, uncertain: progress.uncertain }
    }
    try {
      return { kind: 'stored', reports: await post(batch) }
    } catch (error) {
      const leftMs = batch.openedAtMs + limits.deliveryTimeoutMs - world.now()
      return judge({ ...progress, error, leftMs, random: world.random(), records: batch.entries.length })
    }
  }

  /** What is to be sent in the place of the batch; undefined: the batch again. */
  const conclude = (batch: Batch, verdict: Verdict): readonly OpenBatch[] | undefined => {
    switch (verdict.kind) {
      case 'stored':
        writer.advance(batch.entries.length)
        return acknowledge(batch, partition, verdict.reports)
      case 'halve':
        return halved(batch)
      case 'fail':
        if (verdict.uncertain) writer.drop()
        return giveUp(batch, verdict.error)
      case 'renew':
        writer.drop()
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

const headersOf = ({ producerId, producerEpoch, sequence }: Numbered) => ({
  'producer-id': String(producerId),
  'producer-epoch': String(producerEpoch),
  'producer-seq': String(sequence),
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
  timestamp: msOfIsoTime(timestamp),
})

function giveUp({ entries }: Batch, error: unknown): readonly OpenBatch[] {
  for (const { reject } of entries) reject(error)
  return []
}
