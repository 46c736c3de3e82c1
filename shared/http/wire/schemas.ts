// The shapes of produced and consumed records for the API description. They describe; the parsers beside
// them decide.

import { z } from '@hono/zod-openapi'

const base64 = z.string().openapi({ format: 'byte' })

const produceDataSchema = z
  .object({
    type: z.enum(['BINARY', 'JSON', 'STRING']).optional(),
    data: z.any().openapi({ description: 'Base64, any JSON or a string, as type says; null is null.' }),
  })
  .openapi('ProduceRequestData')

export const produceRequestSchema = z
  .object({
    partition_id: z.int().nullish(),
    headers: z.array(z.object({ name: z.string(), value: base64.nullish() })).optional(),
    key: produceDataSchema.nullish(),
    value: produceDataSchema.nullish(),
    timestamp: z.string().nullish().openapi({ format: 'date-time' }),
  })
  .openapi('ProduceRequest')

const producedDataSchema = z
  .object({ type: z.string(), size: z.int() })
  .openapi('ProduceResponseData', { example: { type: 'BINARY', size: 7 } })

const storedFields = {
  cluster_id: z.string(),
  topic_name: z.string(),
  partition_id: z.int(),
  offset: z.int(),
  timestamp: z.string().openapi({ format: 'date-time' }),
  key: producedDataSchema.optional(),
  value: producedDataSchema.optional(),
}

export const produceResponseSchema = z
  .object({ error_code: z.int(), message: z.string().optional() })
  .extend(z.object(storedFields).partial().shape)
  .openapi('ProduceResponse')

export const produceBatchRequestSchema = z
  .object({ entries: z.array(produceRequestSchema.extend({ id: z.string().min(1).max(80) })) })
  .openapi('ProduceBatchRequest')

export const produceBatchResponseSchema = z
  .object({
    successes: z.array(z.object({ id: z.string(), ...storedFields })),
    failures: z.array(z.object({ id: z.string(), error_code: z.int(), message: z.string() })),
  })
  .openapi('ProduceBatchResponse')

export const produceHeaders = z.object({
  'Producer-Id': z.string().optional().openapi({ description: 'With the other two: an idempotent append.' }),
  'Producer-Epoch': z.string().optional(),
  'Producer-Seq': z
    .string()
    .optional()
    .openapi({ description: "The sequence of the request's first record." }),
})

const dataMetadataSchema = z
  .object({ data_format: z.enum(['JSON', 'UTF8_STRING', 'RAW_BYTES', 'BASE64']) })
  .nullable()

const consumedRecordSchema = z
  .object({
    partition_id: z.int(),
    offset: z.int(),
    timestamp: z.int(),
    timestamp_type: z.enum(['CREATE_TIME', 'LOG_APPEND_TIME']),
    headers: z.array(z.object({ key: z.string(), value: z.any() })),
    key: z.any(),
    value: z.any(),
    metadata: z.object({ key_metadata: dataMetadataSchema, value_metadata: dataMetadataSchema }),
    exceeded_fields: z.object({ key: z.boolean(), value: z.boolean() }),
  })
  .openapi('PartitionConsumeRecord')

export const recordPageSchema = z
  .object({
    cluster_id: z.string(),
    topic_name: z.string(),
    partition_id: z.int(),
    next_offset: z.int(),
    high_watermark: z.int(),
    log_start_offset: z.int(),
    records: z.array(consumedRecordSchema),
  })
  .openapi('RecordPage')

export const consumeRequestSchema = z
  .object({
    offsets: z.array(z.object({ partition_id: z.int().min(0), offset: z.int().min(0) })).nullish(),
    max_poll_records: z.int().min(0).nullish(),
    timestamp: z.int().min(0).nullish(),
    fetch_max_bytes: z.int().min(0).nullish(),
    message_max_bytes: z.int().min(0).nullish(),
    from_beginning: z.boolean().nullish(),
    max_wait_ms: z.int().min(0).nullish().openapi({ description: 'Waits for records where there are none.' }),
    data_format: z.literal('BASE64').nullish().openapi({
      description: 'Keys, values and header values as base64 of their bytes; absent: as what they look like.',
    }),
  })
  .openapi('SimpleConsumeMultiPartitionRequest')

export const consumeResponseSchema = z
  .object({
    cluster_id: z.string(),
    topic_name: z.string(),
    partition_data_list: z.array(
      z.object({
        partition_id: z.int(),
        next_offset: z.int(),
        log_start_offset: z.int(),
        high_watermark: z.int(),
        records: z.array(consumedRecordSchema),
      }),
    ),
  })
  .openapi('SimpleConsumeMultiPartitionResponse')

export const appendedBatchesSchema = z
  .object({
    cluster_id: z.string(),
    topic_name: z.string(),
    partition_id: z.int(),
    base_offsets: z.array(z.int()).openapi({ description: 'Of each batch, in the order of the body.' }),
    duplicate: z.boolean().openapi({ description: 'All of them had been stored before.' }),
    log_append_time: z.int().openapi({ description: '-1 where the topic keeps CreateTime.' }),
  })
  .openapi('AppendedBatches')
