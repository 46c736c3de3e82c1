// Produce in the v2 dialect, POST /topics/{t} and /topics/{t}/partitions/{p}: the content type says what
// keys and values are (json where it says nothing). One outcome a record, HTTP 200 even where some were
// refused; ?async=true answers 204 without them, but not before the records are stored: a function may be
// frozen as soon as it has answered.

import { type RouteConfig, z } from '@hono/zod-openapi'
import { KafkaError } from '../../base/errors.ts'
import { answerOfRecords, withRecords } from '../bodies/jsonRecords.ts'
import { doWork, workOf } from '../bodies/work.ts'
import { onlyCluster } from '../clusters.ts'
import type { App, HttpDeps } from '../context.ts'
import { refusal, refusals, v2Json } from '../errors.ts'
import { flag, partitionIdParam, topicNameParam } from '../params.ts'
import { mediaTypeOf, parseParams, parseQuery, type RawContext, registerRaw } from '../rawRoute.ts'
import { v2Formats } from '../wire/v2Format.ts'
import { parseV2Records, renderV2Outcomes, v2RecordsMax } from '../wire/v2Record.ts'
import { v2ProduceRequestSchema, v2ProduceResponseSchema } from '../wire/v2Schemas.ts'

const topicParams = z.object({ topic_name: topicNameParam })
const partitionParams = topicParams.extend({ partition_id: partitionIdParam })
const produceQuery = z.object({ async: flag('Answer 204 without the offsets.') })

const shared: Pick<RouteConfig, 'method' | 'tags' | 'responses'> = {
  method: 'post',
  tags: ['Records (v2)'],
  responses: {
    200: {
      description: 'What became of each record.',
      content: { [v2Json]: { schema: v2ProduceResponseSchema } },
    },
    204: { description: 'Stored; the offsets were not asked for.' },
    ...refusals,
    413: refusal(413),
    415: refusal(415),
    422: refusal(422),
  },
}

const body = {
  required: true,
  content: Object.fromEntries(
    Array.from(v2Formats.keys(), (type) => [type, { schema: v2ProduceRequestSchema }]),
  ),
}

const produceToTopic: RouteConfig = {
  ...shared,
  path: '/topics/{topic_name}',
  operationId: 'send',
  summary: 'Produce records to a topic',
  request: { params: topicParams, query: produceQuery, body },
}

const produceToPartition: RouteConfig = {
  ...shared,
  path: '/topics/{topic_name}/partitions/{partition_id}',
  operationId: 'sendToPartition',
  summary: 'Produce records to a partition',
  request: { params: partitionParams, query: produceQuery, body },
}

export function registerV2ProduceRoutes(app: App, deps: HttpDeps): void {
  registerRaw(app, produceToTopic, async (c) => {
    const { topic_name } = parseParams(c, topicParams)
    return produce(c, deps, { topicName: topic_name, partition: undefined, ...parseQuery(c, produceQuery) })
  })

  registerRaw(app, produceToPartition, async (c) => {
    const { topic_name, partition_id } = parseParams(c, partitionParams)
    return produce(c, deps, {
      topicName: topic_name,
      partition: partition_id,
      ...parseQuery(c, produceQuery),
    })
  })
}

interface Target {
  readonly topicName: string
  readonly partition: number | undefined
  readonly async?: boolean | undefined
}

async function produce(c: RawContext, deps: HttpDeps, target: Target): Promise<Response> {
  const cluster = onlyCluster(c)
  const type = mediaTypeOf(c.req.header('content-type'))
  const format = type === undefined || plainJson.includes(type) ? 'json' : v2Formats.get(type)
  if (format === undefined) {
    const known = Array.from(v2Formats.keys()).join(', ')
    throw new KafkaError('UNSUPPORTED_MEDIA_TYPE', `HTTP 415 Unsupported Media Type: records are ${known}`)
  }
  await cluster.admitProduce(target.topicName)
  return withRecords(c, deps, v2RecordsMax, async (bytes) => {
    const beginWork = workOf(c, deps)
    const records = await doWork(beginWork, (giveWay) =>
      parseV2Records(giveWay, bytes, format, target.partition),
    )
    const outcomes = await cluster.produceRecords(target.topicName, records)
    if (target.async === true) return new Response(null, { status: 204 })
    const said = await doWork(beginWork, (giveWay) => renderV2Outcomes(giveWay, outcomes))
    return answerOfRecords(c, deps, cluster, said, {
      'content-type': v2Json,
    })
  })
}

const plainJson: readonly string[] = ['application/json', 'application/vnd.kafka+json', v2Json]
