// The service that is fuzzed: the whole app in memory, a topic that the requests may change, and one that they may not,
// whose records are read before and after.

import assert from 'node:assert/strict'
import { createTestApp } from '../support/testCluster.ts'
import type { Answer } from './answers.ts'
import { validBatch } from './batches.ts'
import { createChance } from './chance.ts'
import { type ApiDescription, type FuzzRequest, fuzzedTopic, keptTopic } from './templates.ts'

const answerMsMax = 5000

/** Small, so that what waits for a limit does not wait long. */
const limits = {
  bodyBytesMax: 1024 * 1024,
  bodiesBytesMax: 4 * 1024 * 1024,
  bodyIdleMsMax: 100,
  fetchWaitMsMax: 2,
  batchEntriesMax: 10,
  streamMsMax: 2,
}

export async function createFuzzedService(loopbackOnly: boolean) {
  const { app, cluster, failures } = createTestApp({ limits, loopbackOnly })
  for (const name of [keptTopic, fuzzedTopic]) {
    await cluster.createTopic({ name, partitionCount: 2, configs: [], validateOnly: false })
  }
  for (let seed = 0; seed < 20; seed++) {
    await cluster.produceBatches(keptTopic, seed % 2, validBatch(createChance(seed * 100 + 2)))
  }

  return {
    app,
    ask: (request: FuzzRequest) => withinTime(() => answerOf(app.request(toRequest(request)))),
    async describe(): Promise<ApiDescription> {
      return JSON.parse(await (await app.request('/openapi.json')).text())
    },
    /** Reads what requests have stored, deletes what they have created, creates again what they have deleted. */
    async restoreTopics(): Promise<void> {
      for (const partition of [0, 1]) {
        const path = `/v3/clusters/local/topics/${fuzzedTopic}/partitions/${partition}/records?max_bytes=9999999`
        const { status } = await app.request(path)
        assert.ok(status === 200 || status === 404, `what was stored is read with status ${status}`)
      }
      const names = (await cluster.listTopics()).map(({ name }) => name)
      for (const name of names) if (name !== keptTopic) await cluster.deleteTopic(name)
      await cluster.createTopic({ name: fuzzedTopic, partitionCount: 2, configs: [], validateOnly: false })
      for (const partition of [0, 1]) {
        await cluster.produceBatches(fuzzedTopic, partition, validBatch(createChance(partition)))
      }
    },
    /** Everything that is stored in the topic that nobody may change, byte for byte, and the topic itself. */
    async readKept(): Promise<unknown> {
      const partitions = [0, 1].map((partition) => ({ partition, offset: 0, maxBytes: 10_000_000 }))
      const wanted = { topicName: keptTopic, partitions, maxBytes: 10_000_000, minBytes: 0, maxWaitMs: 0 }
      return { topic: await cluster.describeTopic(keptTopic), fetched: await cluster.fetch(wanted) }
    },
    takeFailures: (): readonly string[] => failures.splice(0).map(describeError),
    async checkAlive(): Promise<void> {
      const path = `/v3/clusters/local/topics/${fuzzedTopic}/records`
      const body = '{"partition_id":0,"value":{"type":"STRING","data":"still here"}}'
      const headers = { 'content-type': 'application/json' }
      const produced = await app.request(path, { method: 'POST', headers, body })
      assert.equal(produced.status, 200)
      const { offset } = JSON.parse(await produced.text())
      const read = await app.request(
        `/v3/clusters/local/topics/${fuzzedTopic}/partitions/0/records?offset=${offset}`,
      )
      const { records } = JSON.parse(await read.text())
      assert.equal(records[0].value, 'still here')
    },
  }
}

export function describeError(error: unknown): string {
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
function toRequest({ method, path, headers, body }: FuzzRequest): Request {
  const sent = new Headers()
  for (const [name, value] of headers) if (isHeaderValue(value)) sent.append(name, value)
  const bodiless = body === undefined || method === 'GET' || method === 'HEAD'
  return new Request(`http://localhost${path}`, {
    method,
    headers: sent,
    ...(bodiless ? {} : { body: typeof body === 'string' ? body : Uint8Array.from(body) }),
  })
}

function isHeaderValue(value: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
}
