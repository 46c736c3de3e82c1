import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KafkaError } from '../../../../shared/base/errors.ts'
import type { V2Format } from '../../../../shared/http/wire/v2Format.ts'
import { parseV2Records, renderV2Outcomes } from '../../../../shared/http/wire/v2Record.ts'

const never = () => undefined

const parse = (text: string, format: V2Format = 'json', partition?: number) =>
  parseV2Records(never, Buffer.from(text), format, partition)

const textOf = (bytes: Uint8Array | null | undefined): string | null =>
  bytes ? Buffer.from(bytes).toString() : null

test('keys and values are what the format says', async () => {
  const json = await parse(
    '{"records":[{"key":{"a": 1},"value":12345678901234567890},{"value":"s"},{"value":null},{}]}',
  )
  assert.deepEqual(
    json.map(({ value }) => textOf(value)),
    ['12345678901234567890', '"s"', null, null],
  )
  assert.equal(textOf(json[0]?.key), '{"a":1}')
  assert.equal(textOf((await parse('{"records":[{"value":"Zm9v"}]}', 'binary'))[0]?.value), 'foo')
  assert.equal(textOf((await parse('{"records":[{"value":"foo"}]}', 'text'))[0]?.value), 'foo')
})

test("partition, timestamp and headers are Strimzi's", async () => {
  const [record] = await parse(
    `{"records":[{"value":1,"partition":3,"timestamp":1612552482154,
      "headers":[{"key":"h","value":"AAE="}]}]}`,
  )
  assert.equal(record?.partition, 3)
  assert.equal(record?.timestamp, 1612552482154)
  assert.deepEqual(record?.headers, [{ key: 'h', value: Buffer.from([0, 1]) }])
})

test('the partition of the path is every record’s, and a record may not name another', async () => {
  assert.equal((await parse('{"records":[{"value":1}]}', 'json', 5))[0]?.partition, 5)
  await assert.rejects(
    () => parse('{"records":[{"value":1,"partition":5}]}', 'json', 5),
    /records\[0\]\.partition/,
  )
})

test('what is wrong is named with its place', async () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['[]', 'UNPROCESSABLE', /request body/],
    ['{}', 'UNPROCESSABLE', /^records /],
    ['{"records":[]}', 'UNPROCESSABLE', /^records /],
    ['{"records":[1]}', 'UNPROCESSABLE', /^records\[0\] /],
    ['{"records":[{}],"more":1}', 'UNPROCESSABLE', /^more is an unrecognized field/],
    ['{"records":[{"valu":1}]}', 'UNPROCESSABLE', /^records\[0\]\.valu is an unrecognized field/],
    ['{"records":[{},{"partition":-1}]}', 'UNPROCESSABLE', /^records\[1\]\.partition /],
    ['{"records":[{"timestamp":"now"}]}', 'UNPROCESSABLE', /^records\[0\]\.timestamp /],
    ['{"records":[{"headers":[{"key":"k","value":"?"}]}]}', 'UNPROCESSABLE', /headers\[0\]\.value /],
    ['{"records":[{}],"value_schema_id":1}', 'INVALID_SCHEMA', /^value_schema_id/],
    ['{"records":[{}]', 'BAD_REQUEST', /malformed JSON/],
  ]
  for (const [text, code, message] of cases) {
    await assert.rejects(
      () => parse(text),
      (error) => error instanceof KafkaError && error.code === code && message.test(error.message),
      text,
    )
  }
  await assert.rejects(
    () => parse('{"records":[{"value":"a"}]}', 'binary'),
    /records\[0\]\.value is not a base64/,
  )
  await assert.rejects(
    () => parse('{"records":[{"value":{}}]}', 'text'),
    /records\[0\]\.value is not a string/,
  )
})

test('an outcome is a place or an error', async () => {
  const error = new KafkaError('MESSAGE_TOO_LARGE', 'too "large"')
  const outcomes = [
    { ok: true, partition: 1, offset: 2, timestamp: 3, duplicate: false } as const,
    { ok: false, error } as const,
  ]
  assert.deepEqual(JSON.parse(String(await renderV2Outcomes(never, outcomes))), {
    offsets: [
      { partition: 1, offset: 2, error_code: null, error: null },
      { partition: null, offset: null, error_code: 413, error: 'too "large"' },
    ],
    key_schema_id: null,
    value_schema_id: null,
  })
})
