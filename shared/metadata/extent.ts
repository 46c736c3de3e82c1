// Extents: where the batches of one partition lie. A flush writes one object (or one inline item) for many partitions;
// its tail entry names the object once and lists an extent per partition. Spilled to the index, each extent stands
// alone. Offsets are not stored in a tail entry: only the table's ordering write knows them, and they follow from the
// counts.
//
// Tail entry, version 1                      Index extents, version 1 (one list per index item)
//   u8       version = 1                       u8       version = 1
//   u8       storage (see below)               varint   number of extents, each:
//   16 bytes object id                           u8       storage
//   varint   number of extents, each:            16 bytes object id
//     varint   partition                         extent as on the left, without its partition
//     varint   position, length (bytes)
//     varint   offset count
//     varlong  largest timestamp (ms, -1 none)
//     varint   number of idempotent batches, each:
//       varint   offset from the extent's base
//       i64      producer id
//       varint   producer epoch, base sequence, record count

import { ByteReader, ByteWriter } from '../base/bytes.ts'
import { KafkaError } from '../base/errors.ts'

/** A batch of an idempotent producer within an extent, so that a retry finds its first offset. */
export interface ProducerBatch {
  readonly offsetDelta: number
  readonly producerId: bigint
  readonly epoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

/**
 * A flush's object, a flush's inline item, or a segment. The batches of a segment carry their base offsets, those of a
 * flush do not, because it is written before it is ordered.
 */
export type ExtentStorage = 'object' | 'inline' | 'segment'

/** Consecutive batches of one partition in one object, without their place in the log. */
export interface Extent {
  readonly storage: ExtentStorage
  readonly objectId: string
  readonly position: number
  /** Bytes. */
  readonly length: number
  readonly offsetCount: number
  readonly maxTimestamp: number
  readonly producerBatches: readonly ProducerBatch[]
}

/** An extent and the offset of its first record. */
export interface PlacedExtent extends Extent {
  readonly baseOffset: number
}

export interface PartitionExtent extends Extent {
  readonly partition: number
}

/** One commit: an object and what of it belongs to the partitions of one sequencer, in the order of their offsets. */
export interface TailEntry {
  readonly storage: ExtentStorage
  readonly objectId: string
  readonly extents: readonly PartitionExtent[]
}

const version = 1
/** Persisted by position: 0, 1 and 2 are never used for anything else. */
const storages: readonly ExtentStorage[] = ['object', 'inline', 'segment']
export const producerBatchBytesMax = 4 * 5 + 8
/** Without its producer batches. */
export const extentBytesMax = 1 + 16 + 5 * 5 + 10

export function encodeTailEntry(entry: TailEntry): Uint8Array {
  const writer = new ByteWriter(1 + 17 + 5 + bytesMax(entry.extents))
  writer.int8(version)
  writeObject(writer, entry)
  writer.unsignedVarint(entry.extents.length)
  for (const extent of entry.extents) {
    writer.unsignedVarint(extent.partition)
    writeExtent(writer, extent)
  }
  return writer.written()
}

export function decodeTailEntry(bytes: Uint8Array): TailEntry {
  const reader = new ByteReader(bytes, 'KAFKA_STORAGE_ERROR')
  checkVersion(reader, 'tail entry')
  const object = readObject(reader)
  const extents = readMany(reader, () => {
    const partition = reader.unsignedVarint('partition')
    return { partition, ...object, ...readExtent(reader) }
  })
  reader.expectEnd('tail entry')
  return { ...object, extents }
}

export function encodeExtents(extents: readonly Extent[]): Uint8Array {
  const writer = new ByteWriter(1 + 5 + bytesMax(extents))
  writer.int8(version)
  writer.unsignedVarint(extents.length)
  for (const extent of extents) {
    writeObject(writer, extent)
    writeExtent(writer, extent)
  }
  return writer.written()
}

/** The extents of an index item whose first record has the offset `baseOffset`. */
export function decodeExtents(bytes: Uint8Array, baseOffset: number): readonly PlacedExtent[] {
  const reader = new ByteReader(bytes, 'KAFKA_STORAGE_ERROR')
  checkVersion(reader, 'index item')
  const extents = readMany(reader, () => ({ ...readObject(reader), ...readExtent(reader) }))
  reader.expectEnd('index item')
  return placeExtents(extents, baseOffset)
}

/** Gives extents that follow each other in the log their offsets. */
export function placeExtents<E extends Extent>(
  extents: readonly E[],
  baseOffset: number,
): readonly (E & PlacedExtent)[] {
  let next = baseOffset
  return extents.map((extent) => {
    const placed = { ...extent, baseOffset: next }
    next += extent.offsetCount
    return placed
  })
}

const bytesMax = (extents: readonly Extent[]): number =>
  extents.reduce(
    (sum, extent) => sum + extentBytesMax + extent.producerBatches.length * producerBatchBytesMax,
    0,
  )

function writeObject(writer: ByteWriter, object: { storage: ExtentStorage; objectId: string }): void {
  writer.int8(storages.indexOf(object.storage))
  writer.bytes(Buffer.from(object.objectId, 'hex'))
}

function readObject(reader: ByteReader): { storage: ExtentStorage; objectId: string } {
  const storage = storages[reader.uint8('storage')]
  if (!storage) throw unreadable('the storage of an extent is object, inline or segment')
  return { storage, objectId: Buffer.from(reader.bytes(16, 'object id')).toString('hex') }
}

function writeExtent(writer: ByteWriter, extent: Extent): void {
  writer.unsignedVarint(extent.position)
  writer.unsignedVarint(extent.length)
  writer.unsignedVarint(extent.offsetCount)
  writer.varlong(extent.maxTimestamp)
  writer.unsignedVarint(extent.producerBatches.length)
  for (const batch of extent.producerBatches) {
    writer.unsignedVarint(batch.offsetDelta)
    writer.bigInt64(batch.producerId)
    writer.unsignedVarint(batch.epoch)
    writer.unsignedVarint(batch.baseSequence)
    writer.unsignedVarint(batch.recordCount)
  }
}

function readExtent(reader: ByteReader): Omit<Extent, 'storage' | 'objectId'> {
  return {
    position: reader.unsignedVarint('position'),
    length: reader.unsignedVarint('length'),
    offsetCount: reader.unsignedVarint('offset count'),
    maxTimestamp: reader.varlong('largest timestamp'),
    producerBatches: readMany(reader, () => ({
      offsetDelta: reader.unsignedVarint('offset delta'),
      producerId: reader.bigInt64('producer id'),
      epoch: reader.unsignedVarint('producer epoch'),
      baseSequence: reader.unsignedVarint('base sequence'),
      recordCount: reader.unsignedVarint('record count'),
    })),
  }
}

const readMany = <T>(reader: ByteReader, readOne: () => T): readonly T[] =>
  Array.from({ length: reader.unsignedVarint('count') }, readOne)

function checkVersion(reader: ByteReader, what: string): void {
  const found = reader.uint8('version')
  if (found !== version)
    throw unreadable(`a ${what} of version ${found} is not readable by this release (${version})`)
}

/** Damaged, or written by a later release: what is stored is not trusted. */
const unreadable = (reason: string): KafkaError => new KafkaError('KAFKA_STORAGE_ERROR', reason)
