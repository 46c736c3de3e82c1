// Where a read begins: ?offset=<number>|earliest|latest, or ?timestamp=<ms>, resolved against the log as it
// is now.

import { z } from '@hono/zod-openapi'
import { createLimiter } from '../base/concurrency.ts'
import { KafkaError } from '../base/errors.ts'
import type { Cluster, OffsetSpec } from '../service/cluster.ts'
import { decimal } from './params.ts'

/** Lookups of one request that run at once. */
const lookupsAtOnce = 16

export const startParam = z
  .string()
  .regex(/^(0|[1-9]\d{0,15}|earliest|latest)$/, 'expected an offset, earliest or latest')
  .refine(
    (text) => /[a-z]/.test(text) || Number.isSafeInteger(Number(text)),
    'expected an offset that exists',
  )
  .optional()
  .openapi({ description: 'An offset, `earliest` (as when absent) or `latest`.', example: 'earliest' })

export const timestampParam = decimal(
  'Begin at the first record of this time or later, in ms since 1970; at the end where there is none.',
  1_600_000_000_000,
).optional()

export type Start = { readonly kind: 'offset'; readonly offset: number } | OffsetSpec

export function startOf(query: {
  readonly offset?: string | undefined
  readonly timestamp?: number | undefined
}): Start {
  const { offset = 'earliest', timestamp } = query
  if (timestamp !== undefined) {
    if (query.offset === undefined) return { kind: 'timestamp', timestamp }
    throw new KafkaError('BAD_REQUEST', 'offset and timestamp exclude each other')
  }
  if (offset === 'earliest' || offset === 'latest') return { kind: offset }
  return { kind: 'offset', offset: Number(offset) }
}

export async function resolveStart(
  cluster: Cluster,
  topicName: string,
  partition: number,
  start: Start,
): Promise<number> {
  if (start.kind === 'offset') return start.offset
  const { offset } = await cluster.listOffsets(topicName, partition, start)
  if (offset >= 0) return offset
  // Nothing is that young yet: whatever comes next is.
  return (await cluster.listOffsets(topicName, partition, { kind: 'latest' })).offset
}

/** Where `start` is in each of these partitions. */
export async function resolveStarts(
  cluster: Cluster,
  topicName: string,
  partitions: readonly number[],
  start: Start,
): Promise<Map<number, number>> {
  const limit = createLimiter(lookupsAtOnce)
  const offsets = await Promise.all(
    partitions.map((partition) => limit(() => resolveStart(cluster, topicName, partition, start))),
  )
  return new Map(partitions.map((partition, index) => [partition, offsets[index] ?? 0]))
}

export const unknownPartition = (topicName: string, partition: number): KafkaError =>
  new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `Topic ${topicName} has no partition ${partition}.`)
