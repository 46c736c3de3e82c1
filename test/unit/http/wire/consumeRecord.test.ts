import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { renderConsumed } from '../../../../shared/http/wire/consumeRecord.ts'
import { offsetBehind, walkRecords } from '../../../../shared/http/wire/fetched.ts'
import { encodeBatch, type NewRecord } from '../../../../shared/kafka/recordBatch.ts'

const record = (value: Uint8Array | null, key: Uint8Array | null = null): NewRecord => ({
  timestamp: 1000,
  key,
  value,
  headers: [],
})

const never = () => undefined

async function render(records: readonly NewRecord[], fieldBytesMax = 1000): Promise<readonly string[]> {
  const rendered: string[] = []
  await walkRecords(never, [encodeBatch({ records, codec: 'none' })], 0, (visit) => {
    rendered.push(renderConsumed(visit, 4, fieldBytesMax))
    return true
  })
  return rendered
}

const shown = async (value: Uint8Array | null): Promise<unknown> =>
  JSON.parse((await render([record(value)]))[0] ?? '').value

test('any bytes are shown so that they can be had back, on one line of valid JSON', async () => {
  const text = fc.string({ unit: 'binary' }).map((value) => Buffer.from(value))
  const json = fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value, undefined, '\n')))
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array(), text, json), async (bytes) => {
      const [line = ''] = await render([record(bytes)])
      assert(!/[\r\n]/.test(line))
      const { value, metadata } = JSON.parse(line)
      const format = metadata.value_metadata.data_format
      if (format === 'RAW_BYTES') assert.deepEqual(Buffer.from(value.__raw__, 'base64'), Buffer.from(bytes))
      else if (format === 'UTF8_STRING') assert.deepEqual(Buffer.from(value), Buffer.from(bytes))
      else assert.deepEqual(value, JSON.parse(Buffer.from(bytes).toString()))
    }),
  )
})

test('JSON is spliced in as it was produced, text that only begins like it is a string', async () => {
  const [line = ''] = await render([record(Buffer.from('{"n":12345678901234567890}'))])
  assert(line.includes('"value":{"n":12345678901234567890}'))
  assert.equal(await shown(Buffer.from('true story')), 'true story')
  assert.equal(await shown(Buffer.from('')), '')
  assert.equal(await shown(null), null)
})

test('a key or value beyond the bound is left out and named', async () => {
  const [line = ''] = await render([record(Buffer.from('123456'), Buffer.from('12345'))], 5)
  const { key, value, exceeded_fields } = JSON.parse(line)
  assert.deepEqual(
    { key, value, exceeded_fields },
    {
      key: 12345,
      value: null,
      exceeded_fields: { key: false, value: true },
    },
  )
})

test('headers keep their order and bytes that are no text', async () => {
  const headers = [
    { key: 'a', value: Buffer.from('é') },
    { key: 'a', value: null },
    { key: 'b', value: Buffer.from([255]) },
  ]
  const [line = ''] = await render([{ ...record(null), headers }])
  assert.deepEqual(JSON.parse(line).headers, [
    { key: 'a', value: 'é' },
    { key: 'a', value: null },
    { key: 'b', value: { __raw__: '/w==' } },
  ])
})

test('a walk begins at the offset asked for and says where to go on', async () => {
  const records = [0, 1, 2].map((n) => record(Buffer.from(String(n))))
  const batches = [10, 13].map((baseOffset) => encodeBatch({ records, codec: 'gzip', baseOffset }))
  const walk = async (from: number, max: number) => {
    const offsets: number[] = []
    const next = await walkRecords(never, batches, from, ({ offset }) => offsets.push(offset) < max)
    return { offsets, next }
  }
  assert.deepEqual(await walk(11, 9), { offsets: [11, 12, 13, 14, 15], next: 16 })
  assert.deepEqual(await walk(11, 2), { offsets: [11, 12], next: 13 })
  assert.deepEqual(await walk(20, 9), { offsets: [], next: 20 })
  assert.equal(offsetBehind(batches, 11), 16)
  assert.equal(offsetBehind([], 11), 11)
})
