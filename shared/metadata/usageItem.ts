// What one process counted of a tenant in one hour, in parts of some hundred rows. A part holds totals since process or
// hour began, so that storing it again changes nothing. Attributes (names are stored):
//
//   seq    grows with every write of the part: an older one that lands late is refused
//   rows   JSON: [[topic, principal, requests, bytes in, bytes out, records in, records out, retained bytes, told to
//          wait in ms, requests refused by quotas], …]; what ends earlier is of an older version
//
// A row without a topic is of calls that name none. Retained bytes are a sample, of the process called `retained`.

import { invariant } from '../base/errors.ts'
import type { Attributes, Item } from '../ports/table.ts'

export const usageMetrics = [
  'request_count',
  'received_bytes',
  'sent_bytes',
  'received_records',
  'sent_records',
  'retained_bytes',
  'throttle_time_milliseconds',
  'throttled_request_count',
] as const
export type UsageMetric = (typeof usageMetrics)[number]

export interface UsageRow {
  readonly topic: string
  readonly principal: string
  readonly values: Readonly<Record<UsageMetric, number>>
}

export const usageAttributes = (rows: readonly UsageRow[], seq: number): Attributes => ({
  seq,
  rows: JSON.stringify(
    rows.map(({ topic, principal, values }) => [
      topic,
      principal,
      ...usageMetrics.map((name) => values[name]),
    ]),
  ),
})

export function parseUsageItem({ attributes }: Item): readonly UsageRow[] {
  invariant(typeof attributes.rows === 'string', 'a usage item has rows')
  const rows: readonly (readonly [string, string, ...number[]])[] = JSON.parse(attributes.rows)
  return rows.map(([topic, principal, ...numbers]) => ({
    topic,
    principal,
    values: valuesOf((_, index) => numbers[index] ?? 0),
  }))
}

export function valuesOf(value: (name: UsageMetric, index: number) => number): Record<UsageMetric, number> {
  return {
    request_count: value('request_count', 0),
    received_bytes: value('received_bytes', 1),
    sent_bytes: value('sent_bytes', 2),
    received_records: value('received_records', 3),
    sent_records: value('sent_records', 4),
    retained_bytes: value('retained_bytes', 5),
    throttle_time_milliseconds: value('throttle_time_milliseconds', 6),
    throttled_request_count: value('throttled_request_count', 7),
  }
}

const hourMs = 3_600_000

/** Hours are numbered from 1970; seven digits sort until the year 3110. */
export const hourAt = (ms: number): string => String(Math.floor(ms / hourMs)).padStart(7, '0')
export const hourStartMs = (hour: string): number => Number(hour) * hourMs

/** Of the sort key of a usage item. */
export const hourOf = (sk: string): string => sk.split('/', 1)[0] ?? ''
