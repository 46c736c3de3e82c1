// A batch with some of its records taken out, as compaction by key leaves it: base offset, lastOffsetDelta, producer
// and the offsets of what stays are kept, so offsets never move. A batch may end with no record at all and still say
// how far its producer's sequence had come. With a delete horizon (KIP-534) the base timestamp holds the horizon and
// the records' deltas count from there; bit 6 says so.

import { type Codec, codecOf, compress } from './compression.ts'
import { encodeRecords } from './encodeRecords.ts'
import { decodeRecords, openRecords, withHeaderRoom } from './recordBatch.ts'
import { attributeBit, batchHeaderSize, checkOneBatch, readHeader, writeHeader } from './recordBatchLayout.ts'

export interface Retention {
  readonly keep: (record: RecordInQuestion) => boolean
  /** Milliseconds; of a batch that keeps tombstones and has no horizon yet. */
  readonly newHorizonMs: number
  readonly maxDecompressedBytes: number
}

export interface RecordInQuestion {
  readonly offset: number
  readonly key: Uint8Array | null
  readonly isTombstone: boolean
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
  const { kept, dropped } = survivors
  const setsHorizon = survivors.keepsTombstone && deleteHorizonMs(batch) === undefined
  if (kept === 0) return { bytes: undefined, kept, dropped }
  if (dropped === 0 && !setsHorizon) return { bytes: batch, kept, dropped }
  return { bytes: rebuild(batch, survivors, setsHorizon ? retention : undefined), kept, dropped }
}

/** The batch without records. */
export function emptyBatch(batch: Uint8Array): Uint8Array {
  const header = readHeader(batch)
  const empty = new Uint8Array(batchHeaderSize)
  writeHeader(empty, { ...header, attributes: header.attributes & ~0b111, recordCount: 0 })
  return empty
}

interface Survivors {
  /** Of the batch's plain records, as they lie one after the other: [start, end) of neighbours that stay. */
  readonly runs: readonly { readonly start: number; readonly end: number }[]
  readonly plainRecords: Uint8Array
  readonly offsetDeltas: ReadonlySet<number>
  readonly kept: number
  readonly dropped: number
  readonly keepsTombstone: boolean
  readonly maxTimestamp: number
}

function chooseRecords(batch: Uint8Array, { keep, maxDecompressedBytes }: Retention): Survivors {
  checkOneBatch(batch)
  const header = readHeader(batch)
  const cursor = openRecords(batch, header, maxDecompressedBytes)
  const runs: { start: number; end: number }[] = []
  const offsetDeltas = new Set<number>()
  let first: number | undefined
  let keepsTombstone = false
  let maxTimestamp = -1
  while (cursor.next()) {
    first ??= cursor.start
    const isTombstone = cursor.valueLength < 0
    if (!keep({ offset: header.baseOffset + cursor.offsetDelta, key: cursor.key(), isTombstone })) continue
    const start = cursor.start - first
    const end = cursor.end - first
    const last = runs.at(-1)
    if (last?.end === start) last.end = end
    else runs.push({ start, end })
    offsetDeltas.add(cursor.offsetDelta)
    keepsTombstone ||= isTombstone
    maxTimestamp = Math.max(maxTimestamp, cursor.timestamp)
  }
  const kept = offsetDeltas.size
  const dropped = header.recordCount - kept
  const plainRecords = cursor.plainRecords()
  return { runs, plainRecords, offsetDeltas, kept, dropped, keepsTombstone, maxTimestamp }
}

/** Records are copied as they lie; only a new horizon changes what their timestamps count from. */
function rebuild(batch: Uint8Array, survivors: Survivors, horizon: Retention | undefined): Uint8Array {
  const header = readHeader(batch)
  const codec: Codec = codecOf(header.attributes)
  const room = codec === 'none' ? batchHeaderSize : 0
  const plain = horizon ? countFromHorizon(batch, survivors, horizon, room) : copyRuns(survivors, room)
  const rebuilt = codec === 'none' ? plain : withHeaderRoom(compress(codec, plain))
  const appendTime = (header.attributes & attributeBit.logAppendTime) !== 0
  writeHeader(rebuilt, {
    ...header,
    attributes: header.attributes | (horizon ? attributeBit.deleteHorizon : 0),
    baseTimestamp: horizon?.newHorizonMs ?? header.baseTimestamp,
    maxTimestamp: appendTime ? header.maxTimestamp : survivors.maxTimestamp,
    recordCount: survivors.kept,
  })
  return rebuilt
}

function copyRuns({ runs, plainRecords }: Survivors, room: number): Uint8Array {
  const bytes = new Uint8Array(runs.reduce((sum, { start, end }) => sum + end - start, room))
  let filled = room
  for (const { start, end } of runs) {
    bytes.set(plainRecords.subarray(start, end), filled)
    filled += end - start
  }
  return bytes
}

function countFromHorizon(
  batch: Uint8Array,
  { offsetDeltas }: Survivors,
  { newHorizonMs, maxDecompressedBytes }: Retention,
  room: number,
): Uint8Array {
  const { baseOffset } = readHeader(batch)
  const records = decodeRecords(batch, maxDecompressedBytes)
  const kept = records.filter(({ offset }) => offsetDeltas.has(offset - baseOffset))
  const deltas = kept.map(({ offset }) => offset - baseOffset)
  return encodeRecords(kept, { baseTimestamp: newHorizonMs, offsetDeltas: deltas, room })
}
