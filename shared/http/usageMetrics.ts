// What clusters used since midnight (UTC), for Prometheus, by the names that Confluent's export has. The counters begin
// anew each day, which Prometheus takes for a restart. Whoever may not see a cluster's usage sees none.

import { createLimiter } from '../base/concurrency.ts'
import { KafkaError } from '../base/errors.ts'
import { type UsageMetric, usageMetrics } from '../metadata/usageItem.ts'
import { type HourOfUsage, sumUsage } from '../metering/readUsage.ts'
import type { Access } from '../service/access.ts'
import type { Metric } from './wire/exposition.ts'

const dayMs = 24 * 3_600_000
const readsAtOnce = 16

const help: Readonly<Record<UsageMetric, string>> = {
  request_count: 'Requests, those that were refused for what they asked among them.',
  received_bytes: 'Bytes of records that were stored.',
  sent_bytes: 'Bytes of batches that were sent.',
  received_records: 'Records that were stored.',
  sent_records: 'Records that were sent.',
  retained_bytes: 'Bytes of batches that are kept, as of the last sample.',
  throttle_time_milliseconds: 'Time that callers were told to wait because of quotas.',
  throttled_request_count: 'Requests that quotas refused; they are not among the others.',
}

export async function usageMetricsOf(
  { usage }: Pick<Access, 'usage'>,
  clusterIds: readonly string[],
  nowMs: number,
): Promise<readonly Metric[]> {
  if (usage === undefined) return []
  const limit = createLimiter(readsAtOnce)
  const midnightMs = nowMs - (nowMs % dayMs)
  const read = async (clusterId: string) => {
    const hours = await visible(usage(clusterId, midnightMs, nowMs + 1))
    return { clusterId, hours }
  }
  const clusters = await Promise.all(clusterIds.map((clusterId) => limit(() => read(clusterId))))
  return usageMetrics.map((name) => ({
    name: `confluent_kafka_server_${name}`,
    help: help[name],
    type: name === 'retained_bytes' ? 'gauge' : 'counter',
    samples: clusters.flatMap(({ clusterId, hours }) => samplesOf(name, clusterId, hours)),
  }))
}

async function visible(usage: Promise<readonly HourOfUsage[]>): Promise<readonly HourOfUsage[]> {
  try {
    return await usage
  } catch (error) {
    if (error instanceof KafkaError && error.code === 'CLUSTER_AUTHORIZATION_FAILED') return []
    throw error
  }
}

function samplesOf(name: UsageMetric, clusterId: string, hours: readonly HourOfUsage[]): Metric['samples'] {
  const seen = name === 'retained_bytes' ? latest(hours) : hours
  return sumUsage(seen, name, Number.POSITIVE_INFINITY, ['topic', 'principal']).map(({ value, labels }) => {
    const { topic = '', principal = '' } = labels
    return { value, labels: { kafka_id: clusterId, topic, principal_id: principal.replace(/^User:/, '') } }
  })
}

/** The last hour that has a sample. */
const latest = (hours: readonly HourOfUsage[]): readonly HourOfUsage[] =>
  hours.filter(({ rows }) => rows.some(({ values }) => values.retained_bytes > 0)).slice(-1)
