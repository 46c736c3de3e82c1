// The logs as the stores hold them in the end, of living and of deleted topics, read from metadata and bytes and not by
// way of the engine's reads. Finds what must hold of them by themselves: nothing is missing, nothing dangles, offsets
// are dense.

import { decodeRecords, splitBatches } from '../../../shared/kafka/recordBatch.ts'
import { batchCrcIsValid, readHeader } from '../../../shared/kafka/recordBatchLayout.ts'
import { decodeTailEntry, type PlacedExtent } from '../../../shared/metadata/extent.ts'
import { type IndexItem, parseIndexItem } from '../../../shared/metadata/indexItem.ts'
import type { Scope } from '../../../shared/metadata/scope.ts'
import {
  groupOf,
  type PartitionState,
  parseSequencer,
  partitionState,
  type Sequencer,
} from '../../../shared/metadata/sequencer.ts'
import { parseTopicItem } from '../../../shared/metadata/topicItem.ts'
import type { ObjectStore } from '../../../shared/ports/objectStore.ts'
import type { Item, Table } from '../../../shared/ports/table.ts'
import { idOfValue } from '../history.ts'
import type { Incarnation } from '../watch.ts'

export interface StoredRecord {
  readonly id: string
  readonly timestamp: number
  readonly producer?: { readonly id: bigint; readonly epoch: number; readonly sequence: number }
}

export interface StoredLog {
  readonly topicName: string
  readonly topicId: string
  readonly partition: number
  readonly bornAt: number
  readonly diedAt: number
  readonly logStartOffset: number
  /** By offset, from 0 on, records below the log start too. */
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

export async function readStoredLogs(
  stores: Stores,
  incarnations: readonly Incarnation[],
): Promise<StoredLogs> {
  const logs: StoredLog[] = []
  const problems: string[] = []
  for (const incarnation of incarnations) {
    for (const item of await sequencersOf(stores, incarnation, problems)) {
      const sequencer = parseSequencer(item)
      for (const partition of partitionsOf(item)) {
        const state = partitionState(sequencer, partition)
        if (state) logs.push(await readLog(stores, incarnation, partition, { sequencer, state }, problems))
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
  if (topic.diedAt !== Number.POSITIVE_INFINITY) return topic.sequencers
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

async function readLog(
  stores: Stores,
  topic: Incarnation,
  partition: number,
  { sequencer, state }: { sequencer: Sequencer; state: PartitionState },
  problems: string[],
): Promise<StoredLog> {
  const name = nameOf(topic, partition)
  const items = await indexOf(stores, topic.topicId, partition)
  const extents = spilledExtents(name, items, state, problems)
  const records: StoredRecord[] = []
  for (const extent of [...extents, ...state.tail]) {
    if (extent.baseOffset !== records.length) {
      problems.push(`${name}: offset ${records.length} is followed by an extent at ${extent.baseOffset}`)
    }
    records.push(...(await recordsOf(stores, name, extent, problems)))
  }
  if (records.length !== state.nextOffset) {
    problems.push(`${name} holds ${records.length} records and says that ${state.nextOffset} comes next`)
  }
  const named = sequencer.tailBytes.flatMap((entry) => decodeTailEntry(entry).extents)
  for (const { length, objectId } of named) {
    if (length <= 0) problems.push(`${name}: the tail names an empty extent of object ${objectId}`)
  }
  const { topicName, topicId, bornAt, diedAt } = topic
  return { topicName, topicId, partition, bornAt, diedAt, logStartOffset: state.logStartOffset, records }
}

async function indexOf(
  { table, scope }: Stores,
  topicId: string,
  partition: number,
): Promise<readonly { readonly sortKey: string; readonly item: IndexItem }[]> {
  const found: { sortKey: string; item: IndexItem }[] = []
  for (let after: string | undefined; ; ) {
    const query = {
      pk: scope.indexPk(topicId, partition),
      limit: 1000,
      ...(after === undefined ? {} : { after }),
    }
    const { items, next } = await table.query(query)
    found.push(...items.map((item) => ({ sortKey: item.key.sk, item: parseIndexItem(item) })))
    if (next === undefined) return found
    after = next
  }
}

/** Below the tail. What lies above was written by a spill that did not end, and must be what the tail says too. */
function spilledExtents(
  name: string,
  items: readonly { readonly sortKey: string; readonly item: IndexItem }[],
  state: PartitionState,
  problems: string[],
): readonly PlacedExtent[] {
  const spilled: PlacedExtent[] = []
  let maxTimestamp = -1
  let next = 0
  for (const { sortKey, item } of items) {
    if (item.baseOffset !== next)
      problems.push(`${name}: the index goes on at ${item.baseOffset}, not at ${next}`)
    next = item.endOffset
    if (Number(sortKey.slice('index/'.length)) !== next - 1)
      problems.push(`${name}: ${sortKey} ends at ${next}`)
    maxTimestamp = Math.max(maxTimestamp, ...item.extents.map((extent) => extent.maxTimestamp))
    if (item.runningMaxTimestamp !== maxTimestamp) problems.push(`${name}: ${sortKey} has a wrong timestamp`)
    if (item.baseOffset < state.tailStartOffset) spilled.push(...item.extents)
    else for (const extent of item.extents) checkUnfinished(name, extent, state, problems)
  }
  return spilled
}

function checkUnfinished(
  name: string,
  extent: PlacedExtent,
  state: PartitionState,
  problems: string[],
): void {
  const same = state.tail.some(
    ({ objectId, position, baseOffset }) =>
      objectId === extent.objectId && position === extent.position && baseOffset === extent.baseOffset,
  )
  if (!same) problems.push(`${name}: the index names offset ${extent.baseOffset} otherwise than the tail`)
}

async function recordsOf(
  { table, objects, scope }: Stores,
  name: string,
  extent: PlacedExtent,
  problems: string[],
): Promise<readonly StoredRecord[]> {
  const { objectId, position, length } = extent
  const inline = extent.storage === 'inline' ? await table.get(scope.inlineData(objectId)) : undefined
  const data = inline?.attributes.data
  const bytes =
    data instanceof Uint8Array
      ? data.subarray(position, position + length)
      : await objects.getRange(scope.logObject(objectId), position, length)
  if (bytes?.length !== length) {
    problems.push(
      `${name}: object ${objectId}, named at offset ${extent.baseOffset}, has not all of its bytes`,
    )
    return []
  }
  const batches = splitBatches(bytes)
  if (!batches.every(batchCrcIsValid)) problems.push(`${name}: object ${objectId} is damaged`)
  return batches.flatMap(recordsOfBatch)
}

function recordsOfBatch(batch: Uint8Array): readonly StoredRecord[] {
  const { producerId, producerEpoch, baseSequence } = readHeader(batch)
  return decodeRecords(batch, 1024 * 1024).map(({ value, timestamp }, i): StoredRecord => {
    const record = { id: idOfValue(value), timestamp }
    if (producerId < 0n) return record
    return { ...record, producer: { id: producerId, epoch: producerEpoch, sequence: baseSequence + i } }
  })
}
