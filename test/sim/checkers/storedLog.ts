// The logs as they were ordered, and what the stores hold of them in the end, read from metadata and bytes
// and not by way of the engine's reads: segments, then what the index says of flushes, then the tail.
// Everything that compaction has not taken is there once, in its place, and nothing else is.

import { splitBatches } from '../../../shared/kafka/recordBatch.ts'
import { readHeader } from '../../../shared/kafka/recordBatchLayout.ts'
import type { PlacedExtent } from '../../../shared/metadata/extent.ts'
import { type IndexItem, parseIndexItem } from '../../../shared/metadata/indexItem.ts'
import type { Scope } from '../../../shared/metadata/scope.ts'
import { liveSegments, parseSegmentItem } from '../../../shared/metadata/segmentItem.ts'
import {
  groupOf,
  type PartitionState,
  parseSequencer,
  partitionState,
} from '../../../shared/metadata/sequencer.ts'
import { parseTopicItem } from '../../../shared/metadata/topicItem.ts'
import type { ObjectStore } from '../../../shared/ports/objectStore.ts'
import type { Item, Table } from '../../../shared/ports/table.ts'
import type { Move } from '../compaction/inspector.ts'
import { type LedgerRecord, recordsOfBatch } from '../compaction/ledger.ts'
import { type Incarnation, isAlive, type Watch } from '../watch.ts'

export interface StoredRecord {
  readonly id: string
  readonly timestamp: number
  readonly producer?: { readonly id: bigint; readonly epoch: number; readonly sequence: number }
  /** When compaction took it, in the order of the world; absent or Infinity: it is there. */
  readonly removedAt?: number
}

export interface StoredLog {
  readonly topicName: string
  readonly topicId: string
  readonly partition: number
  readonly bornAt: number
  readonly diedAt: number
  readonly logStartOffset: number
  /** Where retention has moved the log start to. */
  readonly retained?: readonly Pick<Move, 'at' | 'offset'>[]
  /** By offset, from 0 on: what was ordered. */
  readonly records: readonly StoredRecord[]
}

export interface Stores {
  readonly table: Table
  readonly objects: ObjectStore
  readonly scope: Scope
}

export interface StoredLogs {
  readonly logs: readonly StoredLog[]
  readonly problems: readonly string[]
}

export async function readStoredLogs(stores: Stores, watch: Watch): Promise<StoredLogs> {
  const logs: StoredLog[] = []
  const problems: string[] = []
  for (const topic of watch.incarnations) {
    for (const item of await sequencersOf(stores, topic, problems)) {
      for (const partition of partitionsOf(item)) {
        const state = partitionState(parseSequencer(item), partition)
        if (!state) continue
        const records = watch.ledger.recordsOf(topic.topicId, partition)
        const name = nameOf(topic, partition)
        if (records.length !== state.nextOffset) {
          problems.push(
            `${name} holds ${records.length} records and says that ${state.nextOffset} comes next`,
          )
        }
        if (isAlive(topic)) problems.push(...(await compare(stores, topic, partition, state, records)))
        const retained = watch.retained.filter(
          (one) => one.topicId === topic.topicId && one.partition === partition,
        )
        const { logStartOffset } = state
        logs.push({ ...topic, partition, logStartOffset, retained, records })
      }
    }
  }
  return { logs, problems }
}

const nameOf = (topic: Incarnation, partition?: number): string =>
  `topic ${topic.topicName} (${topic.topicId})${partition === undefined ? '' : ` partition ${partition}`}`

async function sequencersOf(
  { table, scope }: Stores,
  topic: Incarnation,
  problems: string[],
): Promise<readonly Item[]> {
  if (!isAlive(topic)) return topic.sequencers
  const item = await table.get(scope.topic(topic.topicName))
  if (!item) {
    problems.push(`${nameOf(topic)} is gone though nobody deleted it`)
    return []
  }
  const { partitionCount } = parseTopicItem(item)
  const found: Item[] = []
  for (let group = 0; group <= groupOf(partitionCount - 1); group++) {
    const sequencer = await table.get(scope.sequencer(topic.topicId, group))
    if (sequencer) found.push(sequencer)
    else problems.push(`${nameOf(topic)} has no sequencer ${group}`)
  }
  const present = new Set(found.flatMap(partitionsOf))
  for (let partition = 0; partition < partitionCount; partition++) {
    if (!present.has(partition)) problems.push(`${nameOf(topic, partition)} is not in its sequencer`)
  }
  return found
}

const partitionsOf = (sequencer: Item): readonly number[] =>
  Object.keys(sequencer.attributes)
    .filter((name) => /^n\d+$/.test(name))
    .map((name) => Number(name.slice(1)))

async function compare(
  stores: Stores,
  topic: Incarnation,
  partition: number,
  state: PartitionState,
  records: readonly LedgerRecord[],
): Promise<readonly string[]> {
  const name = nameOf(topic, partition)
  const problems: string[] = []
  const found = new Map<number, string>()
  for (const extent of await extentsOf(stores, name, topic.topicId, partition, state, problems)) {
    for (const { offset, id, timestamp } of await recordsOf(stores, name, extent, problems)) {
      if (found.has(offset)) problems.push(`${name}: offset ${offset} is there twice`)
      found.set(offset, id)
      const record = records[offset]
      if (record?.id !== id || record.timestamp !== timestamp) {
        problems.push(
          `${name}: offset ${offset} is ${id} at ${timestamp}, not ${record?.id} at ${record?.timestamp}`,
        )
      }
      if (record && record.removedAt !== Number.POSITIVE_INFINITY)
        problems.push(`${name}: ${id} has come back`)
    }
  }
  for (const [offset, { id, removedAt }] of records.entries()) {
    if (offset < state.logStartOffset || removedAt !== Number.POSITIVE_INFINITY || found.has(offset)) continue
    problems.push(`${name}: offset ${offset}, ${id}, is not there`)
  }
  return problems
}

/** The log as a reader is to see it, each offset once. */
async function extentsOf(
  { table, scope }: Stores,
  name: string,
  topicId: string,
  partition: number,
  state: PartitionState,
  problems: string[],
): Promise<readonly PlacedExtent[]> {
  const pk = scope.indexPk(topicId, partition)
  const query = async (prefix: string) => (await table.query({ pk, prefix, limit: 10_000 })).items
  const segments = liveSegments((await query('segment/')).map(parseSegmentItem))
  const index = (await query('index/')).map(parseIndexItem)
  for (const item of [...segments, ...index]) checkItem(name, item, problems)
  const { segmentsEndOffset: end, logStartOffset, tailStartOffset, nextOffset } = state
  const flushes = [...index.flatMap(({ extents }) => extents), ...state.tail].filter(
    (one) => endOf(one) > end,
  )
  return [
    ...inLine(
      name,
      segments.flatMap(({ extents }) => extents),
      Math.min(logStartOffset, end),
      end,
      problems,
    ),
    ...inLine(name, flushes, Math.max(end, Math.min(logStartOffset, tailStartOffset)), nextOffset, problems),
  ]
}

const endOf = ({ baseOffset, offsetCount }: PlacedExtent): number => baseOffset + offsetCount

function checkItem(name: string, item: IndexItem, problems: string[]): void {
  const maxTimestamp = Math.max(...item.extents.map((extent) => extent.maxTimestamp))
  if (item.runningMaxTimestamp >= maxTimestamp) return
  problems.push(`${name}: the item of ${item.baseOffset} to ${item.endOffset - 1} has a wrong timestamp`)
}

/**
 * Of two that hold the same offsets the first; they must be the same, or one spill of more than the other.
 */
function inLine(
  name: string,
  extents: readonly PlacedExtent[],
  from: number,
  to: number,
  problems: string[],
): readonly PlacedExtent[] {
  const line: PlacedExtent[] = []
  let next = from
  for (const extent of extents.toSorted((a, b) => a.baseOffset - b.baseOffset)) {
    const twin = line.find(({ baseOffset }) => baseOffset === extent.baseOffset)
    if (twin) {
      const same = twin.objectId === extent.objectId && twin.position === extent.position
      if (!same) problems.push(`${name}: offset ${extent.baseOffset} is named in two places that differ`)
      continue
    }
    if (extent.baseOffset > next) problems.push(`${name}: nothing holds ${next} to ${extent.baseOffset - 1}`)
    const before = line.at(-1)
    if (before && extent.baseOffset < endOf(before)) problems.push(`${name}: two hold ${extent.baseOffset}`)
    next = Math.max(next, endOf(extent))
    line.push(extent)
  }
  if (next < to) problems.push(`${name}: nothing holds ${next} to ${to - 1}`)
  return line
}

async function recordsOf(
  { table, objects, scope }: Stores,
  name: string,
  { objectId, position, length, storage, baseOffset }: PlacedExtent,
  problems: string[],
): Promise<ReturnType<typeof recordsOfBatch>> {
  const inline = storage === 'inline' ? await table.get(scope.inlineData(objectId)) : undefined
  const data = inline?.attributes.data
  const object = storage === 'segment' ? scope.segmentObject(objectId) : scope.logObject(objectId)
  if (length === 0) return []
  const bytes =
    data instanceof Uint8Array
      ? data.subarray(position, position + length)
      : await objects.getRange(object, position, length)
  if (bytes?.length !== length) {
    problems.push(`${name}: object ${objectId}, named at offset ${baseOffset}, has not all of its bytes`)
    return []
  }
  let next = baseOffset
  return splitBatches(bytes).flatMap((batch) => {
    const header = readHeader(batch)
    const shift = storage === 'segment' ? 0 : next - header.baseOffset
    next += header.lastOffsetDelta + 1
    return recordsOfBatch(batch).map((record) => ({ ...record, offset: record.offset + shift }))
  })
}
