// Requests for the records of the partitions of one topic, and the answer as pages: exact bytes, whatever codec the
// batches have.

import { type ConsumerRecord, type RecordWire, recordOf } from './consumerRecord.ts'
import type { Call, Transport } from './transport.ts'

interface ConsumeWire {
  readonly partition_data_list: readonly {
    readonly partition_id: number
    readonly next_offset: number
    readonly log_start_offset: number
    readonly high_watermark: number
    readonly records: readonly RecordWire[]
  }[]
}

export interface FetchedPage {
  readonly partition: number
  readonly records: readonly ConsumerRecord[]
  readonly nextOffset: number
  readonly logStartOffset: number
  readonly highWatermark: number
}

export interface PageRequest {
  readonly topic: string
  readonly partitions: readonly { readonly partition: number; readonly fetchFrom: number }[]
  readonly bytesMax: number
  readonly maxWaitMs: number
  readonly signal: AbortSignal
}

export async function fetchPages(
  transport: Transport,
  request: PageRequest,
): Promise<readonly FetchedPage[]> {
  const { topic, partitions, bytesMax, maxWaitMs, signal } = request
  return consume(
    transport,
    topic,
    { signal, waitMs: maxWaitMs },
    {
      offsets: partitions.map(({ partition, fetchFrom }) => ({ partition_id: partition, offset: fetchFrom })),
      fetch_max_bytes: bytesMax,
      max_wait_ms: maxWaitMs,
    },
  )
}

/** Where the logs begin and end, without their records. */
export async function fetchEnds(
  transport: Transport,
  topic: string,
  partitions: readonly { readonly partition: number }[],
  signal: AbortSignal,
): Promise<readonly FetchedPage[]> {
  return consume(
    transport,
    topic,
    { signal },
    {
      offsets: partitions.map(({ partition }) => ({ partition_id: partition, offset: 0 })),
      from_beginning: false,
      max_poll_records: 0,
    },
  )
}

async function consume(
  transport: Transport,
  topic: string,
  call: Pick<Call, 'signal' | 'waitMs'>,
  body: Readonly<Record<string, unknown>>,
): Promise<readonly FetchedPage[]> {
  const path = `/topics/${encodeURIComponent(topic)}/partitions/-/consume`
  // Nothing is left out for being large: what could be stored can be read.
  const exact = { data_format: 'BASE64', message_max_bytes: Number.MAX_SAFE_INTEGER }
  const json = JSON.stringify({ ...body, ...exact })
  const wire = await transport.json<ConsumeWire>({ ...call, method: 'POST', path, body: json })
  return wire.partition_data_list.map((page) => ({
    partition: page.partition_id,
    records: page.records.map((record) => recordOf({ topic, partition: page.partition_id }, record)),
    nextOffset: page.next_offset,
    logStartOffset: page.log_start_offset,
    highWatermark: page.high_watermark,
  }))
}
