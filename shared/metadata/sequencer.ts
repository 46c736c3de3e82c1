// The sequencer item: up to 16 partitions of one topic, ordered by one table write. Attributes (names are stored):
//
//   topic      name of the topic
//   n<p>       next offset of partition p = its high watermark; exists exactly for the partitions there are
//   s<p>       log start offset
//   c<p>       end of what lies in segments (exclusive; absent: nothing does): below it the segments are the log
//   m<p>       largest timestamp of what was spilled to the index (absent: nothing was)
//   tail       the latest commits, oldest first: tail entries (extent.ts)
//   p<p>.<id>  producer row: epoch u16, next sequence u32, last use in minutes u32; <id> in base 36
//   evicted    how many times producers were evicted to items of their own (absent: never)

import { invariant } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Attributes, Item } from '../ports/table.ts'
import { decodeTailEntry, type PlacedExtent, placeExtents, type TailEntry } from './extent.ts'

export const topicAttribute = 'topic'
export const nextAttribute = (partition: number): string => `n${partition}`
export const logStartAttribute = (partition: number): string => `s${partition}`
export const spilledTimestampAttribute = (partition: number): string => `m${partition}`
export const segmentsEndAttribute = (partition: number): string => `c${partition}`
export const tailAttribute = 'tail'
export const evictedAttribute = 'evicted'
export const producerAttribute = (partition: number, producerId: bigint): string =>
  `p${partition}.${producerId.toString(36)}`

export const groupOf = (partition: number): number => Math.floor(partition / limits.partitionsPerSequencer)

export interface ProducerRow {
  readonly epoch: number
  readonly nextSequence: number
  readonly lastUseMinutes: number
}

export interface PartitionState {
  readonly nextOffset: number
  readonly logStartOffset: number
  /** Below it records lie in segments, from it on in flushes. */
  readonly segmentsEndOffset: number
  /** Largest timestamp below the tail, -1 where nothing was spilled. */
  readonly spilledMaxTimestamp: number
  /** Offset of the partition's first record in the tail; equal to nextOffset where the tail has none. */
  readonly tailStartOffset: number
  readonly tail: readonly PlacedExtent[]
}

export interface Sequencer {
  readonly attributes: Attributes
  readonly tailBytes: readonly Uint8Array[]
  /** The same, decoded. */
  readonly tail: readonly TailEntry[]
  readonly evictions: number
}

export function parseSequencer(item: Item): Sequencer {
  const tail = item.attributes[tailAttribute]
  invariant(Array.isArray(tail), 'a sequencer has a tail')
  return {
    attributes: item.attributes,
    tailBytes: tail,
    tail: tail.map(decodeTailEntry),
    evictions: numberOr(item.attributes[evictedAttribute], 0),
  }
}

/** undefined: the sequencer has no such partition. */
export function partitionState(sequencer: Sequencer, partition: number): PartitionState | undefined {
  const next = sequencer.attributes[nextAttribute(partition)]
  if (typeof next !== 'number') return undefined
  const extents = sequencer.tail.flatMap((entry) => entry.extents.filter((e) => e.partition === partition))
  const tailStartOffset = next - extents.reduce((sum, extent) => sum + extent.offsetCount, 0)
  return {
    nextOffset: next,
    logStartOffset: numberOr(sequencer.attributes[logStartAttribute(partition)], 0),
    segmentsEndOffset: numberOr(sequencer.attributes[segmentsEndAttribute(partition)], 0),
    spilledMaxTimestamp: numberOr(sequencer.attributes[spilledTimestampAttribute(partition)], -1),
    tailStartOffset,
    tail: placeExtents(extents, tailStartOffset),
  }
}

export function producerRow(
  sequencer: Sequencer,
  partition: number,
  producerId: bigint,
): ProducerRow | undefined {
  const value = sequencer.attributes[producerAttribute(partition, producerId)]
  return value instanceof Uint8Array ? decodeProducerRow(value) : undefined
}

/** Every producer row of the item; `id` is the producer id as the attribute's name has it. */
export function producerRows(
  sequencer: Sequencer,
): { attribute: string; partition: number; id: string; value: Uint8Array; row: ProducerRow }[] {
  return Object.entries(sequencer.attributes).flatMap(([attribute, value]) => {
    const [, partition, id] = /^p(\d+)\.(\w+)$/.exec(attribute) ?? []
    if (partition === undefined || id === undefined || !(value instanceof Uint8Array)) return []
    return [{ attribute, partition: Number(partition), id, value, row: decodeProducerRow(value) }]
  })
}

/** The attributes of a partition as it begins. */
export const newPartition = (partition: number): Attributes => ({
  [nextAttribute(partition)]: 0,
  [logStartAttribute(partition)]: 0,
})

export function encodeProducerRow(row: ProducerRow): Uint8Array {
  const bytes = Buffer.alloc(10)
  bytes.set(producerRowPrefix(row.epoch, row.nextSequence))
  bytes.writeUInt32BE(row.lastUseMinutes, 6)
  return new Uint8Array(bytes)
}

/** What a row begins with when `sequence` is the one expected next: known to the client, so no read is needed. */
export function producerRowPrefix(epoch: number, sequence: number): Uint8Array {
  const bytes = Buffer.alloc(6)
  bytes.writeUInt16BE(epoch, 0)
  bytes.writeUInt32BE(sequence, 2)
  return new Uint8Array(bytes)
}

export function decodeProducerRow(value: Uint8Array): ProducerRow {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return {
    epoch: bytes.readUInt16BE(0),
    nextSequence: bytes.readUInt32BE(2),
    lastUseMinutes: bytes.readUInt32BE(6),
  }
}

const numberOr = (value: unknown, otherwise: number): number =>
  typeof value === 'number' ? value : otherwise
