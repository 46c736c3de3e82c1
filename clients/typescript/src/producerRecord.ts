// A record on its way in: encoded at once, so that what the caller does to its bytes afterwards changes nothing, and
// so that a repeated request says the same.

import { base64Of, utf8Of } from './bytes.ts'
import { localError } from './errors.ts'
import { isoTime } from './world.ts'

/** Text is sent as UTF-8; null and absent are null. */
export type Data = string | Uint8Array | null

export interface ProducerRecord {
  readonly topic: string
  readonly key?: Data
  readonly value?: Data
  readonly headers?: readonly { readonly key: string; readonly value: Data }[]
  /** Milliseconds since 1970; absent: now. */
  readonly timestamp?: number
  /** Absent: by key as Kafka does, or without a key where the client likes. */
  readonly partition?: number
}

export interface EncodedRecord {
  readonly key: Uint8Array | null
  /** The record as v3 writes it, without its opening bracket and partition. */
  readonly rest: string
}

export function encodeRecord(record: ProducerRecord, nowMs: number): EncodedRecord {
  const { partition, timestamp = nowMs, headers = [] } = record
  if (partition !== undefined && !(Number.isSafeInteger(partition) && partition >= 0)) {
    throw localError(`partition ${partition} is not the number of a partition`)
  }
  if (!(Number.isSafeInteger(timestamp) && timestamp >= 0 && timestamp <= timestampMax)) {
    throw localError(`timestamp ${timestamp} is not in milliseconds since 1970`)
  }
  const key = bytesOf(record.key)
  const fields = [
    `"timestamp":"${isoTime(timestamp)}"`,
    `"key":${renderData(key)}`,
    `"value":${renderData(bytesOf(record.value))}`,
  ]
  if (headers.length > 0) fields.push(`"headers":[${headers.map(renderHeader).join(',')}]`)
  return { key, rest: `${fields.join(',')}}` }
}

export const renderRecord = ({ rest }: EncodedRecord, partition: number): string =>
  `{"partition_id":${partition},${rest}`

/** The end of the year 9999. */
const timestampMax = 253_402_300_799_999

function renderHeader({ key, value }: { readonly key: string; readonly value: Data }): string {
  const bytes = bytesOf(value)
  return `{"name":${JSON.stringify(key)},"value":${bytes === null ? 'null' : `"${base64Of(bytes)}"`}}`
}

function renderData(bytes: Uint8Array | null): string {
  return bytes === null ? 'null' : `{"type":"BINARY","data":"${base64Of(bytes)}"}`
}

function bytesOf(data: Data | undefined): Uint8Array | null {
  if (data === undefined || data === null) return null
  return typeof data === 'string' ? utf8Of(data) : data
}
