// How many bytes and records a request brings or an answer holds, as quotas and meters count them: batches as they are,
// and records on their way in as they will be in one. A record without any data is not for nothing.

import { splitBatches } from '../kafka/recordBatch.ts'
import { readHeader } from '../kafka/recordBatchLayout.ts'
import type { FetchedPartition, RecordToProduce } from './cluster.ts'

/** Length, attributes, deltas of time and offset, lengths of key and value, number of headers: a byte each at least. */
const besideData = 7
/** The lengths of its key and value. */
const besideHeader = 2

export const recordBytes = ({ key, value, headers }: RecordToProduce): number =>
  headers.reduce((sum, header) => sum + headerBytes(header), besideData) +
  (key?.length ?? 0) +
  (value?.length ?? 0)

const headerBytes = ({ key, value }: RecordToProduce['headers'][number]): number =>
  besideHeader + Buffer.byteLength(key) + (value?.length ?? 0)

export const bytesOfRecords = (records: readonly RecordToProduce[]): number =>
  records.reduce((sum, record) => sum + recordBytes(record), 0)

export const bytesOfBatches = (batches: readonly Uint8Array[]): number =>
  batches.reduce((sum, { length }) => sum + length, 0)

export const bytesFetched = (fetched: readonly FetchedPartition[]): number =>
  fetched.reduce((sum, { batches }) => sum + bytesOfBatches(batches), 0)

/** What the headers say: batches that compaction thinned out hold fewer than offsets. */
export const recordsOf = (batches: readonly Uint8Array[]): number =>
  batches.reduce((sum, batch) => sum + readHeader(batch).recordCount, 0)

export const recordsOfBody = (body: Uint8Array): number => recordsOf(splitBatches(body))
