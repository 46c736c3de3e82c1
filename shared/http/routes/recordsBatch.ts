// POST T/records:batch: up to limits.batchEntriesMax records, each with an id of the caller's, answered
// with 207 and what became of each. Refuses the whole (42208) where the ids cannot tell the entries apart
// or there are too many.

import type { RouteConfig } from '@hono/zod-openapi'
import { invariant, KafkaError } from '../../base/errors.ts'
import type { Cluster } from '../../service/cluster.ts'
import { withBody } from '../bodies/body.ts'
import { doWork, workOf } from '../bodies/work.ts'
import { findCluster } from '../clusters.ts'
import type { App, HttpDeps } from '../context.ts'
import { errorBody, refusal, refusals } from '../errors.ts'
import { topicParams } from '../params.ts'
import { jsonAnswer, parseParams, registerRaw, requireJson } from '../rawRoute.ts'
import { elementSpans, isArray, isObject, memberSpans, parseJson } from '../wire/json.ts'
import { emptyBody } from '../wire/recordStream.ts'
import { produceBatchRequestSchema, produceBatchResponseSchema } from '../wire/schemas.ts'
import { parseV3Record, renderStored, reportPrefix, type V3Record } from '../wire/v3Record.ts'

const idLengthMax = 80

const produceBatch: RouteConfig = {
  method: 'post',
  path: '/clusters/{cluster_id}/topics/{topic_name}/records:batch',
  operationId: 'produceRecordsBatch',
  summary: 'Produce a batch of records',
  tags: ['Records (v3)'],
  request: {
    params: topicParams,
    body: { required: true, content: { 'application/json': { schema: produceBatchRequestSchema } } },
  },
  responses: {
    207: {
      description: 'What became of each entry.',
      content: { 'application/json': { schema: produceBatchResponseSchema } },
    },
    ...refusals,
    413: refusal(413),
    415: refusal(415),
    422: refusal(422),
  },
}

export function registerRecordBatchRoutes(app: App, deps: HttpDeps): void {
  registerRaw(app, produceBatch, async (c) => {
    const { cluster_id, topic_name } = parseParams(c, topicParams)
    const cluster = findCluster(c, cluster_id)
    requireJson(c)
    await cluster.admitProduce(topic_name)
    return withBody(c, deps, async (body) => {
      if (body.length === 0) throw emptyBody()
      const entries = await doWork(workOf(c, deps), async () =>
        parseEntries(body, deps.limits.batchEntriesMax),
      )
      return jsonAnswer(await produceEntries(cluster, topic_name, entries), {}, 207)
    })
  })
}

interface Entry {
  readonly id: string
  readonly parsed: V3Record | KafkaError
}

function parseEntries(body: Uint8Array, entriesMax: number): readonly Entry[] {
  const { text, value } = parseJson(body, 'in the request body')
  const entries = isObject(value) ? value.entries : undefined
  if (!isArray(entries) || entries.length === 0) throw refuse('entries is not an array of records')
  if (entries.length > entriesMax)
    throw refuse(`there are ${entries.length} entries, at most ${entriesMax} are taken`)
  const spans = elementSpans(text, memberSpans(text, 0).get('entries')?.start ?? 0)
  const ids = new Set<string>()
  return entries.map((entry, index) => {
    const id = isObject(entry) ? entry.id : undefined
    if (typeof id !== 'string' || id === '' || id.length > idLengthMax) {
      throw refuse(`entries[${index}].id is not a string of 1 to ${idLengthMax} characters`)
    }
    if (ids.has(id)) throw refuse(`entries[${index}].id is the id of another entry`)
    ids.add(id)
    const span = spans[index]
    invariant(isObject(entry) && span !== undefined, 'an entry with an id stands in the text')
    return { id, parsed: outcomeOf(() => parseV3Record(entry, text, span)) }
  })
}

function outcomeOf(parse: () => V3Record): V3Record | KafkaError {
  try {
    return parse()
  } catch (error) {
    if (error instanceof KafkaError) return error
    throw error
  }
}

async function produceEntries(
  cluster: Cluster,
  topicName: string,
  entries: readonly Entry[],
): Promise<string> {
  const records = entries.flatMap(({ parsed }) => (parsed instanceof KafkaError ? [] : [parsed.record]))
  const outcomes = records.length === 0 ? [] : await cluster.produceRecords(topicName, records)
  const prefix = reportPrefix(cluster.clusterId, topicName)
  const successes: string[] = []
  const failures: string[] = []
  let next = 0
  for (const { id, parsed } of entries) {
    if (parsed instanceof KafkaError) {
      failures.push(JSON.stringify({ id, ...errorBody(parsed) }))
      continue
    }
    const outcome = outcomes[next++]
    invariant(outcome !== undefined, 'every record that was appended has an outcome')
    if (outcome.ok) successes.push(`{"id":${JSON.stringify(id)},${prefix},${renderStored(outcome, parsed)}}`)
    else failures.push(JSON.stringify({ id, ...errorBody(outcome.error) }))
  }
  return `{"successes":[${successes.join(',')}],"failures":[${failures.join(',')}]}`
}

function refuse(trouble: string): KafkaError {
  return new KafkaError('PRODUCE_BATCH', `Produce batch: ${trouble}.`)
}
