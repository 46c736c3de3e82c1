import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KafkaError } from '../../../../shared/base/errors.ts'
import { isObject, parseJson } from '../../../../shared/http/wire/json.ts'
import { parseV3Record, renderReport, reportPrefix } from '../../../../shared/http/wire/v3Record.ts'

function parse(text: string) {
  const { value } = parseJson(Buffer.from(text), 'here')
  assert(isObject(value))
  return parseV3Record(value, text, { start: 0, end: text.length })
}

const textOf = (bytes: Uint8Array | null): string | null => bytes && Buffer.from(bytes).toString()

function refused(text: string): { code: string; message: string } {
  try {
    parse(text)
  } catch (error) {
    assert(error instanceof KafkaError)
    return { code: error.code, message: error.message }
  }
  return assert.fail(`${text} was taken`)
}

test('every field of a record is read', () => {
  const { record, key, value } = parse(
    `{"partition_id": 3,
      "headers": [{"name": "h", "value": "AAH/"}, {"name": "h", "value": null}, {"name": "i"}],
      "key": {"type": "BINARY", "data": "Zm9vYmFy"}, "value": {"type": "JSON", "data": {"foo": "bar"}},
      "timestamp": "2021-02-05T19:14:42Z", "unknown": 1}`,
  )
  assert.equal(record.partition, 3)
  assert.equal(record.timestamp, Date.UTC(2021, 1, 5, 19, 14, 42))
  assert.equal(textOf(record.key), 'foobar')
  assert.equal(textOf(record.value), '{"foo":"bar"}')
  assert.deepEqual(record.headers, [
    { key: 'h', value: Buffer.from([0, 1, 255]) },
    { key: 'h', value: null },
    { key: 'i', value: null },
  ])
  assert.deepEqual(
    [key, value],
    [
      { type: 'BINARY', size: 6 },
      { type: 'JSON', size: 13 },
    ],
  )
})

test('JSON data is stored as it was written, without white space', () => {
  const { record } = parse('{"value":{"data": {"n": 12345678901234567890, "f": 1.10} , "type":"JSON"}}')
  assert.equal(textOf(record.value), '{"n":12345678901234567890,"f":1.10}')
  assert.equal(textOf(parse('{"key":{"type":"JSON","data":"a b"}}').record.key), '"a b"')
})

test('absent and null keys, values and data are null', () => {
  for (const text of ['{}', '{"key":null,"value":null}', '{"key":{},"value":{"type":"JSON","data":null}}']) {
    assert.deepEqual([parse(text).record.key, parse(text).record.value], [null, null], text)
  }
  assert.deepEqual(parse('{"value":{"type":"STRING"}}').value, { type: 'STRING', size: 0 })
})

test('any bytes arrive through BINARY, any well-formed text through STRING', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.string({ unit: 'grapheme' }), (bytes, text) => {
      const key = { type: 'BINARY', data: Buffer.from(bytes).toString('base64') }
      const { record } = parse(JSON.stringify({ key, value: { type: 'STRING', data: text } }))
      assert.deepEqual(record.key, Buffer.from(bytes))
      assert.equal(textOf(record.value), text)
    }),
  )
})

test('what is not strictly base64 is refused and not shown', () => {
  for (const data of ['1', 'Zm9vYmF', 'Zm9v\nYmFy', 'Zm9v YmFy', 'Zm9-', 'Zh==', '====', 'Zg']) {
    const { code, message } = refused(JSON.stringify({ key: { type: 'BINARY', data } }))
    assert.equal(code, 'BAD_REQUEST')
    assert.equal(message, 'Bad Request: key.data is not a base64 string.')
  }
})

test('a field of the wrong type is named', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['{"key":1}', 'BAD_REQUEST', 'key '],
    ['{"value":{"data":1000}}', 'BAD_REQUEST', 'value.type '],
    ['{"value":{"type":"STRING","data":1}}', 'BAD_REQUEST', 'value.data '],
    ['{"value":{"type":"STRING","data":"\\ud800"}}', 'BAD_REQUEST', 'value.data '],
    ['{"headers":{}}', 'BAD_REQUEST', 'headers '],
    ['{"headers":[{"name":"a"},{"value":""}]}', 'BAD_REQUEST', 'headers[1].name '],
    ['{"headers":[{"name":"a","value":1}]}', 'BAD_REQUEST', 'headers[0].value '],
    ['{"partition_id":"1"}', 'BAD_REQUEST', 'partition_id '],
    ['{"partition_id":1.5}', 'BAD_REQUEST', 'partition_id '],
    ['{"partition_id":4294967296}', 'BAD_REQUEST', 'partition_id '],
    ['{"partition_id":-1}', 'PARTITION_NOT_FOUND', 'partition_id '],
    ['{"timestamp":1612552482}', 'BAD_REQUEST', 'timestamp '],
    ['{"timestamp":"1969-12-31T23:59:59Z"}', 'INVALID_TIMESTAMP', 'timestamp '],
  ]
  for (const [text, code, field] of cases) {
    const refusal = refused(text)
    assert.equal(refusal.code, code, text)
    assert(refusal.message.includes(field), `${refusal.message} names ${field}`)
  }
})

test('schemas are refused as not supported, wherever they are named', () => {
  const fields = ['"schema":"{}"', '"schema_id":1', '"schema_version":1', '"subject":"s"', '"type":"AVRO"']
  for (const field of [...fields, '"subject_name_strategy":"TOPIC_NAME"', '"type":"PROTOBUF"']) {
    assert.equal(refused(`{"value":{${field},"data":{}}}`).code, 'INVALID_SCHEMA')
  }
})

test('a report shows place, time and sizes of what was named, and leaves out what was not', () => {
  const record = parse('{"value":{"type":"STRING","data":"é"}}')
  const stored = { ok: true, partition: 2, offset: 7, timestamp: 1612552482154, duplicate: false } as const
  assert.deepEqual(JSON.parse(renderReport(stored, record, reportPrefix('c"', 't'))), {
    error_code: 200,
    cluster_id: 'c"',
    topic_name: 't',
    partition_id: 2,
    offset: 7,
    timestamp: '2021-02-05T19:14:42.154Z',
    value: { type: 'STRING', size: 2 },
  })
})
