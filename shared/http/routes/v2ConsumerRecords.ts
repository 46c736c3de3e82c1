// GET …/instances/{i}/records: the next records of a consumer instance, with timestamp and headers. What the answer
// holds is behind the instance when the answer is sent; a record that its format cannot show ends the answer before it,
// and refuses the poll that begins with it.

import { z } from '@hono/zod-openapi'
import { KafkaError } from '../../base/errors.ts'
import type { Positioned } from '../../groups/instance.ts'
import type { InstanceFormat, StoredInstance } from '../../metadata/instanceItem.ts'
import type { GiveWay } from '../../ports/giveWay.ts'
import type { PolledPartition, Rendered } from '../../service/consumerInstances.ts'
import { type Answer, withAnswerRoom } from '../bodies/answerRoom.ts'
import { doWork, workOf } from '../bodies/work.ts'
import { onlyCluster } from '../clusters.ts'
import type { App, HttpDeps } from '../context.ts'
import { refusal, v2Json } from '../errors.ts'
import { decimal } from '../params.ts'
import { mediaTypeOf, parseQuery, registerRaw } from '../rawRoute.ts'
import { pageCharactersMax } from '../recordPage.ts'
import { instanceCall, instanceRoute } from '../v2Instance.ts'
import { type RecordVisit, walkRecords } from '../wire/fetched.ts'
import { createLongText } from '../wire/longText.ts'
import { v2Formats } from '../wire/v2Format.ts'
import { renderV2Record } from '../wire/v2Record.ts'
import { v2RecordsSchema } from '../wire/v2Schemas.ts'

/** Confluent's consumer.request.max.bytes. */
const requestBytesMax = 64 * 1024 * 1024

const query = z.object({
  timeout: decimal(
    "Longest wait in ms, at most the instance's consumer.request.timeout.ms.",
    1000,
  ).optional(),
  max_bytes: decimal('Bytes of keys and values; there is one record at least.', 1_000_000).optional(),
})

const poll = instanceRoute(
  'get',
  '/records',
  { operationId: 'poll', summary: 'Read the next records of a consumer instance' },
  {
    query,
    responses: {
      200: {
        description: 'Records; none where none came in time.',
        content: Object.fromEntries(
          Array.from(v2Formats.keys(), (type) => [type, { schema: v2RecordsSchema }]),
        ),
      },
      406: refusal(406),
      416: refusal(416),
    },
  },
)

export function registerV2ConsumerRecordRoutes(app: App, deps: HttpDeps): void {
  registerRaw(app, poll, async (c) => {
    refuseHead(c.req.method)
    const { timeout, max_bytes = requestBytesMax } = parseQuery(c, query)
    const { bodyBytesMax, fetchWaitMsMax } = deps.limits
    const request = {
      formats: acceptedFormats(c.req.header('accept')),
      maxBytes: Math.min(max_bytes, requestBytesMax, bodyBytesMax),
      maxWaitMs: Math.min(timeout ?? fetchWaitMsMax, fetchWaitMsMax),
      signal: c.req.raw.signal,
    }
    const cluster = onlyCluster(c)
    return withAnswerRoom(c, deps, cluster, (room) => {
      const { consumers, id } = instanceCall(c, deps, { ...cluster, fetch: room.fetch })
      return consumers.poll(id, request, (fetched, instance) =>
        doWork(workOf(c, deps), (giveWay) =>
          renderPoll(giveWay, fetched, instance, {
            bytes: request.maxBytes,
            characters: room.charactersMax(pageCharactersMax),
          }),
        ),
      )
    })
  })
}

// HTTP serves a HEAD as the GET without its body: the records would be lost.
function refuseHead(method: string): void {
  if (method !== 'HEAD') return
  throw new KafkaError(
    'METHOD_NOT_ALLOWED',
    'HTTP 405 Method Not Allowed: only a GET can show the next records',
  )
}

const anyFormat: readonly (string | undefined)[] = ['*/*', 'application/*', 'application/json', v2Json]

/** Undefined: whatever the instance's is. */
function acceptedFormats(accept: string | undefined): readonly InstanceFormat[] | undefined {
  const types = accept?.split(',').map(mediaTypeOf)
  if (types === undefined || types.some((type) => anyFormat.includes(type))) return undefined
  return types.flatMap((type) => v2Formats.get(type ?? '') ?? [])
}

interface PageMax {
  readonly bytes: number
  readonly characters: number
}

async function renderPoll(
  giveWay: GiveWay,
  fetched: readonly PolledPartition[],
  instance: StoredInstance,
  max: PageMax,
): Promise<Rendered<Answer>> {
  const page = createPage(instance, giveWay, max)
  const positions: Positioned[] = []
  for (const polled of fetched) {
    const { topicName, partition } = polled
    positions.push({ topicName, partition, position: await page.take(polled) })
  }
  return { answer: { body: page.body(), headers: { 'content-type': typeOf(instance.format) } }, positions }
}

/** Records of one partition after the other, until there are as many as fit. */
function createPage({ format, dialect }: StoredInstance, giveWay: GiveWay, max: PageMax) {
  const text = createLongText()
  let records = 0
  let bytes = 0
  let isFull = false

  const add = (record: RecordVisit, topic: string, partition: number): void => {
    const { keyLength, valueLength } = record.cursor
    const size = Math.max(0, keyLength) + Math.max(0, valueLength)
    const shown = renderV2Record(record, topic, partition, format)
    text.add(records++ === 0 ? `[${shown}` : `,${shown}`)
    bytes += size
    isFull = text.length() >= max.characters || bytes >= max.bytes
  }

  const take = async ({ topicName, partition, position, batches }: PolledPartition): Promise<number> => {
    if (isFull) return position
    const topic = JSON.stringify(topicName)
    let next = position
    try {
      return await walkRecords(giveWay, batches, position, (record) => {
        add(record, topic, partition)
        next = record.offset + 1
        return !isFull
      })
    } catch (error) {
      if (!(error instanceof KafkaError && error.code === 'SERIALIZATION')) throw error
      // What came before it is answered, or nobody would ever get past this place to see what is wrong.
      if (records === 0) throw dialect === 'strimzi' ? new KafkaError('NOT_ACCEPTABLE', error.message) : error
      isFull = true
      return next
    }
  }

  const body = (): Answer['body'] => {
    text.add(records === 0 ? '[]' : ']')
    return text.take()
  }
  return { take, body }
}

function typeOf(format: InstanceFormat): string {
  return `application/vnd.kafka.${format}.v2+json`
}
