// A batch with some of its records taken out, as compaction by key leaves it: base offset, lastOffsetDelta, producer
// and the offsets of what stays are kept, so offsets never move. A batch may end with no record at all and still say
// how far its producer's sequence had come. With a delete horizon (KIP-534) the base timestamp holds the horizon and
// the records' deltas count from there; bit 6 says so.

import { discard } from '../base/memory.ts'
import { type Codec, codecOf, compress } from './compression.ts'
import { encodeRecords } from './encodeRecords.ts'
import { closeRecords, openRecords, restOf, withHeaderRoom } from './recordBatch.ts'
import {
  attributeBit,
  type BatchHeader,
  batchHeaderSize,
  checkOneBatch,
  readHeader,
  writeHeader,
} from './recordBatchLayout.ts'
import { RecordCursor } from './recordCursor.ts'

export interface Retention {
  /** The cursor is at the record, and stays there. */
  readonly keep: (offset: number, record: RecordCursor) => boolean
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
  const survivors = chooseRecords(batch, retention)
  const bytes = retainedBytes(batch, survivors, retention)
  closeRecords(batch, survivors.bytes)
  return { bytes, kept: survivors.kept, dropped: survivors.dropped }
}

function retainedBytes(
  batch: Uint8Array,
  survivors: Survivors,
  retention: Retention,
): Uint8Array | undefined {
  const { kept, dropped, keepsTombstone } = survivors
  const setsHorizon = keepsTombstone && deleteHorizonMs(batch) === undefined
  if (kept === 0) return undefined
  if (dropped === 0 && !setsHorizon) return batch
  return rebuild(batch, survivors, setsHorizon ? retention : undefined)
}

/** The batch without records. */
export function emptyBatch(batch: Uint8Array): Uint8Array {
  const header = readHeader(batch)
  const empty = new Uint8Array(batchHeaderSize)
  writeHeader(empty, { ...header, attributes: header.attributes & ~0b111, recordCount: 0 })
  return empty
}

interface Survivors {
  /** The batch's plain records, and where they begin in it. */
  readonly bytes: Uint8Array
  readonly start: number
  /** Neighbours that stay: start, end, start, end… */
  readonly runs: readonly number[]
  readonly kept: number
  readonly dropped: number
  readonly keepsTombstone: boolean
  readonly maxTimestamp: number
}

function chooseRecords(batch: Uint8Array, { keep, maxDecompressedBytes }: Retention): Survivors {
  checkOneBatch(batch)
  const header = readHeader(batch)
  const cursor = openRecords(batch, header, maxDecompressedBytes)
  const start = cursor.end
  const runs: number[] = []
  let runEnd = -1
  let kept = 0
  let keepsTombstone = false
  let maxTimestamp = -1
  while (cursor.next()) {
    if (!keep(header.baseOffset + cursor.offsetDelta, cursor)) continue
    if (runEnd !== cursor.start) runs.push(cursor.start, cursor.end)
    else runs[runs.length - 1] = cursor.end
    runEnd = cursor.end
    kept++
    keepsTombstone ||= cursor.valueLength < 0
    maxTimestamp = Math.max(maxTimestamp, cursor.timestamp)
  }
  const dropped = header.recordCount - kept
  return { bytes: cursor.bytes, start, runs, kept, dropped, keepsTombstone, maxTimestamp }
}

/** Records are copied as they lie; only a new horizon changes what their timestamps count from. */
function rebuild(batch: Uint8Array, survivors: Survivors, horizon: Retention | undefined): Uint8Array {
  const header = readHeader(batch)
  const { kept: recordCount } = survivors
  const plain = withRuns(survivors)
  const changed = horizon ? countFrom(horizon.newHorizonMs, plain, { ...header, recordCount }) : plain
  const rebuilt = compressedAs(codecOf(header.attributes), changed)
  const appendTime = (header.attributes & attributeBit.logAppendTime) !== 0
  writeHeader(rebuilt, {
    ...header,
    attributes: header.attributes | (horizon ? attributeBit.deleteHorizon : 0),
    baseTimestamp: horizon?.newHorizonMs ?? header.baseTimestamp,
    maxTimestamp: appendTime ? header.maxTimestamp : survivors.maxTimestamp,
    recordCount,
  })
  return rebuilt
}

function compressedAs(codec: Codec, plain: Uint8Array): Uint8Array {
  if (codec === 'none') return plain
  const compressed = compress(codec, plain.subarray(batchHeaderSize))
  const rebuilt = withHeaderRoom(compressed)
  discard(compressed)
  discard(plain)
  return rebuilt
}

/** Room for a header, and the records that stay. Moved within a copy, which takes no view for each run. */
function withRuns({ bytes, start, runs }: Survivors): Uint8Array {
  const copy = new Uint8Array(batchHeaderSize + bytes.length - start)
  copy.set(bytes.subarray(start), batchHeaderSize)
  const shift = batchHeaderSize - start
  let filled = batchHeaderSize
  for (let i = 0; i < runs.length; i += 2) {
    const runStart = runs[i] ?? 0
    const runEnd = runs[i + 1] ?? 0
    copy.copyWithin(filled, runStart + shift, runEnd + shift)
    filled += runEnd - runStart
  }
  return copy.subarray(0, filled)
}

function countFrom(baseTimestamp: number, plain: Uint8Array, header: BatchHeader): Uint8Array {
  const records = restOf(new RecordCursor(plain, batchHeaderSize, header), header)
  const offsetDeltas = records.map(({ offset }) => offset - header.baseOffset)
  return encodeRecords(records, { baseTimestamp, offsetDeltas, room: batchHeaderSize })
}
