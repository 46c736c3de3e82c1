// What a tenant used in a time, summed over the processes that counted it. What is too old to be asked for is deleted.

import type { Scope } from '../metadata/scope.ts'
import {
  hourAt,
  hourOf,
  hourStartMs,
  parseUsageItem,
  type UsageMetric,
  type UsageRow,
} from '../metadata/usageItem.ts'
import { queryEach } from '../ports/queryAll.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { Table } from '../ports/table.ts'
import type { Clock, Random } from '../ports/world.ts'

export interface UsageDeps {
  readonly table: Table
  readonly clock: Clock
  readonly random: Random
  readonly scope: Pick<Scope, 'usagePk'>
}

/** Rows of one hour; several may be of the same topic and principal. */
export interface HourOfUsage {
  readonly startMs: number
  readonly rows: readonly UsageRow[]
}

/** Hours that begin in [fromMs, toMs), by their time. */
export async function readUsage(
  deps: UsageDeps,
  fromMs: number,
  toMs: number,
): Promise<readonly HourOfUsage[]> {
  const hours = new Map<string, UsageRow[]>()
  // The end is exclusive: an hour's items sort behind the hour itself.
  const bounds = { pk: deps.scope.usagePk, from: hourAt(fromMs + hourMs - 1), to: hourAt(toMs + hourMs - 1) }
  for await (const item of queryEach(deps, bounds)) {
    const hour = hourOf(item.key.sk)
    hours.set(hour, [...(hours.get(hour) ?? []), ...parseUsageItem(item)])
  }
  return Array.from(hours, ([hour, rows]) => ({ startMs: hourStartMs(hour), rows }))
}

const hourMs = 3_600_000

export type UsageLabel = 'topic' | 'principal'

export interface UsagePoint {
  readonly startMs: number
  readonly labels: Partial<Readonly<Record<UsageLabel, string>>>
  readonly value: number
}

/** `granularityMs`: infinite for one point of all. Bytes that are retained are a level: averaged over time. */
export function sumUsage(
  hours: readonly HourOfUsage[],
  metric: UsageMetric,
  granularityMs: number,
  groupBy: readonly UsageLabel[],
): readonly UsagePoint[] {
  const points = new Map<
    string,
    { startMs: number; labels: UsagePoint['labels']; value: number; hours: Set<number> }
  >()
  for (const { startMs, rows } of hours) {
    const pointMs = Number.isFinite(granularityMs)
      ? startMs - (startMs % granularityMs)
      : (hours[0]?.startMs ?? 0)
    for (const { values, ...row } of rows) {
      if (values[metric] === 0) continue
      const labels = Object.fromEntries(groupBy.map((label) => [label, row[label]]))
      const name = JSON.stringify([pointMs, ...groupBy.map((label) => row[label])])
      const point = points.get(name) ?? { startMs: pointMs, labels, value: 0, hours: new Set() }
      point.value += values[metric]
      point.hours.add(startMs)
      points.set(name, point)
    }
  }
  return Array.from(points.values(), ({ startMs, labels, value, hours: seen }) => ({
    startMs,
    labels,
    value: metric === 'retained_bytes' ? value / seen.size : value,
  }))
}

const keptMs = 90 * 24 * hourMs
const forgottenAtOnce = 100

/** Some of what is older than ninety days. */
export async function forgetOldUsage(deps: UsageDeps): Promise<void> {
  const old = { pk: deps.scope.usagePk, to: hourAt(deps.clock.now() - keptMs), limit: forgottenAtOnce }
  const { items } = await retryRepeatable(deps, () => deps.table.query(old))
  for (const { key } of items) await retryRepeatable(deps, () => deps.table.write({ kind: 'delete', key }))
}
