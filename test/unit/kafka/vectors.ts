// Record batches of Kafka and its clients, byte for byte, and small helpers of the tests beside this file.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type ErrorName, KafkaError } from '../../../shared/base/errors.ts'
import type { Codec } from '../../../shared/kafka/compression.ts'
import type { NewRecord } from '../../../shared/kafka/recordBatch.ts'
import type { BatchRules } from '../../../shared/kafka/validateBatch.ts'

export const codecs: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

/** From lastOffsetDelta to recordCount, the same in the last four. */
const headerRest = `00000000000001588dcd5938${'00'.repeat(22)}00000001`
const records = '28000a00080102030406050607020608090a040b0c'

export const golden = {
  nullKey: fromHex(
    '00000000000000000000003b00000001020318a2700000000000000000015dff7b063c0000015dff7b063cffffffffffffffff' +
      'ffffffffffff0000000112000000010631323300',
  ),
  emptyValues: fromHex(
    '0000000000000001000000400000000202c85cbd230000000000010000015dff7cdd6c0000015dff7cde14ffffffffffffffff' +
      'ffffffffffff000000020c0000000100000e00d00202010000',
  ),
  header: fromHex(
    '00000000000000000000004500000000025cd8ef520000000000000000016585b6f3c10000016585b6f3c1ffffffffffffffff' +
      'ffffffffffff000000012600000001066864720208686b6579086876616c',
  ),
  empty: fromHex(`0000000000000000000000310000000002595fb7dd${'00'.repeat(40)}`),
  none: fromHex(`0000000000000000000000460000000002547961fd0000${headerRest}${records}`),
  snappy: fromHex(
    `00000000000000000000005c00000000028564b2240002${headerRest}82534e415050590000000001000000010000001715` +
      `50${records}`,
  ),
  lz4: fromHex(
    `0000000000000000000000590000000002` +
      `9d1291f80003${headerRest}04224d186440a715000080${records}000000000c3bef92`,
  ),
  gzip: fromHex(
    `00000000000000000000005f0000000002e74acea50001${headerRest}1f8b080000096e8800ff001500eaff${records}` +
      '0300adc9586715000000',
  ),
}

/** The record of the last four. */
export const goldenRecord = {
  offset: 0,
  timestamp: 1479847795005,
  timestampType: 'CreateTime' as const,
  key: fromHex('01020304'),
  value: fromHex('050607'),
  headers: [{ key: '\x08\x09\x0a', value: fromHex('0b0c') }],
}

export const openRules: BatchRules = {
  maxMessageBytes: 1_048_588,
  segmentBytes: 1_073_741_824,
  timestampType: 'CreateTime',
  timestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  timestampAfterMaxMs: 3_600_000,
  compressionType: 'producer',
  compressionLevels: { gzip: -1, zstd: 3 },
  keysRequired: false,
  maxDecompressedBytes: 64 * 1024 * 1024,
}

export function refused(code: ErrorName | readonly ErrorName[], message: RegExp, act: () => unknown): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof KafkaError, `${String(error)} is no KafkaError`)
    assert.ok([code].flat().includes(error.code), `${error.code}: ${error.message}`)
    assert.match(error.message, message)
    return true
  })
}

/** Runs what may succeed or be refused; anything but a KafkaError fails the test. */
export function succeedsOrRefuses(act: () => unknown): 'succeeded' | 'refused' {
  try {
    act()
    return 'succeeded'
  } catch (error) {
    assert.ok(error instanceof KafkaError, `${error instanceof Error ? error.stack : error} is no KafkaError`)
    return 'refused'
  }
}

const anyBytes = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(new Uint8Array(300).fill(7)))
const nullableBytes = fc.option(anyBytes, { nil: null })
const headerKey = fc.oneof(
  fc.constantFrom('', 'h1', 'h1', '\ufeffmark'),
  fc.string({ unit: 'binary', maxLength: 9 }),
)

const anyTimestamp = fc.oneof(
  fc.integer({ min: 1_700_000_000_000, max: 1_700_000_003_000 }),
  fc.constant(-1),
  fc.integer({ min: 0, max: 4_000_000_000_000 }),
)

const plainObjects = { noNullPrototype: true }
const anyHeader = fc.record({ key: headerKey, value: nullableBytes }, plainObjects)

const anyRecord: fc.Arbitrary<NewRecord> = fc.record(
  {
    timestamp: anyTimestamp,
    key: nullableBytes,
    value: nullableBytes,
    headers: fc.array(anyHeader, { maxLength: 4 }),
  },
  plainObjects,
)

export const anyRecords: fc.Arbitrary<readonly NewRecord[]> = fc.array(anyRecord, {
  minLength: 1,
  maxLength: 90,
})

/** Three small records that have everything a record can have. */
export const someRecords: readonly NewRecord[] = [
  { timestamp: 1_700_000_000_000, key: utf8('key'), value: utf8('value'), headers: [] },
  {
    timestamp: 1_700_000_900_000,
    key: null,
    value: new Uint8Array(70).fill(65),
    headers: [
      { key: 'h1', value: utf8('v') },
      { key: 'nullheader', value: null },
      { key: 'emptyheader', value: new Uint8Array(0) },
      { key: 'h1', value: utf8('dup') },
    ],
  },
  { timestamp: 1_700_000_000_500, key: new Uint8Array(0), value: null, headers: [] },
]
