// A topic's compaction through the API of a running server.

import { z } from 'zod'
import { clusterId } from '../dataFolder.ts'
import type { TopicCompaction } from './compact.ts'

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

const errorSchema = z.object({ message: z.string() })

export const compactServer = (
  url: string,
  topicName: string,
  work: (compaction: TopicCompaction) => Promise<number>,
): Promise<number> => work(compactionOf(url, topicName))

function compactionOf(url: string, topicName: string): TopicCompaction {
  const path = `/v3/clusters/${clusterId}/compaction`
  const post = async (dryRun: boolean) => {
    const body = JSON.stringify({ topic_name: topicName, dry_run: dryRun })
    const headers = { 'content-type': 'application/json' }
    return runSchema.parse(await ask(url, `${path}:run`, { method: 'POST', headers, body }))
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
      const { counters, uncleanable_partitions } = reportSchema.parse(await ask(url, path))
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

async function ask(url: string, path: string, init: RequestInit = {}): Promise<unknown> {
  const response = await fetch(new URL(path, url), init).catch((error: unknown) => {
    const { cause } = error instanceof Error ? error : {}
    throw new Error(`No server answers at ${url}: ${cause instanceof Error ? cause.message : String(error)}`)
  })
  const text = await response.text()
  const body = parseJson(text)
  if (response.ok && body !== undefined) return body
  const refusal = errorSchema.safeParse(body)
  throw new Error(
    refusal.success ? refusal.data.message : `${url} answers ${response.status} and not as a Millrace.`,
  )
}

/** undefined: it is none. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
