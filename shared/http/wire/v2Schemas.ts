// The v2 dialect's shapes of records for the API description. They describe; v2Record.ts decides.

import { z } from '@hono/zod-openapi'

const headersSchema = z.array(
  z.object({ key: z.string(), value: z.string().nullable().openapi({ format: 'byte' }) }),
)

export const v2ProduceRequestSchema = z
  .object({
    records: z.array(
      z.object({
        key: z.any(),
        value: z.any(),
        partition: z.int().nullish(),
        timestamp: z.int().nullish().openapi({ description: 'Milliseconds since 1970; absent: now.' }),
        headers: headersSchema.nullish(),
      }),
    ),
  })
  .openapi('ProducerRecordList')

export const v2ProduceResponseSchema = z
  .object({
    offsets: z.array(
      z.object({
        partition: z.int().nullable(),
        offset: z.int().nullable(),
        error_code: z.int().nullable(),
        error: z.string().nullable(),
      }),
    ),
    key_schema_id: z.null(),
    value_schema_id: z.null(),
  })
  .openapi('OffsetRecordSentList')

export const v2RecordsSchema = z
  .array(
    z.object({
      topic: z.string(),
      key: z.any(),
      value: z.any(),
      partition: z.int(),
      offset: z.int(),
      timestamp: z.int(),
      headers: headersSchema,
    }),
  )
  .openapi('ConsumerRecordList')

export const v2NewConsumerSchema = z
  .object({
    name: z.string().nullish().openapi({ description: 'Unique in the group; absent: made up.' }),
    format: z.enum(['binary', 'json', 'text']).nullish().openapi({ description: 'Absent: binary.' }),
    'auto.offset.reset': z.enum(['earliest', 'latest', 'none']).nullish(),
    'auto.commit.enable': z.enum(['true', 'false']).nullish().openapi({ description: "Confluent's name." }),
    'enable.auto.commit': z.boolean().nullish().openapi({ description: "Strimzi's name." }),
    'isolation.level': z.enum(['read_uncommitted', 'read_committed']).nullish(),
    'fetch.min.bytes': z.int().nullish(),
    'consumer.request.timeout.ms': z.int().nullish(),
  })
  .openapi('Consumer')

export const v2ConsumerSchema = z
  .object({ instance_id: z.string(), base_uri: z.string() })
  .openapi('CreatedConsumer')

export const v2SubscriptionSchema = z
  .object({ topics: z.array(z.string()).optional(), topic_pattern: z.string().optional() })
  .openapi('Topics')

export const v2SubscribedSchema = z
  .object({
    topics: z.array(z.string()),
    partitions: z
      .array(z.record(z.string(), z.array(z.int())))
      .optional()
      .openapi({ description: "What it reads of each topic; of Strimzi's dialect." }),
  })
  .openapi('SubscribedTopicList')

const v2Partition = { topic: z.string(), partition: z.int() }
const v2PartitionSchema = z.object(v2Partition).openapi('PartitionOfTopicV2')

export const v2PartitionsSchema = z.object({ partitions: z.array(v2PartitionSchema) }).openapi('Partitions')

const v2OffsetSchema = z
  .object({ ...v2Partition, offset: z.int(), metadata: z.string().nullish() })
  .openapi('OffsetCommitSeek')

export const v2OffsetsSchema = z.object({ offsets: z.array(v2OffsetSchema) }).openapi('OffsetCommitSeekList')

export const v2PositionsSchema = z
  .object({
    offsets: z.array(v2OffsetSchema).optional(),
    timestamps: z
      .array(z.object({ ...v2Partition, timestamp: z.string().openapi({ format: 'date-time' }) }))
      .optional(),
  })
  .openapi('PositionsV2')
