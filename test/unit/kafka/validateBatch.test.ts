// What a producer may append: every rule of the validator, what it changes and what it leaves to the byte.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { viewOf } from '../../../shared/base/bytes.ts'
import { compress } from '../../../shared/kafka/compression.ts'
import { decodeRecords, encodeBatch } from '../../../shared/kafka/recordBatch.ts'
import {
  type BatchHeader,
  batchCrcIsValid,
  readHeader,
  writeHeader,
} from '../../../shared/kafka/recordBatchLayout.ts'
import { type BatchRules, validateBatch } from '../../../shared/kafka/validateBatch.ts'
import {
  anyRecords,
  codecs,
  concat,
  golden,
  openRules,
  refused,
  someRecords,
  succeedsOrRefuses,
  toHex,
} from './vectors.ts'

const nowMs = 1_700_000_000_000
const decodedBytesMax = 1 << 20

function batchWith(changes: Partial<BatchHeader>): Uint8Array {
  const batch = encodeBatch({ records: someRecords, codec: 'none' })
  writeHeader(batch, { ...readHeader(batch), ...changes })
  return batch
}

function rulesWith(changes: Partial<BatchRules>): BatchRules {
  return { ...openRules, ...changes }
}

test('a batch that needs no change is accepted as the very bytes it came in, with every codec', () => {
  fc.assert(
    fc.property(anyRecords, fc.constantFrom(...codecs), (records, codec) => {
      const batch = encodeBatch({ records, codec })
      const rules = rulesWith({ timestampAfterMaxMs: Number.MAX_SAFE_INTEGER })
      const accepted = validateBatch(batch, rules, nowMs)
      assert.equal(accepted.bytes, batch)
      assert.equal(accepted.recordCount, records.length)
      assert.equal(accepted.maxTimestamp, Math.max(...records.map((record) => record.timestamp)))
      assert.equal(accepted.producer, undefined)
    }),
  )
})

test('every golden batch with records is accepted, its wrong largest timestamp corrected in a copy', () => {
  const now = 1_600_000_000_000
  for (const batch of [golden.nullKey, golden.emptyValues, golden.header]) {
    assert.equal(validateBatch(batch, openRules, now).bytes, batch)
  }
  for (const batch of [golden.none, golden.snappy, golden.lz4, golden.gzip]) {
    const before = toHex(batch)
    const accepted = validateBatch(batch, openRules, now)
    assert.equal(accepted.maxTimestamp, 1479847795005)
    assert.equal(readHeader(accepted.bytes).maxTimestamp, 1479847795005)
    assert.ok(batchCrcIsValid(accepted.bytes))
    assert.deepEqual(accepted.bytes.subarray(61), batch.subarray(61))
    assert.deepEqual(accepted.producer, { id: 0n, epoch: 0, baseSequence: 0 })
    assert.equal(toHex(batch), before)
  }
  refused('INVALID_RECORD', /recordCount at byte 57 is 0/, () => validateBatch(golden.empty, openRules, now))
})

test('a batch with one flipped bit is refused wherever the CRC looks, and in its length and magic', () => {
  for (const codec of codecs) {
    const batch = encodeBatch({ records: someRecords, codec })
    for (let bit = 8 * 8; bit < batch.length * 8; bit++) {
      const damaged = batch.slice()
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      if (bit >= 12 * 8 && bit < 16 * 8) {
        assert.equal(validateBatch(damaged, openRules, nowMs).bytes, damaged)
        continue
      }
      const codes = bit >> 3 === 16 ? ('INVALID_RECORD' as const) : ('CORRUPT_MESSAGE' as const)
      refused(codes, /./, () => validateBatch(damaged, openRules, nowMs))
    }
  }
})

test('every prefix of a batch is refused as truncated', () => {
  for (const codec of codecs) {
    const batch = encodeBatch({ records: someRecords, codec })
    for (let length = 0; length < batch.length; length++) {
      refused('CORRUPT_MESSAGE', /truncated/, () => validateBatch(batch.slice(0, length), openRules, nowMs))
    }
  }
})

test('two batches at once are refused', () => {
  const two = concat(golden.nullKey, golden.nullKey)
  refused('CORRUPT_MESSAGE', /ends at byte 71, 71 bytes follow/, () => validateBatch(two, openRules, nowMs))
})

test('attributes that a producer does not set are refused', () => {
  const cases = [
    [0x20, 'INVALID_RECORD', /control batches/],
    [0x30, 'INVALID_RECORD', /control batches/],
    [0x10, 'INVALID_RECORD', /transactional batches are not supported/],
    [0x40, 'INVALID_RECORD', /attributes at byte 21/],
    [-0x8000, 'INVALID_RECORD', /attributes at byte 21/],
    [0x08, 'INVALID_TIMESTAMP', /LogAppendTime/],
    [0x05, 'UNSUPPORTED_COMPRESSION_TYPE', /codec 5/],
    [0x07, 'UNSUPPORTED_COMPRESSION_TYPE', /codec 7/],
  ] as const
  for (const [attributes, code, message] of cases) {
    refused(code, message, () => validateBatch(batchWith({ attributes }), openRules, nowMs))
  }
})

test('counts that contradict the records are refused', () => {
  const cases = [
    [{ recordCount: 0 }, /recordCount at byte 57 is 0/],
    [{ recordCount: -3 }, /recordCount at byte 57 is -3/],
    [{ lastOffsetDelta: 3 }, /lastOffsetDelta at byte 23 is 3 for 3 records/],
    [{ recordCount: 2, lastOffsetDelta: 1 }, /trailing bytes/],
    [{ recordCount: 4, lastOffsetDelta: 3 }, /record 3: length/],
  ] as const
  for (const [changes, message] of cases) {
    refused('INVALID_RECORD', message, () => validateBatch(batchWith(changes), openRules, nowMs))
  }
})

test('offset deltas that are not dense are refused with the record', () => {
  const batch = encodeBatch({ records: [...someRecords, ...someRecords], codec: 'none' })
  // The third byte of a record that has a one-byte length, attributes and a one-byte timestamp delta.
  const offsetDeltaAt = 61 + 3
  assert.equal(batch[offsetDeltaAt], 0)
  batch[offsetDeltaAt] = 4
  writeHeader(batch, readHeader(batch))
  refused('INVALID_RECORD', /record 0: offsetDelta is 2/, () => validateBatch(batch, openRules, nowMs))
  batch[offsetDeltaAt] = 1
  writeHeader(batch, readHeader(batch))
  refused('INVALID_RECORD', /record 0: offsetDelta after byte 61 is outside 0..5/, () =>
    validateBatch(batch, openRules, nowMs),
  )
})

test('a producer id needs an epoch and a sequence', () => {
  const producer = { id: 9n, epoch: 0, baseSequence: 2 ** 31 - 1 }
  const batch = encodeBatch({ records: someRecords, codec: 'none', producer })
  assert.deepEqual(validateBatch(batch, openRules, nowMs).producer, producer)
  refused('INVALID_RECORD', /baseSequence at byte 53 is -1/, () =>
    validateBatch(batchWith({ producerId: 9n, producerEpoch: 0 }), openRules, nowMs),
  )
  refused('INVALID_RECORD', /producerEpoch at byte 51 is -1/, () =>
    validateBatch(batchWith({ producerId: 0n, baseSequence: 0 }), openRules, nowMs),
  )
})

test('a record without a key is refused by index where keys are required, an empty key is not', () => {
  const rules = rulesWith({ keysRequired: true })
  for (const codec of codecs) {
    const batch = encodeBatch({ records: someRecords, codec })
    refused('INVALID_RECORD', /^record 1: a compacted topic/, () => validateBatch(batch, rules, nowMs))
  }
  const keyed = someRecords.filter((record) => record.key !== null)
  assert.equal(validateBatch(encodeBatch({ records: keyed, codec: 'none' }), rules, nowMs).recordCount, 2)
})

test('a timestamp is accepted up to both ends of the window and refused by index beyond them', () => {
  const rules = rulesWith({ timestampBeforeMaxMs: 1000, timestampAfterMaxMs: 2000 })
  const at = (timestamp: number): Uint8Array =>
    encodeBatch({
      records: [nowMs, timestamp].map((time) => ({ timestamp: time, key: null, value: null, headers: [] })),
      codec: 'none',
    })
  for (const timestamp of [nowMs - 1000, nowMs + 2000, -1]) {
    assert.equal(validateBatch(at(timestamp), rules, nowMs).recordCount, 2)
  }
  for (const timestamp of [nowMs - 1001, nowMs + 2001, -2, 0]) {
    refused('INVALID_TIMESTAMP', /^record 1: timestamp/, () => validateBatch(at(timestamp), rules, nowMs))
  }
  const ignoring = { ...rules, timestampType: 'LogAppendTime' as const }
  assert.equal(validateBatch(at(nowMs + 9999), ignoring, nowMs).maxTimestamp, nowMs)
})

test('a batch without any timestamp has the largest timestamp -1', () => {
  const records = [{ timestamp: -1, key: null, value: null, headers: [] }]
  const accepted = validateBatch(encodeBatch({ records, codec: 'none' }), openRules, nowMs)
  assert.equal(accepted.maxTimestamp, -1)
})

test('sizes are accepted up to the limit, as compressed, and refused by one byte more', () => {
  const records = [{ timestamp: nowMs, key: null, value: new Uint8Array(100_000), headers: [] }]
  const batch = encodeBatch({ records, codec: 'zstd' })
  const { length } = batch
  assert.equal(validateBatch(batch, rulesWith({ maxMessageBytes: length }), nowMs).bytes, batch)
  assert.equal(validateBatch(batch, rulesWith({ segmentBytes: length }), nowMs).bytes, batch)
  refused('MESSAGE_TOO_LARGE', /at most/, () =>
    validateBatch(batch, rulesWith({ maxMessageBytes: length - 1 }), nowMs),
  )
  refused('RECORD_LIST_TOO_LARGE', /segment/, () =>
    validateBatch(batch, rulesWith({ segmentBytes: length - 1 }), nowMs),
  )
  refused('MESSAGE_TOO_LARGE', /100\d\d\d bytes/, () =>
    validateBatch(batch, rulesWith({ maxMessageBytes: length, compressionType: 'uncompressed' }), nowMs),
  )
})

test('a compressed batch that grows beyond the bound is refused', () => {
  const records = [{ timestamp: nowMs, key: null, value: new Uint8Array(100_000), headers: [] }]
  for (const codec of codecs.filter((one) => one !== 'none')) {
    const batch = encodeBatch({ records, codec })
    refused('INVALID_RECORD', /larger than 99999 bytes/, () =>
      validateBatch(batch, rulesWith({ maxDecompressedBytes: 99_999 }), nowMs),
    )
  }
})

test('LogAppendTime sets its bit and the largest timestamp in a copy and keeps the records', () => {
  for (const codec of codecs) {
    const batch = encodeBatch({ records: someRecords, codec })
    const before = toHex(batch)
    const accepted = validateBatch(batch, rulesWith({ timestampType: 'LogAppendTime' }), nowMs + 5)
    assert.equal(toHex(batch), before)
    assert.equal(accepted.maxTimestamp, nowMs + 5)
    assert.ok(batchCrcIsValid(accepted.bytes))
    assert.deepEqual(accepted.bytes.subarray(61), batch.subarray(61))
    for (const record of decodeRecords(accepted.bytes, decodedBytesMax)) {
      assert.deepEqual([record.timestamp, record.timestampType], [nowMs + 5, 'LogAppendTime'])
    }
  }
})

test('a topic with a codec of its own stores every batch in it, and the records stay the same', () => {
  for (const codec of codecs) {
    const batch = encodeBatch({
      records: someRecords,
      codec,
      producer: { id: 4n, epoch: 1, baseSequence: 8 },
    })
    for (const target of ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const accepted = validateBatch(batch, rulesWith({ compressionType: target }), nowMs)
      const stored = target === 'uncompressed' ? 'none' : target
      assert.equal(readHeader(accepted.bytes).attributes, codecs.indexOf(stored))
      assert.equal(accepted.bytes === batch, stored === codec)
      assert.ok(batchCrcIsValid(accepted.bytes))
      assert.deepEqual(decodeRecords(accepted.bytes, decodedBytesMax), decodeRecords(batch, decodedBytesMax))
      assert.equal(validateBatch(accepted.bytes, openRules, nowMs).bytes, accepted.bytes)
    }
  }
})

test('a batch of the topic codec at another level is not compressed again', () => {
  const batch = encodeBatch({ records: someRecords, codec: 'gzip', level: 1 })
  const compressionLevels = { ...openRules.compressionLevels, gzip: 9 }
  const rules = rulesWith({ compressionType: 'gzip', compressionLevels })
  assert.equal(validateBatch(batch, rules, nowMs).bytes, batch)
})

test('recompression uses the level of the topic', () => {
  const value = Uint8Array.from({ length: 20_000 }, (_, index) => 97 + ((index * index) % 23) + (index % 3))
  const batch = encodeBatch({ records: [{ timestamp: nowMs, key: null, value, headers: [] }], codec: 'none' })
  for (const level of [1, 9]) {
    const compressionLevels = { ...openRules.compressionLevels, gzip: level }
    const { bytes } = validateBatch(batch, rulesWith({ compressionType: 'gzip', compressionLevels }), nowMs)
    assert.deepEqual(bytes.subarray(61), compress('gzip', batch.subarray(61), level))
  }
})

test('no refusal shows what a record holds', () => {
  const secret = new TextEncoder().encode('secretsecretsecret')
  const record = { timestamp: nowMs, key: secret, value: secret, headers: [{ key: 'secret', value: secret }] }
  const batch = encodeBatch({ records: [record, record], codec: 'none' })
  for (let position = 61; position < batch.length; position++) {
    const damaged = batch.slice()
    damaged[position] = 0x81
    writeHeader(damaged, readHeader(batch))
    try {
      validateBatch(damaged, openRules, nowMs)
    } catch (error) {
      assert.doesNotMatch(String(error), /secret/)
    }
  }
})

test('hostile records under a valid CRC are accepted or refused, never anything else', () => {
  const outcomes = { succeeded: 0, refused: 0 }
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 3 })
  fc.assert(
    fc.property(fc.constantFrom(...codecs), damage, fc.boolean(), (codec, changes, inHeader) => {
      const batch = encodeBatch({ records: someRecords, codec })
      const start = inHeader ? 21 : 61
      for (const [at, byte] of changes) batch[start + (at % (batch.length - start))] = byte
      const header = succeedsOrRefuses(() => readHeader(batch)) === 'succeeded' && readHeader(batch)
      if (header) writeHeader(batch, header)
      const rules = rulesWith({ compressionType: 'uncompressed', maxDecompressedBytes: 4000 })
      outcomes[succeedsOrRefuses(() => validateBatch(batch, rules, nowMs))]++
    }),
    { numRuns: 3000 },
  )
  assert.ok(outcomes.succeeded > 100 && outcomes.refused > 100, JSON.stringify(outcomes))
})

test('random bytes are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      refused(['CORRUPT_MESSAGE', 'INVALID_RECORD'], /./, () => validateBatch(bytes, openRules, nowMs))
    }),
  )
})

test('a batch that begins at an odd address in its memory is read all the same', () => {
  const memory = concat(new Uint8Array(3), golden.nullKey)
  const batch = memory.subarray(3)
  assert.equal(validateBatch(batch, openRules, nowMs).bytes, batch)
  assert.equal(viewOf(batch).getInt8(16), 2)
})
