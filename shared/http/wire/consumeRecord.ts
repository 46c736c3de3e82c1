// A record as the Confluent editors' consume API shows it: JSON where the bytes are JSON (its text as it
// was produced, so that no number changes), else text where they are UTF-8, else {"__raw__": base64};
// metadata says which. Or base64 of whatever it is, for readers that want the bytes.
// A key or value beyond message_max_bytes is left out and named in exceeded_fields. Header values are text
// or __raw__.
// The record stands on one line, so that it can be the data of a server-sent event.

import { isUtf8 } from 'node:buffer'
import type { RecordCursor } from '../../kafka/recordCursor.ts'
import { textOf } from './base64.ts'
import type { RecordVisit } from './fetched.ts'

type DataFormat = 'JSON' | 'UTF8_STRING' | 'RAW_BYTES' | 'BASE64'

interface Shown {
  readonly json: string
  readonly format: DataFormat | undefined
}

const nothing: Shown = { json: 'null', format: undefined }

type Show = (bytes: Uint8Array | null) => Shown

export function renderConsumed(
  record: RecordVisit,
  partition: number,
  fieldBytesMax: number,
  show: Show = showValue,
): string {
  const { cursor } = record
  const keyExceeds = cursor.keyLength > fieldBytesMax
  const valueExceeds = cursor.valueLength > fieldBytesMax
  const key = keyExceeds ? nothing : show(cursor.key())
  const value = valueExceeds ? nothing : show(cursor.value())
  const type = record.timestampType === 'LogAppendTime' ? 'LOG_APPEND_TIME' : 'CREATE_TIME'
  return (
    `{"partition_id":${partition},"offset":${record.offset},"timestamp":${record.timestamp}` +
    `,"timestamp_type":"${type}","headers":${renderHeaders(cursor, show)},"key":${key.json},"value":${value.json}` +
    `,"metadata":{"key_metadata":${renderFormat(key)},"value_metadata":${renderFormat(value)}}` +
    `,"exceeded_fields":{"key":${keyExceeds},"value":${valueExceeds}}}`
  )
}

function renderFormat(shown: Shown): string {
  return shown.format === undefined ? 'null' : `{"data_format":"${shown.format}"}`
}

/** As what it is: JSON, text or neither. */
export function showValue(bytes: Uint8Array | null): Shown {
  if (bytes === null) return nothing
  if (!isUtf8(bytes)) return { json: renderRaw(bytes), format: 'RAW_BYTES' }
  const text = textOf(bytes).toString('utf8')
  if (isJson(text)) return { json: onOneLine(text), format: 'JSON' }
  return { json: JSON.stringify(text), format: 'UTF8_STRING' }
}

/** As its bytes, whatever they are. */
export function showBytes(bytes: Uint8Array | null): Shown {
  if (bytes === null) return nothing
  return { json: `"${textOf(bytes).toString('base64')}"`, format: 'BASE64' }
}

function renderRaw(bytes: Uint8Array): string {
  return `{"__raw__":"${textOf(bytes).toString('base64')}"}`
}

const jsonScalar = /^[ \t\r\n]*(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)[ \t\r\n]*$/
const jsonOpening = /^[ \t\r\n]*[[{"]/
const jsonClosing = /[\]}"][ \t\r\n]*$/

/** Most text is told from JSON by how it begins and ends: a parser that throws is slow. */
export function isJson(text: string): boolean {
  if (!jsonOpening.test(text)) return jsonScalar.test(text)
  if (!jsonClosing.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Line breaks of valid JSON stand between its tokens only. */
function onOneLine(json: string): string {
  return /[\r\n]/.test(json) ? json.replaceAll(/[\r\n]+/g, ' ') : json
}

function renderHeaders(cursor: RecordCursor, show: Show): string {
  if (cursor.headerCount === 0) return '[]'
  const headers: string[] = []
  cursor.eachHeader((key, value) => {
    headers.push(`{"key":${JSON.stringify(key)},"value":${renderHeaderValue(value, show)}}`)
  })
  return `[${headers.join(',')}]`
}

function renderHeaderValue(value: Uint8Array | null, show: Show): string {
  if (show === showBytes) return showBytes(value).json
  if (value === null) return 'null'
  return isUtf8(value) ? JSON.stringify(textOf(value).toString('utf8')) : renderRaw(value)
}
