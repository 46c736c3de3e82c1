// One commit, decided: which batches of a flush enter the log of one sequencer and the single table write that orders
// them. Without knowledge of the sequencer it assumes what nearly always holds (each producer goes on where it was) and
// writes the assumption into the conditions; when they fail, the refusal brings the item and the plan is made again.

import { KafkaError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import {
  type ExtentStorage,
  encodeTailEntry,
  extentBytesMax,
  type PartitionExtent,
  type ProducerBatch,
  producerBatchBytesMax,
} from '../metadata/extent.ts'
import {
  encodeProducerRow,
  evictedAttribute,
  nextAttribute,
  type ProducerRow,
  producerAttribute,
  producerRow,
  producerRowPrefix,
  type Sequencer,
  tailAttribute,
} from '../metadata/sequencer.ts'
import type { Action, Condition, ItemKey, Write } from '../ports/table.ts'
import { decideSequence, type SequencedBatch, sequenceAfter } from './producerRule.ts'

/** One batch of a flush, with its place in the flush's object. */
export interface FlushedBatch {
  readonly partition: number
  readonly position: number
  readonly length: number
  readonly recordCount: number
  readonly maxTimestamp: number
  readonly producer: SequencedBatch | undefined
}

/** What is known of the sequencer; `evicted` holds the rows of producers that were looked up outside of it. */
export interface Knowledge {
  readonly sequencer: Sequencer
  readonly evicted: ReadonlyMap<string, ProducerRow | undefined>
}

export type BatchVerdict =
  | { readonly kind: 'commit' }
  | { readonly kind: 'stored' }
  | { readonly kind: 'refused'; readonly error: KafkaError }
  /**
   * Not in this commit: its conditions or its entry would not fit. What comes after it waits too, to keep the order.
   */
  | { readonly kind: 'later' }

export interface CommitPlan<B extends FlushedBatch> {
  readonly verdicts: ReadonlyMap<B, BatchVerdict>
  /** In the order of their offsets. */
  readonly committed: readonly B[]
  /** undefined: nothing to commit. */
  readonly write: (Write & { readonly kind: 'update' }) | undefined
  readonly entry: Uint8Array
}

export interface CommitRequest<B extends FlushedBatch> {
  readonly key: ItemKey
  readonly storage: ExtentStorage
  readonly objectId: string
  /** In the order in which they were asked for; of one partition, in the order of their positions. */
  readonly batches: readonly B[]
}

interface RowState {
  readonly attribute: string
  /** What must hold of the row as it is stored; set once, by the producer's first batch. */
  readonly conditions: readonly Condition[]
  readonly row: ProducerRow | undefined
}

export function planCommit<B extends FlushedBatch>(
  request: CommitRequest<B>,
  known: Knowledge | undefined,
  nowMs: number,
): CommitPlan<B> {
  const nowMinutes = Math.floor(nowMs / 60_000)
  const rows = new Map<string, RowState>()
  const verdicts = new Map<B, BatchVerdict>()
  let entryBytes = 0
  let last: B | undefined
  let full = false
  for (const batch of request.batches) {
    const bytes = entryBytesOf(batch, last)
    full ||= entryBytes + bytes > limits.tailEntryBytesMax
    const verdict: BatchVerdict = full ? later : decideBatch(batch, rows, known, nowMinutes)
    verdicts.set(batch, verdict)
    full ||= verdict.kind === 'later'
    if (verdict.kind !== 'commit') continue
    entryBytes += bytes
    last = batch
  }
  const committed = request.batches
    .filter((batch) => verdicts.get(batch)?.kind === 'commit')
    .sort((a, b) => a.position - b.position)
  const entry = encodeTailEntry({
    storage: request.storage,
    objectId: request.objectId,
    extents: extentsOf(request, committed),
  })
  const write = committed.length === 0 ? undefined : commitWrite(request.key, committed, rows, entry)
  return { verdicts, committed, write, entry }
}

const later: BatchVerdict = { kind: 'later' }

/** At most these many bytes of the entry are a batch's, behind the one that was committed last. */
function entryBytesOf(batch: FlushedBatch, last: FlushedBatch | undefined): number {
  const follows = last?.partition === batch.partition && last.position + last.length === batch.position
  const extent = follows ? 0 : extentBytesMax
  if (!batch.producer) return extent
  return extent + (follows && goesOn(last.producer, batch.producer) ? 0 : producerBatchBytesMax)
}

/** The next batch of the same producer. */
const goesOn = (before: SequencedBatch | undefined, next: SequencedBatch): boolean =>
  before?.producerId === next.producerId &&
  before.epoch === next.epoch &&
  sequenceAfter(before.baseSequence, before.recordCount) === next.baseSequence

function decideBatch(
  batch: FlushedBatch,
  rows: Map<string, RowState>,
  known: Knowledge | undefined,
  nowMinutes: number,
): BatchVerdict {
  if (known && known.sequencer.attributes[nextAttribute(batch.partition)] === undefined) {
    return { kind: 'refused', error: noPartition(batch.partition) }
  }
  const { producer } = batch
  if (!producer) return { kind: 'commit' }
  const attribute = producerAttribute(batch.partition, producer.producerId)
  const before = rows.get(attribute)
  if (!before && rows.size >= limits.producersPerCommit) return later
  const state = before ?? initialState(attribute, batch.partition, producer, known, nowMinutes)
  const verdict = decideSequence(state.row, producer, nowMinutes)
  if (verdict.kind !== 'commit') return verdict
  const nextSequence = sequenceAfter(producer.baseSequence, producer.recordCount)
  const row = { epoch: producer.epoch, nextSequence, lastUseMinutes: nowMinutes }
  rows.set(attribute, { ...state, row })
  return verdict
}

/** The producer's row before this commit, and the conditions under which that is true. */
function initialState(
  attribute: string,
  partition: number,
  producer: SequencedBatch,
  known: Knowledge | undefined,
  nowMinutes: number,
): RowState {
  if (!known) return assumedState(attribute, producer, nowMinutes)
  const { sequencer, evicted } = known
  const row = producerRow(sequencer, partition, producer.producerId)
  if (row) {
    const stored = producerRowPrefix(row.epoch, row.nextSequence)
    return { attribute, row, conditions: [{ kind: 'beginsWith', attribute, value: stored }] }
  }
  const neverEvicted: Condition = { kind: 'absent', attribute: evictedAttribute }
  const evictedAsSeen: Condition = { kind: 'equals', attribute: evictedAttribute, value: sequencer.evictions }
  const absent: Condition = { kind: 'absent', attribute }
  const conditions = [absent, sequencer.evictions === 0 ? neverEvicted : evictedAsSeen]
  return { attribute, row: evicted.get(attribute), conditions }
}

function assumedState(attribute: string, producer: SequencedBatch, nowMinutes: number): RowState {
  const { epoch, baseSequence } = producer
  if (baseSequence === 0) {
    const conditions: Condition[] = [
      { kind: 'absent', attribute },
      { kind: 'absent', attribute: evictedAttribute },
    ]
    return { attribute, row: undefined, conditions }
  }
  const row = { epoch, nextSequence: baseSequence, lastUseMinutes: nowMinutes }
  const stored = producerRowPrefix(epoch, baseSequence)
  return { attribute, row, conditions: [{ kind: 'beginsWith', attribute, value: stored }] }
}

function commitWrite(
  key: ItemKey,
  committed: readonly FlushedBatch[],
  rows: ReadonlyMap<string, RowState>,
  entry: Uint8Array,
): Write & { kind: 'update' } {
  const counts = new Map<number, number>()
  for (const { partition, recordCount } of committed) {
    counts.set(partition, (counts.get(partition) ?? 0) + recordCount)
  }
  const when = new Map<string, Condition>()
  const require = (condition: Condition) =>
    when.set(JSON.stringify([condition.kind, 'attribute' in condition && condition.attribute]), condition)
  require({ kind: 'lengthBelow', attribute: tailAttribute, value: limits.tailLengthMax })
  const actions: Action[] = [{ kind: 'append', attribute: tailAttribute, values: [entry] }]
  for (const [partition, count] of counts) {
    require({ kind: 'exists', attribute: nextAttribute(partition) })
    actions.push({ kind: 'add', attribute: nextAttribute(partition), value: count })
  }
  for (const { attribute, conditions, row } of rows.values()) {
    if (!row) continue
    conditions.forEach(require)
    actions.push({ kind: 'set', attribute, value: encodeProducerRow(row) })
  }
  return { kind: 'update', key, actions, when: [...when.values()] }
}

/** Batches that follow each other in the object and in their partition are one extent. */
function extentsOf<B extends FlushedBatch>(
  request: CommitRequest<B>,
  committed: readonly B[],
): readonly PartitionExtent[] {
  const extents: PartitionExtent[] = []
  for (const batch of committed) {
    const last = extents.at(-1)
    const follows = last?.partition === batch.partition && last.position + last.length === batch.position
    if (last && follows) extents[extents.length - 1] = joined(last, batch)
    else extents.push(joined(emptyExtent(request, batch), batch))
  }
  return extents
}

const emptyExtent = (request: CommitRequest<FlushedBatch>, batch: FlushedBatch): PartitionExtent => ({
  partition: batch.partition,
  storage: request.storage,
  objectId: request.objectId,
  position: batch.position,
  length: 0,
  offsetCount: 0,
  maxTimestamp: -1,
  producerBatches: [],
})

function joined(extent: PartitionExtent, batch: FlushedBatch): PartitionExtent {
  return {
    ...extent,
    length: extent.length + batch.length,
    offsetCount: extent.offsetCount + batch.recordCount,
    maxTimestamp: Math.max(extent.maxTimestamp, batch.maxTimestamp),
    producerBatches: withProducer(extent, batch.producer),
  }
}

/** Batches of one producer that follow each other are one to whoever looks for a stored sequence. */
function withProducer(extent: PartitionExtent, next: SequencedBatch | undefined): readonly ProducerBatch[] {
  const { producerBatches, offsetCount } = extent
  if (!next) return producerBatches
  const last = producerBatches.at(-1)
  const isNext = last && last.offsetDelta + last.recordCount === offsetCount && goesOn(last, next)
  if (!isNext) return [...producerBatches, { offsetDelta: offsetCount, ...next }]
  return [...producerBatches.slice(0, -1), { ...last, recordCount: last.recordCount + next.recordCount }]
}

const noPartition = (partition: number): KafkaError =>
  new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `There is no partition ${partition}.`)
