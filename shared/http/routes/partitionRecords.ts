// One partition's records, T/partitions/{p}/records.
// POST application/vnd.millrace.recordbatch: whole encoded batches, stored as they are: the fast path.
// GET picks by Accept: the same bytes, JSON records, or Server-Sent Events that Last-Event-ID resumes. The
// next offset of a read is always further on than the offset asked, unless there was nothing to read.

import { type RouteConfig, z } from '@hono/zod-openapi'
import { KafkaError } from '../../base/errors.ts'
import type { Cluster } from '../../service/cluster.ts'
import { type Answer, type AnswerRoom, withAnswerRoom } from '../bodies/answerRoom.ts'
import { withBody } from '../bodies/body.ts'
import { streamAnswer } from '../bodies/streamAnswer.ts'
import { workOf } from '../bodies/work.ts'
import { findCluster } from '../clusters.ts'
import type { App, HttpDeps } from '../context.ts'
import { refusal, refusals } from '../errors.ts'
import { eventStreamHeaders, followRecords } from '../follow.ts'
import { decimal, partitionParams } from '../params.ts'
import {
  jsonAnswer,
  jsonHeaders,
  mediaTypeOf,
  negotiate,
  parseParams,
  parseQuery,
  type RawContext,
  registerRaw,
} from '../rawRoute.ts'
import { fetchPartition, renderPage } from '../recordPage.ts'
import { resolveStart, startOf, startParam, timestampParam } from '../startOffset.ts'
import { renderConsumed } from '../wire/consumeRecord.ts'
import { eventStreamType, parseOffsetCursor } from '../wire/eventStream.ts'
import { offsetBehind } from '../wire/fetched.ts'
import { createLongText } from '../wire/longText.ts'
import { emptyBody } from '../wire/recordStream.ts'
import { appendedBatchesSchema, recordPageSchema } from '../wire/schemas.ts'

const recordBatchType = 'application/vnd.millrace.recordbatch'

const path = '/clusters/{cluster_id}/topics/{topic_name}/partitions/{partition_id}/records'
const tags = ['Records (v3)']
const bytes = z.string().openapi({ format: 'binary' })

const append: RouteConfig = {
  method: 'post',
  path,
  operationId: 'appendRecordBatches',
  summary: 'Append encoded record batches',
  tags,
  request: {
    params: partitionParams,
    body: { required: true, content: { [recordBatchType]: { schema: bytes } } },
  },
  responses: {
    200: {
      description: 'Stored; or had been before, where duplicate is true.',
      content: { 'application/json': { schema: appendedBatchesSchema } },
    },
    ...refusals,
    403: refusal(403),
    409: refusal(409),
    413: refusal(413),
    415: refusal(415),
  },
}

const maxBytesDefault = 1024 * 1024

const readQuery = z.object({
  offset: startParam,
  timestamp: timestampParam,
  max_bytes: decimal(
    'Bytes of batches; the first batch is whole even when it is larger.',
    maxBytesDefault,
  ).optional(),
  min_bytes: decimal('Wait until there is this much, or until timeout.', 1).optional(),
  timeout: decimal('Longest wait in ms; absent: none.', 5000).optional(),
})

const read: RouteConfig = {
  method: 'get',
  path,
  operationId: 'readPartition',
  summary: 'Read or follow a partition',
  tags,
  request: { params: partitionParams, query: readQuery },
  responses: {
    200: {
      description: 'Records from the offset on; as events the id is the offset.',
      content: {
        'application/json': { schema: recordPageSchema },
        [recordBatchType]: { schema: bytes },
        [eventStreamType]: { schema: z.string() },
      },
    },
    ...refusals,
    406: refusal(406),
    416: refusal(416),
  },
}

export function registerPartitionRecordRoutes(app: App, deps: HttpDeps): void {
  registerRaw(app, append, async (c) => {
    const { cluster_id, topic_name, partition_id } = parseParams(c, partitionParams)
    const cluster = findCluster(c, cluster_id)
    if (mediaTypeOf(c.req.header('content-type')) !== recordBatchType) {
      const hint = 'JSON records go to the records of the topic'
      throw new KafkaError('UNSUPPORTED_MEDIA_TYPE', `${recordBatchType} is read here; ${hint}`)
    }
    await cluster.admitProduce(topic_name)
    const appended = await withBody(c, deps, (body) => {
      if (body.length > 0) return cluster.produceBatches(topic_name, partition_id, body)
      throw emptyBody()
    })
    const answer = {
      cluster_id: cluster.clusterId,
      topic_name,
      partition_id,
      base_offsets: appended.baseOffsets,
      duplicate: appended.duplicate,
      log_append_time: appended.logAppendTimeMs,
    }
    return jsonAnswer(JSON.stringify(answer))
  })

  registerRaw(app, read, async (c) => {
    const { cluster_id, topic_name, partition_id } = parseParams(c, partitionParams)
    const query = parseQuery(c, readQuery)
    const cluster = findCluster(c, cluster_id)
    const type = negotiate(c.req.header('accept'), ['application/json', recordBatchType, eventStreamType])
    const source = { deps, c, cluster, topicName: topic_name, partition: partition_id, query }
    if (type === eventStreamType) return followPartition(source)
    if (type !== undefined) {
      const answer = type === recordBatchType ? batchesAnswer : recordsAnswer
      return withAnswerRoom(c, deps, cluster, (room) => answer(source, room))
    }
    throw new KafkaError(
      'NOT_ACCEPTABLE',
      `Accept application/json, ${recordBatchType} or ${eventStreamType}`,
    )
  })
}

interface Reading {
  readonly deps: HttpDeps
  readonly c: RawContext
  readonly cluster: Cluster
  readonly topicName: string
  readonly partition: number
  readonly query: z.output<typeof readQuery>
}

async function fetchFrom(reading: Reading, room: AnswerRoom) {
  const { cluster, topicName, partition, query, c, deps } = reading
  const offset = await resolveStart(cluster, topicName, partition, startOf(query))
  const fetched = await fetchPartition(room, deps.limits, {
    topicName,
    partition,
    offset,
    maxBytes: query.max_bytes ?? maxBytesDefault,
    minBytes: query.min_bytes ?? 1,
    maxWaitMs: query.timeout ?? 0,
    signal: c.req.raw.signal,
  })
  return { offset, fetched }
}

async function recordsAnswer(reading: Reading, room: AnswerRoom): Promise<Answer> {
  const { deps, c, cluster, topicName, partition } = reading
  const { offset, fetched } = await fetchFrom(reading, room)
  const text = createLongText()
  text.add(
    `{"cluster_id":${JSON.stringify(cluster.clusterId)},"topic_name":${JSON.stringify(topicName)}` +
      `,"partition_id":${partition},"high_watermark":${fetched.highWatermark}` +
      `,"log_start_offset":${fetched.logStartOffset},"records":[`,
  )
  const page = { beginWork: workOf(c, deps), room, text }
  const nextOffset = await renderPage(page, fetched.batches, offset, (record) =>
    renderConsumed(record, partition, Number.POSITIVE_INFINITY),
  )
  text.add(`],"next_offset":${nextOffset}}`)
  return { body: text.take(), headers: jsonHeaders }
}

async function batchesAnswer(reading: Reading, room: AnswerRoom): Promise<Answer> {
  const { offset, fetched } = await fetchFrom(reading, room)
  const headers = {
    'content-type': recordBatchType,
    'millrace-next-offset': String(offsetBehind(fetched.batches, offset)),
    'millrace-high-watermark': String(fetched.highWatermark),
    'millrace-log-start-offset': String(fetched.logStartOffset),
  }
  return { body: fetched.batches, isOfBlocks: true, headers }
}

async function followPartition(reading: Reading): Promise<Response> {
  const { deps, c, cluster, topicName, partition, query } = reading
  const lastEventId = c.req.header('last-event-id')
  const offset =
    lastEventId === undefined
      ? await resolveStart(cluster, topicName, partition, startOf(query))
      : parseOffsetCursor(lastEventId)
  const positions = new Map([[partition, offset]])
  return streamAnswer(c, deps, eventStreamHeaders, (signal) =>
    followRecords({ deps, c, cluster, topicName, positions, signal, renderId: (_, of) => String(of) }),
  )
}
