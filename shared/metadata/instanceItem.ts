// A consumer instance of the v2 dialect, stored whole so that any process answers its next call. Attributes (names are
// stored):
//
//   token          of the last write: random, the condition of the next one
//   member, epoch  the member of the group that it is while it is subscribed; epoch 0: not in the group
//   dialect        whose errors and answers its caller reads
//   format         of keys and values; reset, commits (1: by itself), minBytes, waitMs: as its creator asked
//   used           when it was last called, to half a minute, in milliseconds
//   committed      when it last committed by itself, in milliseconds
//   reads          none, topics, pattern or assigned: how it came to its partitions
//   topics         names subscribed to
//   pattern        subscribed to; absent: none
//   partitions     what it reads, packed: per topic its name (varint length, UTF-8), varint number of partitions, and
//                  of each varint partition, varlong position, varlong committed offset (-1: not known)

import { ByteReader, ByteWriter, varintSize, varlongSize } from '../base/bytes.ts'
import { invariant } from '../base/errors.ts'
import type { Attributes, Item } from '../ports/table.ts'

export const instanceDialects = ['confluent', 'strimzi'] as const
export const instanceFormats = ['binary', 'json', 'text'] as const
export const offsetResets = ['earliest', 'latest', 'none'] as const
const readKinds = ['none', 'topics', 'pattern', 'assigned'] as const

export type InstanceDialect = (typeof instanceDialects)[number]
export type InstanceFormat = (typeof instanceFormats)[number]
export type OffsetReset = (typeof offsetResets)[number]

export interface InstanceSettings {
  readonly dialect: InstanceDialect
  readonly format: InstanceFormat
  readonly autoOffsetReset: OffsetReset
  readonly autoCommit: boolean
  readonly fetchMinBytes: number
  readonly requestTimeoutMs: number
}

export interface PartitionPlace {
  /** Of the next record; -1: not found yet. */
  readonly position: number
  /** As far as the instance knows; -1: it does not. */
  readonly committed: number
}

/** By topic name and partition. */
export type Places = ReadonlyMap<string, ReadonlyMap<number, PartitionPlace>>

export interface StoredInstance extends InstanceSettings {
  readonly memberId: string
  readonly memberEpoch: number
  readonly usedMs: number
  readonly committedMs: number
  readonly reads: (typeof readKinds)[number]
  readonly topics: readonly string[]
  readonly pattern: string | undefined
  readonly places: Places
}

export const tokenAttribute = 'token'

export function instanceAttributes(instance: StoredInstance, token: string): Attributes {
  return {
    [tokenAttribute]: token,
    member: instance.memberId,
    epoch: instance.memberEpoch,
    dialect: instance.dialect,
    format: instance.format,
    reset: instance.autoOffsetReset,
    commits: instance.autoCommit ? 1 : 0,
    minBytes: instance.fetchMinBytes,
    waitMs: instance.requestTimeoutMs,
    used: instance.usedMs,
    committed: instance.committedMs,
    reads: instance.reads,
    topics: instance.topics,
    partitions: encodePlaces(instance.places),
    ...(instance.pattern !== undefined && { pattern: instance.pattern }),
  }
}

export function tokenOf(item: Item): string {
  const token = item.attributes[tokenAttribute]
  invariant(typeof token === 'string', 'an instance item has a token')
  return token
}

export function parseInstanceItem({ attributes }: Item): StoredInstance {
  const { member, epoch, minBytes, waitMs, used, committed, topics, pattern, partitions } = attributes
  invariant(typeof member === 'string' && typeof epoch === 'number', 'an instance item has a member')
  invariant(typeof minBytes === 'number' && typeof waitMs === 'number', 'an instance item has its bounds')
  invariant(typeof used === 'number' && typeof committed === 'number', 'an instance item has its times')
  invariant(Array.isArray(topics) && partitions instanceof Uint8Array, 'an instance item has its lists')
  return {
    memberId: member,
    memberEpoch: epoch,
    dialect: oneOf(instanceDialects, attributes.dialect),
    format: oneOf(instanceFormats, attributes.format),
    autoOffsetReset: oneOf(offsetResets, attributes.reset),
    autoCommit: attributes.commits === 1,
    fetchMinBytes: minBytes,
    requestTimeoutMs: waitMs,
    usedMs: used,
    committedMs: committed,
    reads: oneOf(readKinds, attributes.reads),
    topics: topics.map(String),
    pattern: typeof pattern === 'string' ? pattern : undefined,
    places: decodePlaces(partitions),
  }
}

function oneOf<T extends string>(known: readonly T[], value: unknown): T {
  const found = known.find((one) => one === value)
  invariant(found !== undefined, `an instance item has one of ${known.join(', ')}`)
  return found
}

function encodePlaces(places: Places): Uint8Array {
  const topics = Array.from(places, ([name, partitions]) => ({ name: Buffer.from(name), partitions }))
  const size = topics.reduce((sum, topic) => sum + topicSize(topic.name, topic.partitions), 0)
  const writer = new ByteWriter(size)
  for (const { name, partitions } of topics) {
    writer.varint(name.length)
    writer.bytes(name)
    writer.varint(partitions.size)
    for (const [partition, { position, committed }] of partitions) {
      writer.varint(partition)
      writer.varlong(position)
      writer.varlong(committed)
    }
  }
  return writer.finish()
}

function topicSize(name: Uint8Array, partitions: ReadonlyMap<number, PartitionPlace>): number {
  let size = varintSize(name.length) + name.length + varintSize(partitions.size)
  for (const [partition, { position, committed }] of partitions) {
    size += varintSize(partition) + varlongSize(position) + varlongSize(committed)
  }
  return size
}

function decodePlaces(bytes: Uint8Array): Places {
  const reader = new ByteReader(bytes, 'INTERNAL')
  const places = new Map<string, ReadonlyMap<number, PartitionPlace>>()
  while (reader.remaining > 0) {
    const name = reader.utf8(reader.varint('name length'), 'name')
    const count = reader.varint('partitions')
    const partitions = new Map<number, PartitionPlace>()
    for (let read = 0; read < count; read++) {
      const partition = reader.varint('partition')
      const position = reader.varlong('position')
      partitions.set(partition, { position, committed: reader.varlong('committed') })
    }
    places.set(name, partitions)
  }
  return places
}
