// The item of a consumer group. Attributes (names are stored): v (version: grows with every write, the condition of the
// next), g (everything else, packed as below). A table item holds 400 KB. 1,000 members with 10,000 partitions fit even
// when every partition is on its way to another member: texts and subscriptions that members share are stored once,
// neighbouring partitions are one run, and a member that has what it is to have stores that once.
//
// Group, version 1
//   u8       version = 1
//   varint   group epoch
//   varlong  empty since (ms, -1: there are members)
//   varlong  base of the members' times (ms)
//   varint   number of texts, each: varint length, UTF-8
//   varint   number of topic ids, 16 bytes each
//   varint   number of topics, of the first of these ids, each: varint name (which text), varint partition count
//   varint   number of subscriptions, each: varint pattern (0: none, n: text n - 1), varint number of names, each name
//   varint   number of members, each:
//     varint   member id (which text), slot
//     varint   instance id, rack id, assignor (0: none, n: text n - 1)
//     varint   client id, client host (which text), which subscription
//     varint   rebalance timeout, session timeout (ms)
//     varlong  last seen (ms since the base)
//     varint   epoch, epoch before (zigzag)
//     target   as assignmentBytes.ts has it
//     u8       0: assigned is the target; 1: assigned follows
//     revoking likewise; where it is not empty, varlong since when (ms since the base)

import { isDeepStrictEqual } from 'node:util'
import { ByteReader, ByteWriter } from '../base/bytes.ts'
import { invariant, KafkaError } from '../base/errors.ts'
import type { Attributes, Condition, Item } from '../ports/table.ts'
import { assignmentBytesMax, readAssignment, writeAssignment } from './assignmentBytes.ts'
import type { Assignment, StoredGroup, StoredMember } from './groupState.ts'
import {
  entryOf,
  type GroupTables,
  newTables,
  readMany,
  readTables,
  type StoredTables,
  writeTables,
} from './groupTables.ts'

const layoutVersion = 1
const versionAttribute = 'v'
const groupAttribute = 'g'
const never = -1
const varintBytesMax = 10
/** Numbers of a member, and of what comes before the members. */
const numbersMax = 20

export function groupAttributes(group: StoredGroup): Attributes {
  return { [versionAttribute]: group.version, [groupAttribute]: encodeGroup(group) }
}

export function parseGroupItem({ attributes }: Item): StoredGroup {
  const { [versionAttribute]: version, [groupAttribute]: bytes } = attributes
  invariant(typeof version === 'number' && bytes instanceof Uint8Array, 'a group item has version and group')
  return { ...decodeGroup(bytes), version }
}

/** The item is as it was read. */
export const groupUnchanged = ({ version }: StoredGroup): readonly Condition[] =>
  version === 0 ? [{ kind: 'itemAbsent' }] : [{ kind: 'equals', attribute: versionAttribute, value: version }]

/** The members are packed first: they fill the tables that stand before them. */
function encodeGroup(group: StoredGroup): Uint8Array {
  const tables = newTables()
  for (const topicId of group.topics.keys()) tables.topicIds.of(topicId)
  const seen = [...group.members.values()].map(({ seenAtMs }) => seenAtMs)
  const baseMs = seen.reduce((least, ms) => Math.min(least, ms), seen[0] ?? 0)
  const members = encodeMembers(group, tables, baseMs)
  const head = new ByteWriter(numbersMax * varintBytesMax)
  head.int8(layoutVersion)
  head.unsignedVarint(group.groupEpoch)
  head.varlong(group.emptySinceMs ?? never)
  head.varlong(baseMs)
  return Buffer.concat([head.written(), writeTables(tables, group.topics), members])
}

function encodeMembers(group: StoredGroup, tables: GroupTables, baseMs: number): Uint8Array {
  const members = [...group.members.values()].map((member) => ({
    member,
    target: group.target.get(member.memberId) ?? new Map(),
  }))
  const bytesMax = members.reduce((sum, { member, target }) => {
    const assignments = [target, member.assigned, member.revoking].map(assignmentBytesMax)
    return sum + numbersMax * varintBytesMax + assignments.reduce((a, b) => a + b)
  }, varintBytesMax)
  const writer = new ByteWriter(bytesMax)
  writer.unsignedVarint(members.length)
  for (const { member, target } of members) {
    writeMember(writer, member, tables, baseMs)
    writeOwnership(writer, member, target, tables)
    if (member.revoking.size > 0) writer.varlong((member.revokingSinceMs ?? baseMs) - baseMs)
  }
  return writer.written()
}

function writeMember(writer: ByteWriter, member: StoredMember, tables: GroupTables, baseMs: number): void {
  const text = (value: string) => writer.unsignedVarint(tables.texts.of(value))
  const textOrNone = (value: string | undefined) =>
    writer.unsignedVarint(value === undefined ? 0 : tables.texts.of(value) + 1)
  text(member.memberId)
  writer.unsignedVarint(member.slot)
  textOrNone(member.instanceId)
  textOrNone(member.rackId)
  textOrNone(member.assignor)
  text(member.clientId)
  text(member.clientHost)
  writer.unsignedVarint(tables.subscription(member))
  writer.unsignedVarint(member.rebalanceTimeoutMs)
  writer.unsignedVarint(member.sessionTimeoutMs)
  writer.varlong(member.seenAtMs - baseMs)
  writer.varint(member.memberEpoch)
  writer.varint(member.previousMemberEpoch)
}

function writeOwnership(
  writer: ByteWriter,
  { assigned, revoking }: StoredMember,
  target: Assignment,
  { topicIds }: GroupTables,
): void {
  writeAssignment(writer, target, topicIds.of)
  const isTarget = isDeepStrictEqual(assigned, target)
  writer.int8(isTarget ? 0 : 1)
  if (!isTarget) writeAssignment(writer, assigned, topicIds.of)
  writeAssignment(writer, revoking, topicIds.of)
}

function decodeGroup(bytes: Uint8Array): Omit<StoredGroup, 'version'> {
  const reader = new ByteReader(bytes, 'KAFKA_STORAGE_ERROR')
  const found = reader.uint8('version')
  if (found !== layoutVersion) {
    const message = `a group of version ${found} is not readable by this release (${layoutVersion})`
    throw new KafkaError('KAFKA_STORAGE_ERROR', message)
  }
  const groupEpoch = reader.unsignedVarint('group epoch')
  const emptySinceMs = reader.varlong('empty since')
  const baseMs = reader.varlong('base of times')
  const tables = readTables(reader)
  const read = readMany(reader, () => readMember(reader, tables, baseMs))
  reader.expectEnd('group')
  return {
    groupEpoch,
    topics: tables.topics,
    target: new Map(read.map(({ member, target }) => [member.memberId, target])),
    members: new Map(read.map(({ member }) => [member.memberId, member])),
    emptySinceMs: emptySinceMs === never ? undefined : emptySinceMs,
  }
}

function readMember(
  reader: ByteReader,
  tables: StoredTables,
  baseMs: number,
): { readonly member: StoredMember; readonly target: Assignment } {
  const text = (field: string) => entryOf(tables.texts, reader.unsignedVarint(field), field)
  const textOrNone = (field: string) => {
    const number = reader.unsignedVarint(field)
    return number === 0 ? undefined : entryOf(tables.texts, number - 1, field)
  }
  const identity = {
    memberId: text('member id'),
    slot: reader.unsignedVarint('slot'),
    instanceId: textOrNone('instance id'),
    rackId: textOrNone('rack id'),
    assignor: textOrNone('assignor'),
    clientId: text('client id'),
    clientHost: text('client host'),
    ...entryOf(tables.subscriptions, reader.unsignedVarint('subscription'), 'subscription'),
    rebalanceTimeoutMs: reader.unsignedVarint('rebalance timeout'),
    sessionTimeoutMs: reader.unsignedVarint('session timeout'),
    seenAtMs: baseMs + reader.varlong('last seen'),
    memberEpoch: reader.varint('epoch'),
    previousMemberEpoch: reader.varint('epoch before'),
  }
  const target = readAssignment(reader, tables.topicIds)
  const assigned = reader.uint8('assigned') === 0 ? target : readAssignment(reader, tables.topicIds)
  const revoking = readAssignment(reader, tables.topicIds)
  const revokingSinceMs = revoking.size > 0 ? baseMs + reader.varlong('revoking since') : undefined
  return { member: { ...identity, assigned, revoking, revokingSinceMs }, target }
}
