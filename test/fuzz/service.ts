// The service that is fuzzed: the whole app in memory, a topic that the requests may change, and one
// that they may not, whose records are read before and after.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { createApp } from '../../shared/http/app.ts'
import type { App } from '../../shared/http/context.ts'
import { splitBatches } from '../../shared/kafka/recordBatch.ts'
import { batchCrcIsValid } from '../../shared/kafka/recordBatchLayout.ts'
import { isInternalTopic } from '../../shared/topics/names.ts'
import { authorizationOf, createTestTenants } from '../support/testTenants.ts'
import type { Answer } from './answers.ts'
import { validBatch } from './batches.ts'
import { createChance } from './chance.ts'
import { restoreGroups } from './groups.ts'
import { restoreOperators } from './operators.ts'
import { type ApiDescription, type FuzzRequest, fuzzedTopic, keptTopic } from './templates.ts'

const answerMsMax = 5000
const chunksMax = 300
const topic = `/v3/clusters/local/topics/${fuzzedTopic}`

/** Small, so that what waits for a limit does not wait long. */
const limits = {
  bodyBytesMax: 1024 * 1024,
  bodiesBytesMax: 4 * 1024 * 1024,
  answersBytesMax: 128 * 1024 * 1024,
  bodyIdleMsMax: 100,
  fetchWaitMsMax: 2,
  batchEntriesMax: 10,
  streamMsMax: 2,
}

export async function createFuzzedService(loopbackOnly: boolean) {
  const { app, cluster, deps, failures } = await startService(loopbackOnly)
  for (const name of [keptTopic, fuzzedTopic]) {
    await cluster.createTopic({ name, partitionCount: 2, configs: [], validateOnly: false })
  }
  for (let seed = 0; seed < 20; seed++) {
    await cluster.produceBatches(keptTopic, seed % 2, validBatch(createChance(0, seed)))
  }

  const request = async (method: string, path: string, body: unknown) => {
    const headers = { 'content-type': 'application/json' }
    return (await app.request(path, { method, headers, body: JSON.stringify(body) })).status
  }

  return {
    app,
    ask: (request: FuzzRequest) => withinTime(() => answerOf(app.request(toRequest(request)))),
    async describe(): Promise<ApiDescription> {
      return JSON.parse(await (await app.request('/openapi.json')).text())
    },
    /** Reads what was stored, deletes what was created, creates again what was deleted. */
    async restoreTopics(): Promise<void> {
      for (const partition of [0, 1]) await checkStored(app, partition)
      const names = (await cluster.listTopics()).map(({ name }) => name)
      for (const name of names) {
        if (name !== keptTopic && !isInternalTopic(name)) await cluster.deleteTopic(name)
      }
      await cluster.createTopic({ name: fuzzedTopic, partitionCount: 2, configs: [], validateOnly: false })
      for (const partition of [0, 1]) {
        await cluster.produceBatches(fuzzedTopic, partition, validBatch(createChance(1, partition)))
      }
      await restoreGroups(cluster, deps.table, request, keptTopic)
      await restoreOperators(deps)
    },
    /** Everything that is stored in the topic that nobody may change, byte for byte, and the topic itself. */
    async readKept(): Promise<unknown> {
      const partitions = [0, 1].map((partition) => ({ partition, offset: 0, maxBytes: 10_000_000 }))
      const wanted = { topicName: keptTopic, partitions, maxBytes: 10_000_000, minBytes: 0, maxWaitMs: 0 }
      const found = [await cluster.describeTopic(keptTopic), await cluster.fetch(wanted)]
      // A copy: what is read is the memory that a mistake would write to.
      return structuredClone(found)
    },
    takeFailures: (): readonly string[] => failures.splice(0).map(describeError),
    async checkAlive(): Promise<void> {
      const body = '{"partition_id":0,"value":{"type":"STRING","data":"still here"}}'
      const headers = { 'content-type': 'application/json' }
      const produced = await app.request(`${topic}/records`, { method: 'POST', headers, body })
      assert.equal(produced.status, 200)
      const { offset } = JSON.parse(await produced.text())
      const read = await app.request(`${topic}/partitions/0/records?offset=${offset}`)
      const { records } = JSON.parse(await read.text())
      assert.equal(records[0].value, 'still here')
    },
  }
}

/** Security is on, and whatever a request says it comes from an operator: behind the door there is more to break. */
async function startService(loopbackOnly: boolean) {
  const { edge, tenants, operatorKey, deps, failures } = await createTestTenants({
    edge: { limits, loopbackOnly },
  })
  const headers = { authorization: authorizationOf(operatorKey) }
  const asOperator = new Request('http://localhost', { headers })
  const app = createApp({
    ...edge,
    // Where a path names no cluster, it means the one.
    authenticate: async (_, ...caller) => ({
      ...(await tenants.authenticate(asOperator, ...caller)),
      clusterIds: ['local'],
    }),
  })
  return { app, cluster: tenants.pool.get('local'), deps, failures }
}

/** Whatever was taken can be read: batches of format 2 whose CRC is right, offsets without holes. */
async function checkStored(app: App, partition: number): Promise<void> {
  const path = `${topic}/partitions/${partition}/records?max_bytes=9999999`
  const shown = await app.request(path)
  // A request may have deleted the topic.
  if (shown.status === 404) return
  const text = await shown.text()
  assert.equal(shown.status, 200, text)
  const { records, log_start_offset: start, next_offset: end } = JSON.parse(text)
  assert.deepEqual(
    records.map(({ offset }: { offset: number }) => offset),
    Array.from({ length: end - start }, (_, index) => start + index),
  )
  const stored = await app.request(path, { headers: { accept: 'application/vnd.millrace.recordbatch' } })
  for (const batch of splitBatches(new Uint8Array(await stored.arrayBuffer()))) {
    assert.equal(batch[16], 2)
    assert.ok(batchCrcIsValid(batch))
  }
}

/** Answers the promises that were rejected since the last call, and that nobody waits for. */
export function watchRejections(t: TestContext): () => readonly string[] {
  const rejections: unknown[] = []
  const collect = (reason: unknown): void => {
    rejections.push(reason)
  }
  process.on('unhandledRejection', collect)
  t.after(() => process.off('unhandledRejection', collect))
  return () => rejections.splice(0).map((reason) => `unhandled rejection: ${describeError(reason)}`)
}

function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

async function withinTime(work: () => Promise<Answer>): Promise<Answer> {
  const late = Promise.withResolvers<Answer>()
  const timer = setTimeout(() => {
    late.resolve({ status: 599, type: '', text: `no answer within ${answerMsMax} ms` })
  }, answerMsMax)
  try {
    return await Promise.race([work(), late.promise])
  } finally {
    clearTimeout(timer)
  }
}

async function answerOf(answering: Response | Promise<Response>): Promise<Answer> {
  const response = await answering
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    text: await response.text(),
  }
}

// What a Request does not take (a body of a GET, a line break in a header) does not reach the app either.
function toRequest({ method, path, headers, body, chunkBytes }: FuzzRequest): Request {
  const sent = new Headers()
  for (const [name, value] of headers) if (isHeaderValue(value)) sent.append(name, value)
  const bodiless = body === undefined || method === 'GET' || method === 'HEAD'
  return new Request(`http://localhost${path}`, {
    method,
    headers: sent,
    ...(bodiless ? {} : { body: bodyOf(body, chunkBytes), duplex: 'half' }),
  })
}

// Bytes, because a string would bring a Content-Type of its own.
function bodyOf(body: string | Uint8Array, chunkBytes: number | undefined) {
  const bytes = Uint8Array.from(Buffer.from(body))
  if (chunkBytes === undefined) return bytes
  const size = Math.max(chunkBytes, Math.ceil(bytes.length / chunksMax))
  const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  )
  return ReadableStream.from(chunks)
}

function isHeaderValue(value: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
}
