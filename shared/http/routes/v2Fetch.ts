// GET /topics/{t}/partitions/{p}/records?offset=&timeout=&max_bytes=: Redpanda's stateless fetch. Accept
// says how keys and values are shown (json where it names no format). The answer is a bare array; a reader
// goes on behind its last offset.
// Millrace-Next-Offset says where that is, which matters where compaction left nothing to show.

import { type RouteConfig, z } from '@hono/zod-openapi'
import { KafkaError } from '../../base/errors.ts'
import { withAnswerRoom } from '../bodies/answerRoom.ts'
import { workOf } from '../bodies/work.ts'
import { onlyCluster } from '../clusters.ts'
import type { App, HttpDeps } from '../context.ts'
import { refusal, refusals, v2Json } from '../errors.ts'
import { decimal, partitionIdParam, topicNameParam } from '../params.ts'
import { negotiate, parseParams, parseQuery, registerRaw } from '../rawRoute.ts'
import { fetchPartition, renderPage } from '../recordPage.ts'
import { resolveStart, startOf, startParam } from '../startOffset.ts'
import { createLongText } from '../wire/longText.ts'
import { v2Formats } from '../wire/v2Format.ts'
import { renderV2Record } from '../wire/v2Record.ts'
import { v2RecordsSchema } from '../wire/v2Schemas.ts'

const params = z.object({ topic_name: topicNameParam, partition_id: partitionIdParam })
const maxBytesDefault = 1024 * 1024

const query = z.object({
  offset: startParam,
  timeout: decimal('Longest wait for a record, in ms; absent: none.', 1000).optional(),
  max_bytes: decimal('Bytes of batches; the first batch is whole.', maxBytesDefault).optional(),
})

const jsonType = 'application/vnd.kafka.json.v2+json'
const offered = [jsonType, ...v2Formats.keys(), v2Json, 'application/json']

const fetchRecords: RouteConfig = {
  method: 'get',
  path: '/topics/{topic_name}/partitions/{partition_id}/records',
  operationId: 'fetchPartitionRecords',
  summary: 'Read a partition at an offset',
  tags: ['Records (v2)'],
  request: { params, query },
  responses: {
    200: {
      description: 'Records from the offset on.',
      content: Object.fromEntries(
        Array.from(v2Formats.keys(), (type) => [type, { schema: v2RecordsSchema }]),
      ),
    },
    ...refusals,
    406: refusal(406),
    416: refusal(416),
  },
}

export function registerV2FetchRoutes(app: App, deps: HttpDeps): void {
  registerRaw(app, fetchRecords, async (c) => {
    const { topic_name, partition_id } = parseParams(c, params)
    const { offset: from, timeout = 0, max_bytes = maxBytesDefault } = parseQuery(c, query)
    const cluster = onlyCluster(c)
    const accepted = negotiate(c.req.header('accept'), offered)
    if (accepted === undefined) throw new KafkaError('NOT_ACCEPTABLE', `Accept one of ${offered.join(', ')}`)
    const type = v2Formats.has(accepted) ? accepted : jsonType
    const offset = await resolveStart(cluster, topic_name, partition_id, startOf({ offset: from }))
    return withAnswerRoom(c, deps, cluster, async (room) => {
      const fetched = await fetchPartition(room, deps.limits, {
        topicName: topic_name,
        partition: partition_id,
        offset,
        maxBytes: max_bytes,
        minBytes: 1,
        maxWaitMs: timeout,
        signal: c.req.raw.signal,
      })
      const topic = JSON.stringify(topic_name)
      const format = v2Formats.get(type) ?? 'json'
      const text = createLongText()
      text.add('[')
      const page = { beginWork: workOf(c, deps), room, text }
      const nextOffset = await renderPage(page, fetched.batches, offset, (record) =>
        renderV2Record(record, topic, partition_id, format),
      )
      text.add(']')
      const headers = { 'content-type': type, 'millrace-next-offset': String(nextOffset) }
      return { body: text.take(), headers }
    })
  })
}
