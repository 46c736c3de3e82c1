// POST /v2/metrics/cloud/query: what a cluster used, by the names of Confluent's Metrics API, as far as hours say it.
// Refuses what it cannot answer: other metrics, filters and granularities.

import { createRoute, z } from '@hono/zod-openapi'
import { KafkaError } from '../../base/errors.ts'
import { formatIsoInstant, parseIsoInstant } from '../../base/isoTime.ts'
import { usageMetrics } from '../../metadata/usageItem.ts'
import { sumUsage, type UsagePoint } from '../../metering/readUsage.ts'
import { withJsonBody } from '../bodies/jsonBody.ts'
import type { App, HttpDeps } from '../context.ts'
import { refusal, refusals } from '../errors.ts'

const prefix = 'io.confluent.kafka.server/'
const metricName = z.enum(usageMetrics.map((name) => `${prefix}${name}` as const))
const hourMs = 3_600_000
const granularities = { PT1H: hourMs, P1D: 24 * hourMs, ALL: Number.POSITIVE_INFINITY } as const
const daysMax = 92

const labels = { 'metric.topic': 'topic', 'metric.principal_id': 'principal' } as const

const queryBody = z.object({
  aggregations: z.array(z.object({ metric: metricName, agg: z.literal('SUM').optional() })).length(1),
  filter: z.object({ field: z.literal('resource.kafka.id'), op: z.literal('EQ'), value: z.string() }),
  granularity: z.enum(['PT1H', 'P1D', 'ALL']),
  intervals: z
    .array(z.string())
    .length(1)
    .openapi({ example: ['2026-11-22T00:00:00Z/2026-11-23T00:00:00Z'] }),
  group_by: z.array(z.enum(['metric.topic', 'metric.principal_id', 'resource.kafka.id'])).default([]),
  limit: z.int().min(1).max(1000).default(100),
})

const point = z.object({
  timestamp: z.string(),
  value: z.number(),
  'metric.topic': z.string().optional(),
  'metric.principal_id': z.string().optional(),
  'resource.kafka.id': z.string().optional(),
})

const queryUsage = createRoute({
  method: 'post',
  path: '/v2/metrics/cloud/query',
  operationId: 'queryMetrics',
  summary: 'Query what a cluster used',
  description:
    'Counted by the hour, at most ten seconds late; an hour belongs to the interval that it begins in.',
  tags: ['Usage'],
  request: { body: { required: true, content: { 'application/json': { schema: queryBody } } } },
  responses: {
    200: {
      description: 'By time; retained_bytes are an average, the others sums.',
      content: { 'application/json': { schema: z.object({ data: z.array(point) }) } },
    },
    ...refusals,
    401: refusal(401),
    403: refusal(403),
  },
})

export function registerUsageRoutes(app: App, deps: HttpDeps): void {
  app.openapi(withJsonBody(deps, queryUsage), async (c) => {
    const { aggregations, filter, granularity, intervals, group_by, limit } = c.req.valid('json')
    const { usage } = c.var.access
    if (usage === undefined) {
      throw new KafkaError('SECURITY_DISABLED', 'Security is off here: nobody counts what is used.')
    }
    const { fromMs, toMs } = parseInterval(intervals[0] ?? '')
    const metric =
      usageMetrics.find((name) => aggregations[0]?.metric === `${prefix}${name}`) ?? 'request_count'
    const groupBy = group_by.flatMap((name) => (name === 'resource.kafka.id' ? [] : [labels[name]]))
    const hours = await usage(filter.value, fromMs, toMs)
    const points = sumUsage(hours, metric, granularities[granularity], groupBy)
    const cluster = group_by.includes('resource.kafka.id') ? { 'resource.kafka.id': filter.value } : {}
    return c.json({ data: points.slice(0, limit).map((one) => ({ ...pointOf(one), ...cluster })) }, 200)
  })
}

const pointOf = ({ startMs, value, labels: { topic, principal } }: UsagePoint) => ({
  timestamp: formatIsoInstant(startMs),
  value,
  ...(topic === undefined ? {} : { 'metric.topic': topic }),
  ...(principal === undefined ? {} : { 'metric.principal_id': principal.replace(/^User:/, '') }),
})

function parseInterval(text: string): { readonly fromMs: number; readonly toMs: number } {
  const [from = '', to = '', ...more] = text.split('/')
  const fromMs = parseIsoInstant(from)
  const toMs = parseIsoInstant(to)
  const isRange = fromMs !== undefined && toMs !== undefined && fromMs < toMs && more.length === 0
  if (isRange && toMs - fromMs <= daysMax * 24 * hourMs) return { fromMs, toMs }
  const wanted = `two times with a slash between them, at most ${daysMax} days apart`
  throw new KafkaError('BAD_REQUEST', `Request body "intervals[0]": expected ${wanted}`)
}
