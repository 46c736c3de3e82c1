// Names and numbers as they stand in a path or a query, for every route: parsed once, strictly, and described
// once. A number has its one decimal form: '1e3', '+1', ' 1', '01' and '0x1' are refused, and so is what a
// double cannot hold.

import { z } from '@hono/zod-openapi'

const clusterIdParam = z.string().openapi({ description: "The cluster's id.", example: 'millrace' })

export const topicNameParam = z.string().openapi({ description: "The topic's name.", example: 'orders' })

/** A non-negative integer in a path or a query; `example` shows it in the description. */
export function decimal(description: string, example: number) {
  return z
    .string()
    .regex(/^(0|[1-9]\d{0,15})$/, 'expected a non-negative integer in decimal digits')
    .transform(Number)
    .refine(Number.isSafeInteger, 'expected an integer of at most 9007199254740991')
    .openapi({ type: 'integer', minimum: 0, description, example })
}

export const partitionIdParam = decimal("The partition's number.", 0)

/** A boolean in a query: the words alone. */
export function flag(description: string) {
  return z
    .enum(['true', 'false'], { error: 'expected true or false' })
    .transform((text) => text === 'true')
    .optional()
    .openapi({ type: 'boolean', description, example: false })
}

export const clusterParams = z.object({ cluster_id: clusterIdParam })

export const topicParams = z.object({ cluster_id: clusterIdParam, topic_name: topicNameParam })

export const partitionParams = z.object({
  cluster_id: clusterIdParam,
  topic_name: topicNameParam,
  partition_id: partitionIdParam,
})

export const groupIdParam = z
  .string()
  .openapi({ description: "The consumer group's id.", example: 'invoices' })

export const groupParams = z.object({ cluster_id: clusterIdParam, consumer_group_id: groupIdParam })

export const consumerParams = groupParams.extend({
  consumer_id: z.string().openapi({ description: "The member's id." }),
})
