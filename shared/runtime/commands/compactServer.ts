// A topic's compaction through the API of a running server.

import { z } from 'zod'
import type { TopicCompaction } from './compact.ts'
import { askJson, atServer, type InCluster, type ServerPlace } from './server.ts'

const reportSchema = z.object({
  counters: z.object({
    bytes_read: z.number(),
    bytes_written: z.number(),
    segments_written: z.number(),
    records_dropped: z.number(),
    invalid_records: z.number(),
    objects_deleted: z.number(),
    items_deleted: z.number(),
  }),
  uncleanable_partitions: z.array(z.object({ topic_partition: z.string(), reason: z.string() })),
})

const runSchema = z.object({
  unfinished: z.boolean(),
  previews: z.array(
    z.object({
      partition_id: z.number(),
      merge_bytes: z.number(),
      merge_extents: z.number(),
      clean_bytes: z.number(),
      log_start_offset: z.number().optional(),
    }),
  ),
})

export const compactServer = (
  server: ServerPlace,
  topicName: string,
  work: (compaction: TopicCompaction) => Promise<number>,
): Promise<number> => atServer(server, (known) => work(compactionOf(known, topicName)))

function compactionOf(server: InCluster<ServerPlace>, topicName: string): TopicCompaction {
  const post = async (dryRun: boolean) => {
    const body = { topic_name: topicName, dry_run: dryRun }
    return runSchema.parse(await askJson(server, 'compaction:run', { method: 'POST', body }))
  }
  return {
    preview: async () =>
      (await post(true)).previews.map((preview) => ({
        partition: preview.partition_id,
        mergeBytes: preview.merge_bytes,
        mergeExtents: preview.merge_extents,
        cleanBytes: preview.clean_bytes,
        logStartOffset: preview.log_start_offset,
      })),
    run: async () => {
      for (let unfinished = true; unfinished; ) unfinished = (await post(false)).unfinished
    },
    report: async () => {
      const { counters, uncleanable_partitions } = reportSchema.parse(await askJson(server, 'compaction'))
      return {
        counters: {
          bytesRead: counters.bytes_read,
          bytesWritten: counters.bytes_written,
          segmentsWritten: counters.segments_written,
          recordsDropped: counters.records_dropped,
          invalidRecords: counters.invalid_records,
          objectsDeleted: counters.objects_deleted,
          itemsDeleted: counters.items_deleted,
        },
        uncleanable: uncleanable_partitions.map(({ topic_partition, reason }) => ({
          topicPartition: topic_partition,
          reason,
        })),
      }
    },
  }
}
