// POST T/records: produce, one JSON object a record, concatenated; one delivery report a record, in order.
// A chunked body is a conversation: what has come is appended and reported while the rest is still to come.
// A body with Content-Length is read whole and answered at once; of more records than are parsed at once the reports
// go out while they are appended. With Producer-Id, Producer-Epoch and Producer-Seq the request is one idempotent
// append: all or nothing, in one partition, 409 for a gap, 403 for a stale epoch.
// GET T/records: the topic's records as Server-Sent Events.
// Left out on purpose: schemas (42205 in the record's report).

import { type RouteConfig, z } from '@hono/zod-openapi'
import { KafkaError } from '../../base/errors.ts'
import type { Cluster } from '../../service/cluster.ts'
import { openBody, type TakenBody } from '../bodies/body.ts'
import { answerOfRecords, takeRecords, withRecords } from '../bodies/jsonRecords.ts'
import { streamAnswer } from '../bodies/streamAnswer.ts'
import { createStreamRoom } from '../bodies/streamRoom.ts'
import { workOf } from '../bodies/work.ts'
import { findCluster } from '../clusters.ts'
import type { App, HttpDeps } from '../context.ts'
import { refusal, refusals } from '../errors.ts'
import { eventStreamHeaders, followRecords } from '../follow.ts'
import { appendIdempotently, idempotentRecordsMax, parseProducer } from '../idempotentProduce.ts'
import { topicParams } from '../params.ts'
import {
  jsonHeaders,
  negotiate,
  parseParams,
  parseQuery,
  type RawContext,
  registerRaw,
  requireJson,
} from '../rawRoute.ts'
import { refuseUnexpected } from '../refuseUnexpected.ts'
import {
  resolveStarts,
  type Start,
  startOf,
  startParam,
  timestampParam,
  unknownPartition,
} from '../startOffset.ts'
import { eventStreamType, parseTopicCursor, renderTopicCursor } from '../wire/eventStream.ts'
import {
  appendRecordStream,
  parsedAtOnceMax,
  type RecordSource,
  type RecordStreamRequest,
} from '../wire/recordStream.ts'
import { produceHeaders, produceRequestSchema, produceResponseSchema } from '../wire/schemas.ts'

const produce: RouteConfig = {
  method: 'post',
  path: '/clusters/{cluster_id}/topics/{topic_name}/records',
  operationId: 'produceRecord',
  summary: 'Produce records',
  tags: ['Records (v3)'],
  request: {
    params: topicParams,
    headers: produceHeaders,
    body: {
      required: true,
      description: 'One record, or several as concatenated JSON objects.',
      content: { 'application/json': { schema: produceRequestSchema } },
    },
  },
  responses: {
    200: {
      description:
        'A delivery report a record, concatenated in their order; error_code is 200 or says why not.',
      content: { 'application/json': { schema: produceResponseSchema } },
    },
    ...refusals,
    403: refusal(403),
    409: refusal(409),
    413: refusal(413),
    415: refusal(415),
    422: refusal(422),
  },
}

const followQuery = z.object({ offset: startParam, timestamp: timestampParam })

const follow: RouteConfig = {
  method: 'get',
  path: '/clusters/{cluster_id}/topics/{topic_name}/records',
  operationId: 'followTopic',
  summary: 'Follow a topic as Server-Sent Events',
  description: 'The id of an event is where to go on in every partition; Last-Event-ID resumes there.',
  tags: ['Records (v3)'],
  request: { params: topicParams, query: followQuery },
  responses: {
    200: {
      description: 'One event a record; its data is a PartitionConsumeRecord.',
      content: { [eventStreamType]: { schema: z.string() } },
    },
    ...refusals,
    406: refusal(406),
    416: refusal(416),
  },
}

export function registerRecordRoutes(app: App, deps: HttpDeps): void {
  registerRaw(app, follow, async (c) => {
    const { cluster_id, topic_name } = parseParams(c, topicParams)
    const start = parseQuery(c, followQuery)
    const cluster = findCluster(c, cluster_id)
    if (negotiate(c.req.header('accept'), [eventStreamType]) === undefined) {
      throw new KafkaError('NOT_ACCEPTABLE', `a whole topic is followed: Accept ${eventStreamType}`)
    }
    const { partitionCount } = await cluster.describeTopic(topic_name)
    const cursor = c.req.header('last-event-id')
    const resumed = cursor === undefined ? new Map<number, number>() : parseTopicCursor(cursor)
    const spec = cursor === undefined ? startOf(start) : ({ kind: 'earliest' } as const)
    const positions = await findPositions(cluster, topic_name, partitionCount, resumed, spec)
    return streamAnswer(c, deps, eventStreamHeaders, (signal) =>
      followRecords({
        deps,
        c,
        cluster,
        topicName: topic_name,
        positions,
        signal,
        renderId: renderTopicCursor,
      }),
    )
  })

  registerRaw(app, produce, async (c) => {
    const { cluster_id, topic_name } = parseParams(c, topicParams)
    const cluster = findCluster(c, cluster_id)
    requireJson(c)
    await cluster.admitProduce(topic_name)
    const beginWork = workOf(c, deps)
    const producer = parseProducer((name) => c.req.header(name))
    if (producer !== undefined) {
      const answer = (reports: string) => answerOfRecords(c, deps, cluster, reports, jsonHeaders)
      return withRecords(c, deps, idempotentRecordsMax, (body) =>
        appendIdempotently({ cluster, topicName: topic_name, producer, beginWork, answer }, body),
      )
    }
    const request = {
      cluster,
      topicName: topic_name,
      recordBytesMax: deps.limits.bodyBytesMax,
      beginWork,
      asRefusal: (error: unknown) => refuseUnexpected(deps, c, error),
    }
    if (c.req.header('content-length') === undefined) return converse(c, deps, request)
    return appendWhole(c, deps, request)
  })
}

/** Of every partition, in their order: where the reader was, else `start`. */
async function findPositions(
  cluster: Cluster,
  topicName: string,
  partitionCount: number,
  known: ReadonlyMap<number, number>,
  start: Start,
): Promise<Map<number, number>> {
  const unknown = Array.from(known.keys()).find((partition) => partition >= partitionCount)
  if (unknown !== undefined) throw unknownPartition(topicName, unknown)
  const partitions = Array.from({ length: partitionCount }, (_, partition) => partition)
  const wanted = partitions.filter((partition) => !known.has(partition))
  const found = await resolveStarts(cluster, topicName, wanted, start)
  return new Map(
    partitions.map((partition) => [partition, known.get(partition) ?? found.get(partition) ?? 0]),
  )
}

type StreamRequest = Omit<RecordStreamRequest, 'source'>

async function appendWhole(c: RawContext, deps: HttpDeps, request: StreamRequest): Promise<Response> {
  const taken = await takeRecords(c, deps, parsedAtOnceMax)
  const reports = appendTaken(taken, request)
  if (taken.isMore) return streamAnswer(c, deps, jsonHeaders, () => reports)
  let text = ''
  for await (const report of reports) text += report
  return answerOfRecords(c, deps, request.cluster, text, jsonHeaders)
}

async function* appendTaken({ body, giveBack }: TakenBody, request: StreamRequest): AsyncGenerator<string> {
  try {
    yield* appendRecordStream({ ...request, source: wholeBody(body) })
  } finally {
    giveBack()
  }
}

function converse(c: RawContext, deps: HttpDeps, request: StreamRequest): Promise<Response> {
  const source = chunkedBody(c, deps)
  return streamAnswer(c, deps, jsonHeaders, () => appendRecordStream({ ...request, source }))
}

function wholeBody(body: Uint8Array): RecordSource {
  let rest: Uint8Array | undefined = body
  return {
    read: () => {
      const chunk = rest
      rest = undefined
      return Promise.resolve(chunk)
    },
    room: undefined,
  }
}

// Between records a client may be silent until the stream's time is up, inside one it may not.
function chunkedBody(c: RawContext, deps: HttpDeps): RecordSource {
  const { bodyBytesMax, streamMsMax } = deps.limits
  const stream = openBody(c, deps)
  const endsAt = deps.clock.now() + streamMsMax
  return {
    read: (insideRecord) => {
      const left = Math.max(0, endsAt - deps.clock.now())
      return stream.read(left, insideRecord)
    },
    room: createStreamRoom(deps.bodyRoom, c.get('access').tenant, bodyBytesMax),
  }
}
