// Operator's routes: run the compactor now, and see how it stands. One pass runs at a time; a request waits
// for the one under way. Refuses a cluster for which this process runs no compactor.

import { createRoute, z } from '@hono/zod-openapi'
import { type Compaction, type CompactionRun, recopyPercent } from '../../service/compaction.ts'
import { withJsonBody } from '../bodies/jsonBody.ts'
import { findCluster, findCompaction } from '../clusters.ts'
import type { App, HttpDeps } from '../context.ts'
import { refusals } from '../errors.ts'
import { clusterParams } from '../params.ts'

const tags = ['Compaction']
/** Names of an answer: a collection may delete any number of objects. */
const namesMax = 1000

const countersSchema = z
  .object({
    bytes_read: z.int(),
    bytes_written: z.int(),
    segments_written: z.int(),
    records_dropped: z.int(),
    invalid_records: z
      .int()
      .openapi({ description: 'Records without a key, dropped from a topic that is compacted by key.' }),
    objects_deleted: z.int(),
    items_deleted: z.int(),
  })
  .openapi('CompactionCounters')

const uncleanableSchema = z.array(
  z.object({ topic_partition: z.string().openapi({ example: 'orders-0' }), reason: z.string() }),
)

const previewSchema = z
  .object({
    topic_name: z.string(),
    partition_id: z.int(),
    merge_bytes: z.int(),
    merge_extents: z.int(),
    clean_bytes: z.int(),
    log_start_offset: z.int().optional().openapi({ description: 'Where retention would move it.' }),
  })
  .openapi('CompactionPreview')

const objectCountSchema = z.object({ objects: z.int(), bytes: z.int() })

const stateSchema = z
  .object({
    cluster_id: z.string(),
    counters: countersSchema,
    uncleanable_partitions: uncleanableSchema,
    max_clean_time_ms: z.int(),
    max_compaction_delay_ms: z.int(),
    cleaner_recopy_percent: z
      .number()
      .openapi({ description: 'Of what compaction by key has looked at, what it has written again.' }),
    time_since_last_run_ms: z.int().nullable().openapi({ description: 'null: there was none yet.' }),
    objects: z
      .object({ flush: objectCountSchema, segment: objectCountSchema, counted_at_ms: z.int() })
      .nullable()
      .openapi({ description: 'As the last collection listed them; null: there was none yet.' }),
  })
  .openapi('CompactionData')

const runRequestSchema = z
  .object({
    topic_name: z
      .string()
      .optional()
      .openapi({ description: 'Only this topic, and what is not due yet too. Absent: what is due.' }),
    collect: z.boolean().optional().openapi({ description: 'Delete what nothing names any more.' }),
    dry_run: z.boolean().optional().openapi({ description: 'Change nothing, say what would be.' }),
  })
  .openapi('RunCompactionRequestData')

const runSchema = z
  .object({
    cluster_id: z.string(),
    dry_run: z.boolean(),
    unfinished: z.boolean().openapi({ description: 'There was more to do than time: run again.' }),
    counters: countersSchema,
    previews: z.array(previewSchema).openapi({ description: 'Of a dry run: partitions with work.' }),
    collected_count: z.int(),
    collected: z.array(z.string()).openapi({ description: `At most ${namesMax} names.` }),
    unreadable_count: z.int(),
    unreadable: z
      .array(z.object({ name: z.string(), reason: z.string() }))
      .openapi({ description: `Objects that are never deleted by themselves; at most ${namesMax}.` }),
    uncleanable_partitions: uncleanableSchema,
  })
  .openapi('CompactionRunData')

const getCompaction = createRoute({
  method: 'get',
  path: '/clusters/{cluster_id}/compaction',
  operationId: 'getCompaction',
  summary: 'What the compactor did since the process started',
  tags,
  request: { params: clusterParams },
  responses: {
    200: { description: 'How it stands.', content: { 'application/json': { schema: stateSchema } } },
    ...refusals,
  },
})

const runCompaction = createRoute({
  method: 'post',
  path: '/clusters/{cluster_id}/compaction:run',
  operationId: 'runCompaction',
  summary: 'Run one pass of the compactor now',
  tags,
  request: {
    params: clusterParams,
    body: { required: true, content: { 'application/json': { schema: runRequestSchema } } },
  },
  responses: {
    200: { description: 'What it did.', content: { 'application/json': { schema: runSchema } } },
    ...refusals,
  },
})

export function registerCompactionRoutes(app: App, deps: HttpDeps): void {
  app.openapi(getCompaction, (c) => {
    const { cluster_id } = c.req.valid('param')
    const compaction = findCompaction(c, cluster_id)
    return c.json({ cluster_id, ...stateData(compaction) }, 200)
  })

  app.openapi(withJsonBody(deps, runCompaction), async (c) => {
    const { cluster_id } = c.req.valid('param')
    const { topic_name, collect = false, dry_run = false } = c.req.valid('json')
    const compaction = findCompaction(c, cluster_id)
    if (topic_name !== undefined) await findCluster(c, cluster_id).describeTopic(topic_name)
    const topic = topic_name === undefined ? {} : { topicName: topic_name }
    const run = await compaction.run({ ...topic, collect, dryRun: dry_run })
    const uncleanable_partitions = uncleanable(compaction)
    return c.json({ cluster_id, dry_run, ...runData(run), uncleanable_partitions }, 200)
  })
}

function stateData(compaction: Compaction) {
  const { counters, maxCleanTimeMs, maxCompactionDelayMs } = compaction.report
  const counts = compaction.objectCounts()
  return {
    counters: countersData(counters),
    uncleanable_partitions: uncleanable(compaction),
    max_clean_time_ms: maxCleanTimeMs,
    max_compaction_delay_ms: maxCompactionDelayMs,
    cleaner_recopy_percent: recopyPercent(compaction.report),
    time_since_last_run_ms: compaction.sinceLastRunMs() ?? null,
    objects: counts ? { flush: counts.flushes, segment: counts.segments, counted_at_ms: counts.atMs } : null,
  }
}

const runData = ({ unfinished, counters, previews, collected }: CompactionRun) => ({
  unfinished,
  counters: countersData(counters),
  previews: previews.map((preview) => ({
    topic_name: preview.topicName,
    partition_id: preview.partition,
    merge_bytes: preview.mergeBytes,
    merge_extents: preview.mergeExtents,
    clean_bytes: preview.cleanBytes,
    ...(preview.logStartOffset === undefined ? {} : { log_start_offset: preview.logStartOffset }),
  })),
  collected_count: collected.names.length,
  collected: collected.names.slice(0, namesMax),
  unreadable_count: collected.unreadable.length,
  unreadable: collected.unreadable.slice(0, namesMax).map(({ name, reason }) => ({ name, reason })),
})

const countersData = (counters: CompactionRun['counters']) => ({
  bytes_read: counters.bytesRead,
  bytes_written: counters.bytesWritten,
  segments_written: counters.segmentsWritten,
  records_dropped: counters.recordsDropped,
  invalid_records: counters.invalidRecords,
  objects_deleted: counters.objectsDeleted,
  items_deleted: counters.itemsDeleted,
})

const uncleanable = ({ report }: Compaction) =>
  [...report.uncleanable].map(([topic_partition, reason]) => ({ topic_partition, reason }))
