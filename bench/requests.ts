// The requests that the rows send, as ready bytes, and the few calls that set a topic up and look at it
// afterwards.

import { randomBytes } from 'node:crypto'
import { encodeBatch } from '../shared/kafka/recordBatch.ts'

export const recordBatchType = 'application/vnd.millrace.recordbatch'
const clusterPath = '/v3/clusters/local'

export const recordsPath = (topic: string, partition?: number): string =>
  `${clusterPath}/topics/${topic}${partition === undefined ? '' : `/partitions/${partition}`}/records`

export const groupPath = (groupId: string, verb: string): string =>
  `${clusterPath}/consumer-groups/${groupId}${verb}`

export function postRequest(path: string, type: string, body: Uint8Array): Uint8Array {
  const head = requestHead(`POST ${path}`, `content-type: ${type}\r\ncontent-length: ${body.length}\r\n`)
  return Buffer.concat([Buffer.from(head), body])
}

export const getRequest = (path: string, accept: string): Uint8Array =>
  Buffer.from(requestHead(`GET ${path}`, `accept: ${accept}\r\n`))

const requestHead = (line: string, headers: string): string =>
  `${line} HTTP/1.1\r\nhost: 127.0.0.1\r\n${headers}\r\n`

/** One uncompressed batch of records with random text. */
export function recordBatch(count: number, valueBytes: number): Uint8Array {
  const timestamp = Date.now()
  const records = Array.from({ length: count }, () => {
    return { timestamp, key: null, value: Buffer.from(randomText(valueBytes)), headers: [] }
  })
  return encodeBatch({ records, codec: 'none' })
}

/** Records as Confluent's v3 takes them: JSON objects one after the other. */
export function jsonRecords(count: number, valueBytes: number): Uint8Array {
  const records = Array.from({ length: count }, () => {
    return JSON.stringify({ value: { type: 'STRING', data: randomText(valueBytes) } })
  })
  return Buffer.from(records.join('\n'))
}

const randomText = (length: number): string => randomBytes(length).toString('base64url').slice(0, length)

export async function createTopic(port: number, topic: string, partitions: number): Promise<void> {
  await postJson(port, `${clusterPath}/topics`, { topic_name: topic, partitions_count: partitions })
}

export async function postJson<T>(port: number, path: string, body: unknown): Promise<T> {
  const headers = { 'content-type': 'application/json' }
  const answer = await call(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  return answer.json() as Promise<T>
}

/** The high watermark of each partition. */
export async function latestOffsets(port: number, topic: string, partitions: number): Promise<number[]> {
  const offsets: number[] = []
  for (let partition = 0; partition < partitions; partition++) {
    const path = `${recordsPath(topic, partition)}?offset=latest`
    const answer = await call(`http://127.0.0.1:${port}${path}`, { headers: { accept: recordBatchType } })
    offsets.push(Number(answer.headers.get('millrace-high-watermark')))
  }
  return offsets
}

/** The size of the answer to one request. */
export async function answerBytes(port: number, path: string, accept: string): Promise<number> {
  const answer = await call(`http://127.0.0.1:${port}${path}`, { headers: { accept } })
  return (await answer.arrayBuffer()).byteLength
}

async function call(url: string, init: RequestInit): Promise<Response> {
  const answer = await fetch(url, init)
  if (!answer.ok) throw new Error(`${init.method ?? 'GET'} ${url}: ${answer.status} ${await answer.text()}`)
  return answer
}
