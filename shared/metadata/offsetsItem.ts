// Committed offsets of a group: an item for each 64 partitions of a topic, so that a commit is one write for as many.
// Attributes (names are stored):
//
//   topic   name of the topic; its id is in the sort key
//   v       grows with every write: what is written over exactly what was seen depends on it
//   e       floor of the epochs of the group's life: every fence is of a later one, those of lives before are not
//   f<p>    fence of partition p: who wrote here last or took the partition over; only grows
//   c<p>    committed offset (absent: none)
//   m<p>    the rest of the commit: leader epoch + 1, timestamp in ms, metadata
//           unsigned varint         , varlong        , UTF-8 to the end
//
// A fence is twice the epoch of a member, or twice the group's epoch and one for whoever is no member: later than every
// member there was, earlier than every one to come.

import { ByteReader, ByteWriter, varlongSize } from '../base/bytes.ts'
import { invariant } from '../base/errors.ts'
import type { Attributes, Item } from '../ports/table.ts'

/** With two conditions and three values each, 64 fit the 300 operators and 4 KB of DynamoDB's expressions. */
export const partitionsPerOffsetsItem = 64

export const topicAttribute = 'topic'
export const versionAttribute = 'v'
export const floorAttribute = 'e'
export const fenceAttribute = (partition: number): string => `f${partition}`
export const offsetAttribute = (partition: number): string => `c${partition}`
export const detailsAttribute = (partition: number): string => `m${partition}`

export const offsetsBlockOf = (partition: number): number => Math.floor(partition / partitionsPerOffsetsItem)
export const memberFence = (memberEpoch: number): number => 2 * memberEpoch
export const strangerFence = (groupEpoch: number): number => 2 * groupEpoch + 1

export interface OffsetDetails {
  /** -1: not known. */
  readonly leaderEpoch: number
  readonly commitTimestamp: number
  readonly metadata: string
}

export interface StoredOffset extends OffsetDetails {
  readonly offset: number
}

export interface StoredOffsets {
  readonly topicName: string
  /** undefined: there is no item. */
  readonly version: number | undefined
  readonly epochFloor: number
  /** By partition. */
  readonly fences: ReadonlyMap<number, number>
  readonly offsets: ReadonlyMap<number, StoredOffset>
}

/** There is no item, in the group's first life. */
export const noOffsets: StoredOffsets = {
  topicName: '',
  version: undefined,
  epochFloor: 0,
  fences: new Map(),
  offsets: new Map(),
}

export function parseOffsets(item: Item | undefined): StoredOffsets {
  if (!item) return noOffsets
  const { [topicAttribute]: topicName, [versionAttribute]: version } = item.attributes
  const { [floorAttribute]: epochFloor } = item.attributes
  invariant(typeof topicName === 'string' && typeof version === 'number', 'an item of offsets has its head')
  invariant(typeof epochFloor === 'number', 'an item of offsets has the floor of its epochs')
  const fences = new Map<number, number>()
  const offsets = new Map<number, StoredOffset>()
  for (const [attribute, value] of Object.entries(item.attributes)) {
    const [, kind, digits] = /^([fc])(\d+)$/.exec(attribute) ?? []
    if (kind === undefined || typeof value !== 'number') continue
    const partition = Number(digits)
    if (kind === 'f') fences.set(partition, value)
    else offsets.set(partition, { offset: value, ...detailsOf(item.attributes, partition) })
  }
  return { topicName, version, epochFloor, fences, offsets }
}

function detailsOf(attributes: Attributes, partition: number): OffsetDetails {
  const bytes = attributes[detailsAttribute(partition)]
  invariant(bytes instanceof Uint8Array, 'a committed offset has its details')
  const reader = new ByteReader(bytes, 'INTERNAL')
  const leaderEpoch = reader.unsignedVarint('leader epoch') - 1
  const commitTimestamp = reader.varlong('timestamp')
  return { leaderEpoch, commitTimestamp, metadata: reader.utf8(reader.remaining, 'metadata') }
}

const epochBytesMax = 5

export function encodeDetails({ leaderEpoch, commitTimestamp, metadata }: OffsetDetails): Uint8Array {
  const metadataBytes = Buffer.byteLength(metadata)
  const writer = new ByteWriter(epochBytesMax + varlongSize(commitTimestamp) + metadataBytes)
  writer.unsignedVarint(leaderEpoch + 1)
  writer.varlong(commitTimestamp)
  writer.utf8(metadata, metadataBytes)
  return writer.written()
}
