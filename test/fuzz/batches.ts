// Record batches for the fuzzer: valid ones of every codec, and hostile ones whose CRC is right, so that
// what lies behind the CRC is reached.

import { crc32c } from '../../shared/base/crc32c.ts'
import { compress } from '../../shared/kafka/compression.ts'
import { type BatchProducer, encodeBatch, withHeaderRoom } from '../../shared/kafka/recordBatch.ts'
import { batchHeaderSize, writeHeader } from '../../shared/kafka/recordBatchLayout.ts'
import type { Chance } from './chance.ts'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** One to three batches, some of them of a producer. */
export function validBatches(chance: Chance): Uint8Array {
  return Buffer.concat(Array.from({ length: 1 + chance.integer(3) }, () => someBatch(chance)))
}

export function validBatch(chance: Chance, producer?: BatchProducer): Uint8Array {
  const records = Array.from({ length: 1 + chance.integer(4) }, (_, index) => ({
    timestamp: 1_700_000_000_000 + index,
    key: chance.oneIn(3) ? null : Buffer.from(`key ${index}`),
    value: chance.oneIn(5) ? null : Buffer.alloc(chance.integer(200), 'value '),
    headers: chance.oneIn(3) ? [{ key: 'h', value: Buffer.from('v') }] : [],
  }))
  const codec = chance.pick(codecs)
  return encodeBatch(producer === undefined ? { records, codec } : { records, codec, producer })
}

function someBatch(chance: Chance): Uint8Array {
  if (!chance.oneIn(3)) return validBatch(chance)
  const baseSequence = chance.integer(5)
  return validBatch(chance, { id: BigInt(chance.integer(5)), epoch: chance.integer(2), baseSequence })
}

export function hostileBody(chance: Chance): Uint8Array {
  const make = chance.pick([brokenHeader, brokenHeader, brokenRecords, brokenRecords, brokenFraming])
  return make(chance)
}

type Field = readonly [position: number, set: (view: DataView, position: number, chance: Chance) => void]

const int8 =
  (...values: readonly number[]) =>
  (view: DataView, position: number, chance: Chance) =>
    view.setInt8(position, chance.pick(values))
const int16 =
  (...values: readonly number[]) =>
  (view: DataView, position: number, chance: Chance) =>
    view.setInt16(position, chance.pick(values))
const int32 =
  (...values: readonly number[]) =>
  (view: DataView, position: number, chance: Chance) =>
    view.setInt32(position, chance.pick(values))
const int64 =
  (...values: readonly bigint[]) =>
  (view: DataView, position: number, chance: Chance) =>
    view.setBigInt64(position, chance.pick(values))

const extremes32 = [-1, 0, 1, 2, -2147483648, 2147483647, 1_000_000]
const extremes64 = [-1n, 0n, 2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)]

// Positions as recordBatchLayout.ts draws them. Attributes: codecs that do not exist, LogAppendTime,
// transactional, control, delete horizon, the sign.
const fields: readonly Field[] = [
  [0, int64(...extremes64)],
  [8, int32(...extremes32, 48, 49)],
  [16, int8(-1, 0, 1, 3, 127)],
  [21, int16(1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 48, 64, 0x7fff, -32768, -1)],
  [23, int32(...extremes32)],
  [27, int64(...extremes64)],
  [35, int64(...extremes64)],
  [43, int64(...extremes64)],
  [51, int16(-1, 0, 32767, -32768)],
  [53, int32(...extremes32)],
  [57, int32(...extremes32)],
]

function brokenHeader(chance: Chance): Uint8Array {
  const batch = Uint8Array.from(someBatch(chance))
  const view = viewOf(batch)
  for (let left = 1 + chance.integer(2); left > 0; left--) {
    const [position, set] = chance.pick(fields)
    set(view, position, chance)
  }
  return chance.oneIn(10) ? batch : withCrc(batch)
}

// The bytes behind the header changed before they are compressed, or after.
function brokenRecords(chance: Chance): Uint8Array {
  const batch = validBatch(chance)
  const records = Uint8Array.from(batch.subarray(batchHeaderSize))
  for (let left = 1 + chance.integer(3); left > 0; left--) {
    records[chance.integer(records.length)] = chance.pick([0, 1, 0x7f, 0x80, 0xff, chance.integer(256)])
  }
  const codec = chance.integer(8)
  const name = codecs[codec] ?? 'none'
  const bytes = chance.oneIn(2) ? records : compress(name, records)
  return batchOf(bytes, codec, chance.pick([1, 1, 2, 3, 100_000]))
}

function brokenFraming(chance: Chance): Uint8Array {
  const batches = validBatches(chance)
  return chance.pick([
    () => batches.subarray(0, chance.integer(batches.length)),
    () => Buffer.concat([batches, Buffer.alloc(1 + chance.integer(80), chance.integer(256))]),
    () => Buffer.alloc(chance.integer(200), chance.integer(256)),
    () => Buffer.concat([batches.subarray(chance.integer(batches.length)), batches]),
  ])()
}

/** Zeros that decompress to more than any batch may hold: little on the wire, 65 MiB when read. */
export function bombs(): readonly Uint8Array[] {
  const zeros = Buffer.alloc(65 * 1024 * 1024)
  return ([1, 3, 4] as const).map((codec) => batchOf(compress(codecs[codec] ?? 'none', zeros), codec, 1))
}

/** A batch whose sizes lie: little on the wire, and a declared length of gigabytes. */
export function declaredBombs(): readonly Uint8Array[] {
  const snappy = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x00])
  const xerial = Buffer.concat([
    Buffer.from([0x82, ...Buffer.from('SNAPPY'), 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7]),
    snappy,
  ])
  const lz4 = Buffer.from('04224d186c40ffffffffffffffff00ffffff7f00', 'hex')
  const zstd = Buffer.from('28b52ffde0ffffffffffffff7f010000', 'hex')
  const gzip = Buffer.from('1f8b0800000000000003', 'hex')
  const bytes: readonly (readonly [Uint8Array, number])[] = [
    [snappy, 2],
    [xerial, 2],
    [lz4, 3],
    [zstd, 4],
    [gzip, 1],
  ]
  return bytes.map(([payload, codec]) => batchOf(payload, codec, 1))
}

export function batchOf(records: Uint8Array, attributes: number, recordCount: number): Uint8Array {
  const batch = withHeaderRoom(records)
  writeHeader(batch, {
    baseOffset: 0,
    partitionLeaderEpoch: -1,
    attributes,
    lastOffsetDelta: recordCount - 1,
    baseTimestamp: 1_700_000_000_000,
    maxTimestamp: 1_700_000_000_000,
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
    recordCount,
  })
  return batch
}

/** The same batch, whose CRC is right for what it says now. */
export function withCrc(batch: Uint8Array): Uint8Array {
  viewOf(batch).setUint32(17, crc32c(batch, 21))
  return batch
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
