// Sets of partitions as bytes: runs of neighbours, because assignors give neighbours to a member. Part of a group's
// item (groupItem.ts), which numbers the topics.
//
// Assignment
//   varint   number of topics, each:
//     varint   which topic of the item's
//     varint   number of runs, each:
//       varint   partitions left out since the run before
//       varint   partitions of the run

import type { ByteReader, ByteWriter } from '../base/bytes.ts'
import { KafkaError } from '../base/errors.ts'
import type { Assignment, Partitions } from './groupState.ts'

/** More than a topic can have: what is above it is damaged. */
const partitionMax = 65_535

const varintBytesMax = 5

export function assignmentBytesMax(assignment: Assignment): number {
  let varints = 1
  for (const partitions of assignment.values()) varints += 2 + 2 * partitions.length
  return varints * varintBytesMax
}

export function writeAssignment(
  writer: ByteWriter,
  assignment: Assignment,
  topicIndex: (topicId: string) => number,
): void {
  writer.unsignedVarint(assignment.size)
  for (const [topicId, partitions] of assignment) {
    writer.unsignedVarint(topicIndex(topicId))
    const runs = runsOf(partitions)
    writer.unsignedVarint(runs.length)
    let next = 0
    for (const { first, length } of runs) {
      writer.unsignedVarint(first - next)
      writer.unsignedVarint(length)
      next = first + length
    }
  }
}

export function readAssignment(reader: ByteReader, topicIds: readonly string[]): Assignment {
  const assignment = new Map<string, Partitions>()
  const topics = reader.unsignedVarint('number of topics')
  for (let i = 0; i < topics; i++) {
    const topicId = topicIds[reader.unsignedVarint('topic')]
    if (topicId === undefined) throw damaged('names a topic that it does not have')
    assignment.set(topicId, readRuns(reader))
  }
  return assignment
}

function runsOf(partitions: Partitions): readonly { readonly first: number; readonly length: number }[] {
  const runs: { first: number; length: number }[] = []
  for (const partition of partitions) {
    const last = runs.at(-1)
    if (last && last.first + last.length === partition) last.length++
    else runs.push({ first: partition, length: 1 })
  }
  return runs
}

function readRuns(reader: ByteReader): Partitions {
  const partitions: number[] = []
  const runs = reader.unsignedVarint('number of runs')
  let next = 0
  for (let i = 0; i < runs; i++) {
    next += reader.unsignedVarint('gap')
    const end = next + reader.unsignedVarint('run')
    if (end > partitionMax) throw damaged(`has the partition ${end - 1}`)
    while (next < end) partitions.push(next++)
  }
  return partitions
}

const damaged = (trouble: string): KafkaError =>
  new KafkaError('KAFKA_STORAGE_ERROR', `A group's stored assignment ${trouble}.`)
