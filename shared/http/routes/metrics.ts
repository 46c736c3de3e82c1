// GET /metrics, for Prometheus: what Kafka's log cleaner shows, under the names that Kafka's beans have after
// the usual translation, and what the compactor did. Process-wide and since its start; objects are those of
// the last collection. What clusters used is the deployment's, and since midnight: a read of the table for each, so
// that a caller of several names those that it means.

import { createRoute, z } from '@hono/zod-openapi'
import { type Compaction, recopyPercent } from '../../service/compaction.ts'
import type { App, HttpDeps } from '../context.ts'
import { usageMetricsOf } from '../usageMetrics.ts'
import { type Metric, renderMetrics, type Sample } from '../wire/exposition.ts'

const contentType = 'text/plain; version=0.0.4; charset=utf-8'
/** Each is a read of the table. */
const clustersMax = 50

const query = z.object({
  'resource.kafka.id': z
    .preprocess(
      (value) => (typeof value === 'string' ? [value] : value),
      z.array(z.string()).max(clustersMax, `expected at most ${clustersMax} clusters`),
    )
    .optional()
    .openapi({
      type: 'array',
      items: { type: 'string' },
      maxItems: clustersMax,
      description: 'Of these clusters alone; absent: of all, but what was used only where there is one.',
    }),
})

const schema = z.string().openapi({ description: "Prometheus' text format." })

const getMetrics = createRoute({
  method: 'get',
  path: '/metrics',
  operationId: 'getMetrics',
  summary: 'Metrics for Prometheus',
  tags: ['Service'],
  request: { query },
  responses: {
    200: { description: 'The metrics.', content: { 'text/plain': { schema } } },
    default: { description: 'Any failure.' },
  },
})

export function registerMetricsRoutes(app: App, deps: HttpDeps): void {
  app.openapi(getMetrics, async (c) => {
    const { access } = c.var
    const names = c.req.valid('query')['resource.kafka.id']
    const clusterIds = access.clusterIds.filter((clusterId) => names?.includes(clusterId) ?? true)
    const using = names === undefined && clusterIds.length > 1 ? [] : clusterIds
    const compactions = clusterIds.flatMap((clusterId): Running[] => {
      const compaction = access.compaction(clusterId)
      return compaction ? [{ labels: { cluster_id: clusterId }, compaction }] : []
    })
    const metrics = [
      ...cleanerMetrics(compactions),
      ...runMetrics(compactions),
      ...objectMetrics(compactions),
      ...(await usageMetricsOf(access, using, deps.clock.now())),
    ]
    const text = renderMetrics(metrics)
    return c.text(text, 200, { 'content-type': contentType, 'cache-control': 'no-store' })
  })
}

interface Running {
  readonly labels: Readonly<Record<string, string>>
  readonly compaction: Compaction
}

type Report = Compaction['report']

const cleaner: readonly (Omit<Metric, 'samples'> & { readonly value: (report: Report) => number })[] = [
  {
    name: 'kafka_log_logcleanermanager_uncleanable_partitions_count',
    help: 'Partitions on which compaction stopped, because of what was found there.',
    type: 'gauge',
    value: ({ uncleanable }) => uncleanable.size,
  },
  {
    name: 'kafka_log_logcleaner_max_clean_time_secs',
    help: 'Longest pass over one partition.',
    type: 'gauge',
    value: ({ maxCleanTimeMs }) => maxCleanTimeMs / 1000,
  },
  {
    name: 'kafka_log_logcleaner_max_compaction_delay_secs',
    help: 'Longest that a record has waited for compaction beyond max.compaction.lag.ms.',
    type: 'gauge',
    value: ({ maxCompactionDelayMs }) => maxCompactionDelayMs / 1000,
  },
  {
    name: 'kafka_log_logcleaner_cleaner_recopy_percent',
    help: 'Bytes that compaction by key has written again, in percent of those it has looked at.',
    type: 'gauge',
    value: recopyPercent,
  },
  {
    name: 'millrace_compaction_read_bytes_total',
    help: 'Bytes of batches read by the compactor.',
    type: 'counter',
    value: ({ counters }) => counters.bytesRead,
  },
  {
    name: 'millrace_compaction_written_bytes_total',
    help: 'Bytes of batches written to segments.',
    type: 'counter',
    value: ({ counters }) => counters.bytesWritten,
  },
  {
    name: 'millrace_compaction_segments_written_total',
    help: 'Segments written.',
    type: 'counter',
    value: ({ counters }) => counters.segmentsWritten,
  },
  {
    name: 'millrace_compaction_records_dropped_total',
    help: 'Records that compaction by key has dropped.',
    type: 'counter',
    value: ({ counters }) => counters.recordsDropped,
  },
  {
    name: 'millrace_compaction_invalid_records_total',
    help: 'Records without a key in topics that are compacted by key; they are dropped.',
    type: 'counter',
    value: ({ counters }) => counters.invalidRecords,
  },
  {
    name: 'millrace_collected_objects_total',
    help: 'Objects deleted because nothing named them any more.',
    type: 'counter',
    value: ({ counters }) => counters.objectsDeleted,
  },
  {
    name: 'millrace_collected_items_total',
    help: 'Table items deleted: small flushes and index items.',
    type: 'counter',
    value: ({ counters }) => counters.itemsDeleted,
  },
]

const cleanerMetrics = (compactions: readonly Running[]): readonly Metric[] =>
  cleaner.map(({ value, ...metric }) => {
    const samples = compactions.map(({ labels, compaction }) => ({ labels, value: value(compaction.report) }))
    return { ...metric, samples }
  })

const runMetrics = (compactions: readonly Running[]): readonly Metric[] => [
  {
    name: 'kafka_log_logcleanermanager_time_since_last_run_ms',
    help: 'Since the last pass of the compactor ended.',
    type: 'gauge',
    samples: compactions.flatMap(({ labels, compaction }) => {
      const value = compaction.sinceLastRunMs()
      return value === undefined ? [] : [{ labels, value }]
    }),
  },
]

function objectMetrics(compactions: readonly Running[]): readonly Metric[] {
  const samples = (what: 'objects' | 'bytes'): readonly Sample[] =>
    compactions.flatMap(({ labels, compaction }) => {
      const counts = compaction.objectCounts()
      if (!counts) return []
      return [
        { labels: { ...labels, level: 'flush' }, value: counts.flushes[what] },
        { labels: { ...labels, level: 'segment' }, value: counts.segments[what] },
      ]
    })
  return [
    {
      name: 'millrace_objects',
      help: 'Objects in the store, as the last collection listed them.',
      type: 'gauge',
      samples: samples('objects'),
    },
    {
      name: 'millrace_object_bytes',
      help: 'Bytes of the objects in the store, as the last collection listed them.',
      type: 'gauge',
      samples: samples('bytes'),
    },
  ]
}
