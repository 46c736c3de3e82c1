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
