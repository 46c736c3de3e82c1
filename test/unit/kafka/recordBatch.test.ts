// The record batch: vectors of Kafka's own and its clients' test suites, round trips, damage, other formats.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { viewOf } from '../../../shared/base/bytes.ts'
import { changeBatch } from '../../../shared/kafka/changeBatch.ts'
import { compress } from '../../../shared/kafka/compression.ts'
import { decodeRecords, encodeBatch, patchBatch, splitBatches } from '../../../shared/kafka/recordBatch.ts'
import { batchCrcIsValid, readHeader, writeHeader } from '../../../shared/kafka/recordBatchLayout.ts'
import {
  anyRecords,
  codecs,
  concat,
  fromHex,
  golden,
  goldenRecord,
  refused,
  someRecords,
  succeedsOrRefuses,
  toHex,
  utf8,
} from './vectors.ts'

const decodedBytesMax = 1 << 20
const plain = { timestampType: 'CreateTime' as const, headers: [] }

test('every golden batch is one batch with a valid CRC', () => {
  for (const [name, batch] of Object.entries(golden)) {
    assert.ok(batchCrcIsValid(batch), name)
    assert.deepEqual(splitBatches(batch), [batch], name)
  }
})

test('the batch of a 0.11 broker is decoded and encoded to the byte', () => {
  const record = { timestamp: 1503229838908, key: null, value: utf8('123') }
  assert.deepEqual(decodeRecords(golden.nullKey, decodedBytesMax), [{ ...plain, ...record, offset: 0 }])
  const encoded = encodeBatch({ records: [{ ...record, headers: [] }], codec: 'none' })
  patchBatch(encoded, 0, 1)
  assert.equal(toHex(encoded), toHex(golden.nullKey))
})

test('two records with empty values at offset 1 are decoded and encoded to the byte', () => {
  const records = [1503229959532, 1503229959700].map((timestamp) => ({
    timestamp,
    key: null,
    value: new Uint8Array(0),
    headers: [],
  }))
  const decoded = records.map((record, index) => ({ ...plain, ...record, offset: 1 + index }))
  assert.deepEqual(decodeRecords(golden.emptyValues, decodedBytesMax), decoded)
  const encoded = encodeBatch({ records, codec: 'none', baseOffset: 1 })
  patchBatch(encoded, 1, 2)
  assert.equal(toHex(encoded), toHex(golden.emptyValues))
})

test('a record with a header is decoded and encoded to the byte', () => {
  const record = {
    timestamp: readHeader(golden.header).baseTimestamp,
    key: null,
    value: utf8('hdr'),
    headers: [{ key: 'hkey', value: utf8('hval') }],
  }
  assert.deepEqual(decodeRecords(golden.header, decodedBytesMax), [
    { ...record, offset: 0, timestampType: 'CreateTime' },
  ])
  const encoded = encodeBatch({ records: [record], codec: 'none' })
  patchBatch(encoded, 0, 0)
  assert.equal(toHex(encoded), toHex(golden.header))
})

test('an empty batch, which compaction leaves behind, decodes to no records', () => {
  assert.deepEqual(decodeRecords(golden.empty, decodedBytesMax), [])
})

test('the same record is read from the plain, snappy, lz4 and gzip batch', () => {
  for (const batch of [golden.none, golden.snappy, golden.lz4, golden.gzip]) {
    assert.deepEqual(decodeRecords(batch, decodedBytesMax), [goldenRecord])
  }
})

test('compressing the golden record with snappy gives the golden batch', () => {
  const bytes = compress('snappy', golden.none.subarray(61))
  const records = { codec: 'snappy' as const, bytes, count: 1 }
  const batch = changeBatch(golden.none, { maxTimestamp: 0, timestampType: 'CreateTime', records })
  assert.equal(toHex(batch), toHex(golden.snappy))
})

test('the header is read field by field', () => {
  assert.deepEqual(readHeader(golden.emptyValues), {
    baseOffset: 1,
    batchLength: 64,
    partitionLeaderEpoch: 2,
    magic: 2,
    crc: 0xc85cbd23,
    attributes: 0,
    lastOffsetDelta: 1,
    baseTimestamp: 1503229959532,
    maxTimestamp: 1503229959700,
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
    recordCount: 2,
  })
})

test('every list of records comes back as it was, with every codec', () => {
  const input = fc.record({
    records: anyRecords,
    codec: fc.constantFrom(...codecs),
    baseOffset: fc.nat({ max: 2 ** 40 }),
  })
  fc.assert(
    fc.property(input, ({ records, codec, baseOffset }) => {
      const batch = encodeBatch({ records, codec, baseOffset })
      assert.ok(batchCrcIsValid(batch))
      const expected = records.map((record, index) => ({
        ...record,
        offset: baseOffset + index,
        timestampType: 'CreateTime',
      }))
      assert.deepEqual(decodeRecords(batch, decodedBytesMax), expected)
    }),
  )
})

test('the producer and the timestamp type are encoded into the header', () => {
  const producer = { id: 2n ** 62n, epoch: 7, baseSequence: 2 ** 31 - 1 }
  const batch = encodeBatch({ records: someRecords, codec: 'zstd', timestampType: 'LogAppendTime', producer })
  const header = readHeader(batch)
  assert.equal(header.attributes, 0b1100)
  assert.deepEqual(
    [header.producerId, header.producerEpoch, header.baseSequence],
    [2n ** 62n, 7, 2 ** 31 - 1],
  )
  assert.equal(header.maxTimestamp, 1_700_000_900_000)
})

test('under LogAppendTime every record has the largest timestamp of the batch', () => {
  const batch = encodeBatch({ records: someRecords, codec: 'none', timestampType: 'LogAppendTime' })
  for (const record of decodeRecords(batch, decodedBytesMax)) {
    assert.equal(record.timestamp, 1_700_000_900_000)
    assert.equal(record.timestampType, 'LogAppendTime')
  }
})

test('keys and values of a plain batch are views on its bytes', () => {
  const batch = encodeBatch({ records: someRecords, codec: 'none' })
  const [first] = decodeRecords(batch, decodedBytesMax)
  assert.equal(first?.key?.buffer, batch.buffer)
  assert.equal(first?.value?.buffer, batch.buffer)
})

test('stamping offset and epoch changes twelve bytes and keeps the CRC valid', () => {
  const batch = encodeBatch({ records: someRecords, codec: 'none' })
  const before = batch.slice()
  patchBatch(batch, Number.MAX_SAFE_INTEGER - 5, 77)
  assert.ok(batchCrcIsValid(batch))
  assert.equal(readHeader(batch).baseOffset, Number.MAX_SAFE_INTEGER - 5)
  assert.equal(readHeader(batch).partitionLeaderEpoch, 77)
  const changed = [...batch.keys()].filter((index) => batch[index] !== before[index])
  assert.ok(changed.every((index) => index < 8 || (index >= 12 && index < 16)))
})

test('batches one after the other are split into views on the same memory', () => {
  const run = concat(golden.nullKey, golden.empty, golden.lz4)
  const batches = splitBatches(run)
  assert.deepEqual(batches, [golden.nullKey, golden.empty, golden.lz4])
  assert.ok(batches.every((batch) => batch.buffer === run.buffer))
  assert.deepEqual(splitBatches(new Uint8Array(0)), [])
})

test('a run of batches that ends within a batch is refused and says where that batch begins', () => {
  const run = concat(golden.nullKey, golden.header)
  for (let length = golden.nullKey.length + 1; length < run.length; length++) {
    refused('CORRUPT_MESSAGE', /batch at byte 71 is truncated/, () => splitBatches(run.subarray(0, length)))
  }
})

test('every prefix of a batch is refused', () => {
  for (const codec of codecs) {
    const batch = encodeBatch({ records: someRecords, codec })
    for (let length = 0; length < batch.length; length++) {
      const prefix = batch.slice(0, length)
      refused('CORRUPT_MESSAGE', /truncated/, () => decodeRecords(prefix, decodedBytesMax))
      if (length > 0) refused('CORRUPT_MESSAGE', /truncated/, () => splitBatches(prefix))
      if (length < 61) refused('CORRUPT_MESSAGE', /truncated/, () => readHeader(prefix))
      assert.equal(batchCrcIsValid(prefix), false)
    }
  }
})

test('records that end within a batch of the shorter length are refused', () => {
  for (const codec of codecs) {
    const batch = encodeBatch({ records: someRecords, codec })
    for (let length = 61; length < batch.length; length++) {
      const prefix = batch.slice(0, length)
      writeHeader(prefix, readHeader(batch))
      refused(['CORRUPT_MESSAGE', 'INVALID_RECORD'], /./, () => decodeRecords(prefix, decodedBytesMax))
    }
  }
})

test('other message formats are refused by name', () => {
  const old = fromHex(`${'00'.repeat(8)}0000000e${'00'.repeat(4)}00${'00'.repeat(9)}`)
  refused('INVALID_RECORD', /magic at byte 16 is 0: message format v0\/v1 is not supported/, () =>
    splitBatches(old),
  )
  old[16] = 1
  refused('INVALID_RECORD', /v0\/v1 is not supported/, () => splitBatches(old))
  old[16] = 3
  refused('INVALID_RECORD', /magic at byte 16 is 3: only 2 is known/, () => readHeader(old))
})

test('negative and absurd batch lengths are refused', () => {
  for (const length of [-2147483648, -1, 0, 48, 2147483647]) {
    const run = concat(golden.nullKey, golden.header)
    viewOf(run).setInt32(71 + 8, length)
    refused('CORRUPT_MESSAGE', /byte (71|79)/, () => splitBatches(run))
  }
})

test('a batch with bytes after it is not one batch', () => {
  refused('CORRUPT_MESSAGE', /ends at byte 71, 1 bytes follow/, () =>
    decodeRecords(concat(golden.nullKey, fromHex('00')), decodedBytesMax),
  )
})

test('offsets and timestamps beyond 53 bits are refused by field', () => {
  const fields = { baseOffset: 0, baseTimestamp: 27, maxTimestamp: 35 }
  for (const [field, position] of Object.entries(fields)) {
    for (const value of [2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)]) {
      const batch = golden.nullKey.slice()
      viewOf(batch).setBigInt64(position, value)
      refused('INVALID_RECORD', new RegExp(`${field} at byte ${position}`), () => readHeader(batch))
    }
  }
})

test('a timestamp that leads beyond 53 bits is refused with its record', () => {
  const batch = encodeBatch({ records: someRecords, codec: 'none' })
  const header = readHeader(batch)
  writeHeader(batch, { ...header, baseTimestamp: Number.MAX_SAFE_INTEGER })
  refused('INVALID_RECORD', /record 1: timestampDelta/, () => decodeRecords(batch, decodedBytesMax))
})

test('a record count that is negative, too small or too large is refused', () => {
  for (const [recordCount, message] of [
    [-1, /recordCount is -1/],
    [2, /the last record at byte \d+ leaves 8 trailing bytes/],
    [4, /record 3: length at byte \d+ reaches beyond the end/],
    [2 ** 31 - 1, /record 3: length/],
  ] as const) {
    const batch = encodeBatch({ records: someRecords, codec: 'none' })
    writeHeader(batch, { ...readHeader(batch), recordCount })
    refused('INVALID_RECORD', message, () => decodeRecords(batch, decodedBytesMax))
  }
})

test('timestamps that are no integers of 53 bits are not encoded', () => {
  for (const timestamp of [0.5, Number.NaN, 2 ** 53]) {
    const records = [{ timestamp: 0, key: null, value: null, headers: [] }]
    refused('INVALID_TIMESTAMP', /record 1/, () =>
      encodeBatch({
        records: [...records, { timestamp, key: null, value: null, headers: [] }],
        codec: 'none',
      }),
    )
  }
})

test('random bytes are split, decoded or refused, never anything else', () => {
  let decoded = 0
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 4 }), (bytes, codec) => {
      const batch = concat(golden.none.subarray(0, 61), bytes)
      writeHeader(batch, { ...readHeader(golden.none), attributes: codec })
      succeedsOrRefuses(() => splitBatches(bytes))
      if (succeedsOrRefuses(() => decodeRecords(batch, 1000)) === 'succeeded') decoded++
    }),
    { numRuns: 2000 },
  )
  assert.ok(decoded < 200, 'random bytes are hardly ever records')
})
