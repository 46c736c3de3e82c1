// The demo's three ways into the log. Each tells `acknowledge` where every record went and what the log is to
// hold there.

import { partitionForKey } from '../shared/kafka/murmur2.ts'
import { encodeBatch } from '../shared/kafka/recordBatch.ts'
import { type Target, topicPath } from './client.ts'
import type { DemoRecord } from './dataSets.ts'
import type { StoredRecord } from './tally.ts'

export type Acknowledge = (partition: number, record: StoredRecord) => void

export type Produce = (
  target: Target,
  records: readonly DemoRecord[],
  acknowledge: Acknowledge,
) => Promise<void>

const recordsPerChunk = 200
const recordsPerBatch = 500
const batchesPerRequest = 8

interface Report {
  readonly error_code: number
  readonly message?: string
  readonly partition_id: number
  readonly offset: number
}

/** One request of concatenated JSON records; reports come back while the rest is still on its way. */
export const produceStream: Produce = async (target, records, acknowledge) => {
  const response = await target.client.send('POST', `${topicPath(target)}/records`, {
    headers: { 'content-type': 'application/json' },
    body: ReadableStream.from(v3Chunks(records)),
    duplex: 'half',
  })
  let reported = 0
  for await (const line of linesOf(response)) {
    const report: Report = JSON.parse(line)
    if (report.error_code !== 200) throw new Error(`record ${reported} was refused: ${line}`)
    const record = itemAt(records, reported++)
    acknowledge(report.partition_id, { ...storedBytes(record), offset: report.offset })
  }
  if (reported < records.length) throw new Error(`${records.length} records were sent, ${reported} reported`)
}

function* v3Chunks(records: readonly DemoRecord[]): Generator<Uint8Array> {
  for (let start = 0; start < records.length; start += recordsPerChunk) {
    const chunk = records.slice(start, start + recordsPerChunk)
    yield Buffer.from(chunk.map(v3Record).join('\n'))
  }
}

function v3Record({ key, value, timestamp }: DemoRecord): string {
  const time = new Date(timestamp).toISOString()
  return (
    `{"key":{"type":"STRING","data":${JSON.stringify(key)}},"value":{"type":"JSON","data":${value}}` +
    `,"timestamp":"${time}"}`
  )
}

async function* linesOf(response: Response): AsyncGenerator<string> {
  if (response.body === null) return
  let rest = ''
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}

/** Batches that the client encodes, compresses and sends to the partition of their keys. */
export const produceBatches: Produce = async (target, records, acknowledge) => {
  const byPartition = Map.groupBy(records, ({ key }) =>
    partitionForKey(Buffer.from(key), target.partitionCount),
  )
  await Promise.all(
    Array.from(byPartition, async ([partition, own]) => {
      for (const part of partsOf(own, recordsPerBatch * batchesPerRequest)) {
        const batches = partsOf(part, recordsPerBatch)
        const baseOffsets = await appendBatches(target, partition, batches)
        for (const [index, batch] of batches.entries()) {
          const baseOffset = itemAt(baseOffsets, index)
          for (const [delta, record] of batch.entries()) {
            acknowledge(partition, { ...storedBytes(record), offset: baseOffset + delta })
          }
        }
      }
    }),
  )
}

async function appendBatches(
  target: Target,
  partition: number,
  batches: readonly (readonly DemoRecord[])[],
): Promise<readonly number[]> {
  const body = batches.map((batch) => {
    return encodeBatch({
      codec: 'zstd',
      records: batch.map((record) => ({ ...storedBytes(record), headers: [] })),
    })
  })
  const path = `${topicPath(target)}/partitions/${partition}/records`
  const headers = { 'content-type': 'application/vnd.millrace.recordbatch' }
  const response = await target.client.send('POST', path, { headers, body: Buffer.concat(body) })
  const { base_offsets }: { base_offsets: readonly number[] } = JSON.parse(await response.text())
  return base_offsets
}

/** REST Proxy v2 with JSON keys: the log holds a key in its quotes. */
export const produceV2: Produce = async ({ client, topicName }, records, acknowledge) => {
  for (const part of partsOf(records, recordsPerBatch)) {
    const texts = part.map(({ key, value, timestamp }) => {
      return `{"key":${JSON.stringify(key)},"value":${value},"timestamp":${timestamp}}`
    })
    const response = await client.send('POST', `/topics/${encodeURIComponent(topicName)}`, {
      headers: { 'content-type': 'application/vnd.kafka.json.v2+json' },
      body: `{"records":[${texts.join(',')}]}`,
    })
    const answer: { offsets: readonly { partition: number; offset: number; error?: string }[] } = JSON.parse(
      await response.text(),
    )
    for (const [index, record] of part.entries()) {
      const { partition, offset, error } = itemAt(answer.offsets, index)
      if (typeof error === 'string') throw new Error(`record ${index} of a request was refused: ${error}`)
      acknowledge(partition, { ...storedBytes({ ...record, key: JSON.stringify(record.key) }), offset })
    }
  }
}

function storedBytes({ key, value, timestamp }: DemoRecord) {
  return { timestamp, key: Buffer.from(key), value: Buffer.from(value) }
}

function partsOf<T>(items: readonly T[], length: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / length) }, (_, index) =>
    items.slice(index * length, (index + 1) * length),
  )
}

function itemAt<T>(items: readonly T[], index: number): T {
  const item = items[index]
  if (item === undefined) throw new Error(`the answer is about ${items.length} items, not ${index + 1}`)
  return item
}
