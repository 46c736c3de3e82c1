// POST T/partitions/-/consume: reads several partitions at once, without an instance, as the Confluent
// editors do.
// Where to begin, the first that is given: from_beginning (true: earliest, false: latest), timestamp,
// offsets (of these partitions alone, moved up to the log start), else latest. next_offset is where the next
// request of that partition goes on. Ours: max_wait_ms waits for records where there are none, data_format
// BASE64 gives bytes as they are, and log_start_offset and high_watermark say where the log begins and ends.

import type { RouteConfig, z } from '@hono/zod-openapi'
import type { GiveWay } from '../../ports/giveWay.ts'
import type { Cluster, FetchedPartition } from '../../service/cluster.ts'
import { type Answer, withAnswerRoom } from '../bodies/answerRoom.ts'
import { readBody } from '../bodies/body.ts'
import { jsonBodyBytesMax } from '../bodies/jsonBody.ts'
import { doWork, workOf } from '../bodies/work.ts'
import { findCluster } from '../clusters.ts'
import type { App, HttpDeps } from '../context.ts'
import { refusal, refusals } from '../errors.ts'
import { topicParams } from '../params.ts'
import { jsonHeaders, parsed, parseParams, registerRaw, requireJson } from '../rawRoute.ts'
import { pageCharactersMax } from '../recordPage.ts'
import { resolveStarts, type Start, unknownPartition } from '../startOffset.ts'
import { renderConsumed, showBytes, showValue } from '../wire/consumeRecord.ts'
import { walkRecords } from '../wire/fetched.ts'
import { parseJson } from '../wire/json.ts'
import { createLongText } from '../wire/longText.ts'
import { consumeRequestSchema, consumeResponseSchema } from '../wire/schemas.ts'

type ConsumeRequest = z.output<typeof consumeRequestSchema>

const pollRecordsMax = 2000
const messageBytesDefault = 4 * 1024 * 1024

const consume: RouteConfig = {
  method: 'post',
  path: '/clusters/{cluster_id}/topics/{topic_name}/partitions/-/consume',
  operationId: 'consumeRecords',
  summary: 'Consume records of several partitions',
  tags: ['Records (v3)'],
  request: {
    params: topicParams,
    body: { required: false, content: { 'application/json': { schema: consumeRequestSchema } } },
  },
  responses: {
    200: {
      description: 'Records by partition.',
      content: { 'application/json': { schema: consumeResponseSchema } },
    },
    ...refusals,
    413: refusal(413),
    415: refusal(415),
  },
}

export function registerConsumeRoutes(app: App, deps: HttpDeps): void {
  registerRaw(app, consume, async (c) => {
    const { cluster_id, topic_name } = parseParams(c, topicParams)
    const cluster = findCluster(c, cluster_id)
    requireJson(c)
    const body = await readBody(c, deps, jsonBodyBytesMax)
    const json = body.length === 0 ? {} : parseJson(body, 'in the request body').value
    const request = parsed('json', consumeRequestSchema, json)
    const positions = await findPositions(cluster, topic_name, request)
    const { bodyBytesMax, fetchWaitMsMax } = deps.limits
    return withAnswerRoom(c, deps, cluster, async (room) => {
      const fetched = await fetchAll({
        cluster: room,
        topicName: topic_name,
        positions,
        maxBytes: Math.min(request.fetch_max_bytes ?? bodyBytesMax, bodyBytesMax),
        maxWaitMs: Math.min(request.max_wait_ms ?? 0, fetchWaitMsMax),
        signal: c.req.raw.signal,
      })
      const charactersMax = room.charactersMax(pageCharactersMax)
      const names = { clusterId: cluster.clusterId, topicName: topic_name }
      const consumed = { ...names, fetched, positions, request, charactersMax }
      const body = await doWork(workOf(c, deps), (giveWay) => render(giveWay, consumed))
      return { body, headers: jsonHeaders }
    })
  })
}

async function findPositions(
  cluster: Cluster,
  topicName: string,
  request: ConsumeRequest,
): Promise<Map<number, number>> {
  const asked = askedOffsets(request)
  const start = startOf(request)
  // The usual request of a reader that goes on: nothing is looked up for it.
  if (asked.size > 0 && start === undefined) return asked
  const { partitionCount } = await cluster.describeTopic(topicName)
  const partitions = asked.size > 0 ? [...asked.keys()] : Array.from({ length: partitionCount }, (_, n) => n)
  const unknown = partitions.find((partition) => partition >= partitionCount)
  if (unknown !== undefined) throw unknownPartition(topicName, unknown)
  return resolveStarts(cluster, topicName, partitions, start ?? { kind: 'latest' })
}

function askedOffsets(request: ConsumeRequest): Map<number, number> {
  return new Map((request.offsets ?? []).map(({ partition_id, offset }) => [partition_id, offset]))
}

function startOf(request: ConsumeRequest): Start | undefined {
  const { from_beginning, timestamp } = request
  if (typeof from_beginning === 'boolean') return { kind: from_beginning ? 'earliest' : 'latest' }
  return typeof timestamp === 'number' ? { kind: 'timestamp', timestamp } : undefined
}

interface Consuming {
  readonly cluster: Pick<Cluster, 'fetch'>
  readonly topicName: string
  readonly positions: Map<number, number>
  readonly maxBytes: number
  readonly maxWaitMs: number
  readonly signal: AbortSignal
}

// An offset below the log start is moved up to it; other errors of a partition are the answer's.
async function fetchAll(consuming: Consuming): Promise<readonly FetchedPartition[]> {
  const { positions } = consuming
  const first = await fetchOnce(consuming)
  const expired = first.filter(({ partition, error, logStartOffset }) => {
    return error?.code === 'OFFSET_OUT_OF_RANGE' && (positions.get(partition) ?? 0) < logStartOffset
  })
  for (const { partition, logStartOffset } of expired) positions.set(partition, logStartOffset)
  const fetched = expired.length === 0 ? first : await fetchOnce(consuming)
  const failed = fetched.find(({ error }) => error !== undefined)
  if (failed?.error !== undefined) throw failed.error
  return fetched
}

function fetchOnce({ cluster, topicName, positions, maxBytes, maxWaitMs, signal }: Consuming) {
  const partitions = Array.from(positions, ([partition, offset]) => ({ partition, offset, maxBytes }))
  const minBytes = maxWaitMs > 0 ? 1 : 0
  return cluster.fetch({ topicName, partitions, maxBytes, minBytes, maxWaitMs, signal })
}

interface Consumed {
  readonly clusterId: string
  readonly topicName: string
  readonly fetched: readonly FetchedPartition[]
  readonly positions: ReadonlyMap<number, number>
  readonly request: ConsumeRequest
  readonly charactersMax: number
}

async function render(giveWay: GiveWay, consumed: Consumed): Promise<Answer['body']> {
  const { clusterId, topicName, fetched, positions, request, charactersMax } = consumed
  const fieldBytesMax = request.message_max_bytes ?? messageBytesDefault
  const show = request.data_format === 'BASE64' ? showBytes : showValue
  let recordsLeft = Math.min(request.max_poll_records ?? pollRecordsMax, pollRecordsMax)
  const text = createLongText()
  text.add(
    `{"cluster_id":${JSON.stringify(clusterId)},"topic_name":${JSON.stringify(topicName)},"partition_data_list":[`,
  )
  for (const [i, { partition, batches, logStartOffset, highWatermark }] of fetched.entries()) {
    const ends = `"log_start_offset":${logStartOffset},"high_watermark":${highWatermark}`
    text.add(`${i > 0 ? ',' : ''}{"partition_id":${partition},${ends},"records":[`)
    let isFirst = true
    // Each partition with records gives one at least, so that a reader of many gets on in all of them.
    const next = await walkRecords(giveWay, batches, positions.get(partition) ?? 0, (record) => {
      const shown = renderConsumed(record, partition, fieldBytesMax, show)
      text.add(isFirst ? shown : `,${shown}`)
      isFirst = false
      recordsLeft--
      return recordsLeft > 0 && text.length() < charactersMax
    })
    text.add(`],"next_offset":${next}}`)
  }
  text.add(']}')
  return text.take()
}
