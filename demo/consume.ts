// The demo's two ways out of the log: JSON through v3's consume, and the stored record batches as they are.
// Both read every partition from its first offset to the end it has when the reading begins.

import { decodeRecords, splitBatches } from '../shared/kafka/recordBatch.ts'
import { type Target, topicPath } from './client.ts'
import type { StoredRecord } from './tally.ts'

export type Visit = (partition: number, record: StoredRecord) => void

export type Consume = (target: Target, visit: Visit) => Promise<void>

interface Page {
  readonly records: readonly StoredRecord[]
  readonly nextOffset: number
}

const batchBytesMax = 64 * 1024 * 1024

export const consumeJson: Consume = (target, visit) => consumeAll(target, visit, readJson)

export const consumeBatches: Consume = (target, visit) => consumeAll(target, visit, readBatches)

type ReadPage = (target: Target, partition: number, offset: number) => Promise<Page>

async function consumeAll(target: Target, visit: Visit, readPage: ReadPage): Promise<void> {
  const partitions = Array.from({ length: target.partitionCount }, (_, partition) => partition)
  await Promise.all(
    partitions.map(async (partition) => {
      const { earliest, latest } = await offsetsOf(target, partition)
      for (let offset = earliest; offset < latest; ) {
        const page = await readPage(target, partition, offset)
        for (const record of page.records) visit(partition, record)
        if (page.nextOffset <= offset) {
          throw new Error(`partition ${partition} of ${target.topicName} gave nothing at offset ${offset}`)
        }
        offset = page.nextOffset
      }
    }),
  )
}

async function offsetsOf(target: Target, partition: number) {
  const response = await target.client.send('GET', `${topicPath(target)}/partitions/${partition}/offset`)
  const found: { earliest_offset: number; latest_offset: number } = JSON.parse(await response.text())
  return { earliest: found.earliest_offset, latest: found.latest_offset }
}

interface ConsumeAnswer {
  readonly partition_data_list: readonly {
    readonly next_offset: number
    readonly records: readonly ConsumedRecord[]
  }[]
}

interface ConsumedRecord {
  readonly offset: number
  readonly timestamp: number
  readonly key: unknown
  readonly value: unknown
  readonly metadata: { readonly key_metadata: DataMetadata; readonly value_metadata: DataMetadata }
}

type DataMetadata = { readonly data_format: 'JSON' | 'UTF8_STRING' | 'RAW_BYTES' } | null

const readJson: ReadPage = async (target, partition, offset) => {
  const response = await target.client.sendJson('POST', `${topicPath(target)}/partitions/-/consume`, {
    offsets: [{ partition_id: partition, offset }],
    fetch_max_bytes: 256 * 1024,
  })
  const { partition_data_list: list }: ConsumeAnswer = JSON.parse(await response.text())
  const [page] = list
  if (page === undefined) throw new Error(`partition ${partition} of ${target.topicName} was not answered`)
  const records = page.records.map((record) => ({
    offset: record.offset,
    timestamp: record.timestamp,
    key: shownBytes(record.key, record.metadata.key_metadata),
    value: shownBytes(record.value, record.metadata.value_metadata),
  }))
  return { records, nextOffset: page.next_offset }
}

// The data sets were written by JSON.stringify, so that it writes them the same once more.
function shownBytes(shown: unknown, metadata: DataMetadata): Uint8Array | null {
  if (metadata === null) return null
  if (metadata.data_format === 'JSON') return Buffer.from(JSON.stringify(shown))
  if (metadata.data_format === 'UTF8_STRING' && typeof shown === 'string') return Buffer.from(shown)
  throw new Error(`the demo sends text, and ${metadata.data_format} was answered`)
}

const readBatches: ReadPage = async (target, partition, offset) => {
  const path = `${topicPath(target)}/partitions/${partition}/records?offset=${offset}&max_bytes=1048576`
  const headers = { accept: 'application/vnd.millrace.recordbatch' }
  const response = await target.client.send('GET', path, { headers })
  const batches = splitBatches(new Uint8Array(await response.arrayBuffer()))
  // The first batch may begin before the offset that was asked for.
  const records = batches
    .flatMap((batch) => decodeRecords(batch, batchBytesMax))
    .filter((record) => record.offset >= offset)
  return { records, nextOffset: (records.at(-1)?.offset ?? offset - 1) + 1 }
}
