// The rows: what is sent, what it is compared with, and what the ratio should be.

import { readHeader } from '../shared/kafka/recordBatchLayout.ts'
import type { Target } from './figures.ts'
import { runLoad } from './load.ts'
import {
  answerBytes,
  createTopic,
  getRequest,
  jsonRecords,
  latestOffsets,
  postRequest,
  recordBatch,
  recordBatchType,
  recordsPath,
} from './requests.ts'

/** For each connection the requests it sends, and the record data that each of them carries. */
export interface Workload {
  readonly connections: readonly (readonly Uint8Array[])[]
  readonly requestBytes: number
  /** Throws where the server does not hold what it acknowledged. */
  readonly checkStored: (requests: number) => Promise<void>
}

/** fsync: files of the same size; bare: a server that reads the body; static: one that answers as much. */
export type Floor = 'fsync' | 'bare' | 'static'

export interface LoadRow {
  readonly kind: 'load'
  readonly name: string
  readonly title: string
  readonly floor: Floor
  readonly compare: 'requestsPerSecond' | 'megabytesPerSecond'
  readonly target?: Target
  readonly setUp: (port: number) => Promise<Workload>
}

export interface TailRow {
  readonly kind: 'tail'
  readonly name: string
  readonly title: string
}

export interface MemoryRow {
  readonly kind: 'memory'
  readonly name: string
  readonly title: string
  readonly bytes: number
  readonly limitMiB: number
  readonly setUp: (port: number) => Promise<Workload>
}

export type Row = LoadRow | TailRow | MemoryRow

const topic = 'bench'
const partitions = 16
const atLeast = (ratio: number): Target => ({ kind: 'atLeast', ratio })

/** With what a batch adds to each, records of 1 KiB. */
const valueBytes = 1012
const largeBatchRecords = 1024
const smallBatchRecords = 16

export const rows: readonly Row[] = [
  ...[1, 8, 32].map((connections): LoadRow => {
    return {
      kind: 'load',
      name: `produce-1m-${connections}`,
      title: `raw produce 1 MiB, ${connections} conn`,
      floor: 'fsync',
      compare: 'megabytesPerSecond',
      ...(connections === 8 && { target: atLeast(0.7) }),
      setUp: (port) => rawProduce(port, connections, recordBatch(largeBatchRecords, valueBytes)),
    }
  }),
  ...[1, 8, 32].map((connections): LoadRow => {
    return {
      kind: 'load',
      name: `produce-16k-${connections}`,
      title: `raw produce 16 KiB, ${connections} conn`,
      floor: 'bare',
      compare: 'requestsPerSecond',
      ...(connections === 32 && { target: atLeast(0.3) }),
      setUp: (port) => rawProduce(port, connections, recordBatch(smallBatchRecords, valueBytes)),
    }
  }),
  {
    kind: 'load',
    name: 'json-produce-8',
    title: 'JSON produce 100 x 100 B, 8 conn',
    floor: 'bare',
    compare: 'requestsPerSecond',
    setUp: (port) => jsonProduce(port, 8),
  },
  {
    kind: 'load',
    name: 'fetch-1m-8',
    title: 'raw fetch 1 MiB, 8 conn, just written',
    floor: 'static',
    compare: 'megabytesPerSecond',
    target: atLeast(0.6),
    setUp: (port) =>
      fetchBatches(port, 8, recordBatch(largeBatchRecords, valueBytes), recordBatchType, inCacheBytes),
  },
  {
    kind: 'load',
    name: 'fetch-1m-8-old',
    title: 'raw fetch 1 MiB, 8 conn, catching up',
    floor: 'static',
    compare: 'megabytesPerSecond',
    setUp: (port) =>
      fetchBatches(port, 8, recordBatch(largeBatchRecords, valueBytes), recordBatchType, beyondCacheBytes),
  },
  {
    kind: 'load',
    name: 'json-fetch-8',
    title: 'JSON fetch 500 x 100 B, 8 conn',
    floor: 'static',
    compare: 'megabytesPerSecond',
    setUp: (port) => fetchBatches(port, 8, recordBatch(500, 100), 'application/json', beyondCacheBytes),
  },
  { kind: 'tail', name: 'tail', title: 'produce to long-poll, 100/s' },
  {
    kind: 'memory',
    name: 'memory',
    title: 'peak memory, 4 GiB in',
    bytes: 4 * 1024 ** 3,
    limitMiB: 512,
    setUp: (port) => rawProduce(port, 8, recordBatch(largeBatchRecords, valueBytes)),
  },
]

async function rawProduce(port: number, count: number, batch: Uint8Array): Promise<Workload> {
  await createTopic(port, topic, partitions)
  const connections = Array.from({ length: count }, (_, index) => {
    return [postRequest(recordsPath(topic, index % partitions), recordBatchType, batch)]
  })
  const checkStored = storedCheck(port, readHeader(batch).recordCount)
  return { connections, requestBytes: batch.length, checkStored }
}

async function jsonProduce(port: number, count: number): Promise<Workload> {
  const records = 100
  const recordBytes = 100
  await createTopic(port, topic, partitions)
  const request = postRequest(recordsPath(topic), 'application/json', jsonRecords(records, recordBytes))
  const connections = Array.from({ length: count }, () => [request])
  return { connections, requestBytes: records * recordBytes, checkStored: storedCheck(port, records) }
}

function storedCheck(port: number, requestRecords: number): Workload['checkStored'] {
  return async (requests) => {
    const offsets = await latestOffsets(port, topic, partitions)
    const stored = offsets.reduce((sum, offset) => sum + offset, 0)
    if (stored === requests * requestRecords) return
    throw new Error(`${requests * requestRecords} records were acknowledged and ${stored} are stored`)
  }
}

/** What the server's cache of 64 MiB holds, as it does of what was just written, and twice of what it holds. */
const inCacheBytes = 32 * 1024 * 1024
const beyondCacheBytes = 128 * 1024 * 1024

/** Read batch by batch, in a circle; every connection has a partition of its own. */
async function fetchBatches(
  port: number,
  count: number,
  batch: Uint8Array,
  accept: string,
  preloadedBytes: number,
): Promise<Workload> {
  const { connections: producers } = await rawProduce(port, count, batch)
  const requestsMax = Math.ceil(preloadedBytes / batch.length)
  await runLoad({ port, connections: producers, seconds: Number.POSITIVE_INFINITY, requestsMax })
  const { recordCount } = readHeader(batch)
  const path = (partition: number, offset: number) =>
    `${recordsPath(topic, partition)}?offset=${offset}&max_bytes=${batch.length}`
  const ends = await latestOffsets(port, topic, count)
  const connections = ends.map((end, partition) => {
    const offsets = Array.from({ length: end / recordCount }, (_, index) => index * recordCount)
    return offsets.map((offset) => getRequest(path(partition, offset), accept))
  })
  const requestBytes = await answerBytes(port, path(0, 0), accept)
  return { connections, requestBytes, checkStored: () => Promise.resolve() }
}
