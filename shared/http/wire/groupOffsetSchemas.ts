// The bodies and answers of the offsets of consumer groups, in v3's style. Lists are bounded: a schema looks at every
// entry before it refuses.

import { z } from '@hono/zod-openapi'

const partitionsMax = 10_000
const partitionFields = { topic_name: z.string(), partition_id: z.int().min(0) }
const partitionsSchema = z.array(z.object(partitionFields).openapi('TopicPartition')).max(partitionsMax)
const memberFields = {
  member_id: z.string().nullish().openapi({ description: 'Absent: for a group without members.' }),
  member_epoch: z.int().nullish(),
}

export const commitOffsetsSchema = z
  .object({
    ...memberFields,
    offsets: z
      .array(
        z
          .object({
            ...partitionFields,
            offset: z.int().openapi({ description: 'Of the next record to read.' }),
            leader_epoch: z.int().min(-1).nullish(),
            metadata: z.string().nullish().openapi({ description: 'At most 4,096 bytes.' }),
          })
          .openapi('OffsetToCommit'),
      )
      .max(partitionsMax),
  })
  .openapi('CommitOffsetsRequestData')

export const offsetOutcomesSchema = z
  .object({
    offsets: z.array(
      z.object({
        ...partitionFields,
        error_code: z.int().nullable().openapi({ description: 'null: done.' }),
        error_message: z.string().nullable(),
      }),
    ),
  })
  .openapi('OffsetOutcomes')

export const fetchOffsetsSchema = z
  .object({
    ...memberFields,
    partitions: partitionsSchema.nullish().openapi({ description: 'Absent: all with a committed offset.' }),
  })
  .openapi('FetchOffsetsRequestData')

export const committedOffsetsSchema = z
  .object({
    offsets: z.array(
      z
        .object({
          ...partitionFields,
          offset: z.int(),
          leader_epoch: z.int(),
          metadata: z.string(),
          commit_timestamp: z.int().openapi({ description: 'In ms since 1970.' }),
        })
        .openapi('CommittedOffset'),
    ),
  })
  .openapi('CommittedOffsets')

export const deleteOffsetsSchema = z
  .object({ partitions: partitionsSchema })
  .openapi('DeleteOffsetsRequestData')

export const resetOffsetsSchema = z
  .object({
    to: z
      .object({
        earliest: z.literal(true),
        latest: z.literal(true),
        current: z.literal(true).openapi({ description: 'As committed, moved into the log.' }),
        timestamp: z.int().min(0).openapi({ description: 'In ms since 1970.' }),
        duration_ms: z.int().min(0).openapi({ description: 'This long before now.' }),
        shift_by: z.int(),
        offset: z.int().min(0),
      })
      .partial()
      .openapi({ description: 'Exactly one of them.' }),
    topics: z
      .array(
        z.object({
          topic_name: z.string(),
          partitions: z.array(z.int().min(0)).max(partitionsMax).nullish(),
        }),
      )
      .max(partitionsMax)
      .nullish()
      .openapi({ description: 'Absent: all with a committed offset.' }),
    dry_run: z.boolean().optional().openapi({ description: 'Absent: true, nothing is changed.' }),
  })
  .openapi('ResetOffsetsRequestData')

export const offsetsResetSchema = z
  .object({
    dry_run: z.boolean(),
    offsets: z.array(
      z.object({
        ...partitionFields,
        before: z.int().nullable().openapi({ description: 'null: nothing was committed.' }),
        after: z.int(),
      }),
    ),
  })
  .openapi('ResetOffsets')
