// A batch with some of its records taken out, as compaction by key leaves it: base offset, lastOffsetDelta, producer and
// the offsets of what stays are kept, so offsets never move. A batch may end with no record at all and still say how far
// its producer's sequence had come. With a delete horizon (KIP-534) the base timestamp holds the horizon and the records'
// deltas count from there; bit 6 says so.

import { type Codec, codecOf, compress } from './compression.ts'
import { encodeRecords } from './encodeRecords.ts'
import { decodeRecords, type KafkaRecord, withHeaderRoom } from './recordBatch.ts'
import { attributeBit, batchHeaderSize, readHeader, writeHeader } from './recordBatchLayout.ts'

export interface Retention {
  readonly keep: (record: KafkaRecord) => boolean
  /** Milliseconds; of a batch that keeps tombstones and has no horizon yet. */
  readonly newHorizonMs: number
  readonly maxDecompressedBytes: number
}

export interface RetainedBatch {
  /** The very bytes where nothing changed; undefined where no record is left. */
  readonly bytes: Uint8Array | undefined
  readonly kept: number
  readonly dropped: number
}

/** When the tombstones of a batch may go; undefined where no clean has kept it yet. */
export function deleteHorizonMs(batch: Uint8Array): number | undefined {
  const { attributes, baseTimestamp } = readHeader(batch)
  return attributes & attributeBit.deleteHorizon ? baseTimestamp : undefined
}

/** `batch` has its offsets in place. */
export function retainRecords(batch: Uint8Array, retention: Retention): RetainedBatch {
  const records = decodeRecords(batch, retention.maxDecompressedBytes)
  const kept = records.filter(retention.keep)
  const dropped = records.length - kept.length
  const setsHorizon = kept.some(({ value }) => value === null) && deleteHorizonMs(batch) === undefined
  if (kept.length === 0) return { bytes: undefined, kept: 0, dropped }
  if (dropped === 0 && !setsHorizon) return { bytes: batch, kept: kept.length, dropped }
  const bytes = rebuild(batch, kept, setsHorizon ? retention.newHorizonMs : undefined)
  return { bytes, kept: kept.length, dropped }
}

/** The batch without records. */
export function emptyBatch(batch: Uint8Array): Uint8Array {
  const header = readHeader(batch)
  const empty = new Uint8Array(batchHeaderSize)
  writeHeader(empty, { ...header, attributes: header.attributes & ~0b111, recordCount: 0 })
  return empty
}

function rebuild(batch: Uint8Array, kept: readonly KafkaRecord[], horizonMs: number | undefined): Uint8Array {
  const header = readHeader(batch)
  const codec: Codec = codecOf(header.attributes)
  const baseTimestamp = horizonMs ?? header.baseTimestamp
  const offsetDeltas = kept.map(({ offset }) => offset - header.baseOffset)
  const plain = encodeRecords(kept, { baseTimestamp, offsetDeltas })
  const rebuilt = withHeaderRoom(codec === 'none' ? plain : compress(codec, plain))
  const appendTime = (header.attributes & attributeBit.logAppendTime) !== 0
  const largest = kept.reduce((max, { timestamp }) => Math.max(max, timestamp), -1)
  writeHeader(rebuilt, {
    ...header,
    attributes: header.attributes | (horizonMs === undefined ? 0 : attributeBit.deleteHorizon),
    baseTimestamp,
    maxTimestamp: appendTime ? header.maxTimestamp : largest,
    recordCount: kept.length,
  })
  return rebuilt
}
