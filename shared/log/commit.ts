// Carries a commit out: plan, write once, and where the write is refused learn from the refusal and plan again. A write
// whose answer was lost is looked for; what cannot be found is repeated only where a producer's sequence makes that
// safe.

import { KafkaError, StorageError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { decodeTailEntry, type PartitionExtent } from '../metadata/extent.ts'
import {
  decodeProducerRow,
  nextAttribute,
  type ProducerRow,
  parseSequencer,
  producerAttribute,
  producerRow,
  tailAttribute,
} from '../metadata/sequencer.ts'
import { backoffMs, retryRepeatable, retryWithoutEffect } from '../ports/retry.ts'
import type { Attributes, Item } from '../ports/table.ts'
import type { LogDeps } from './deps.ts'
import { findCommittedExtent, findStoredBatch } from './findStored.ts'
import { maintainSequencer } from './maintain.ts'
import {
  type CommitPlan,
  type CommitRequest,
  type FlushedBatch,
  type Knowledge,
  planCommit,
} from './planCommit.ts'

export type BatchResult =
  | { readonly kind: 'placed'; readonly baseOffset: number; readonly duplicate: boolean }
  | { readonly kind: 'refused'; readonly error: KafkaError }

export interface SequencerCommit<B extends FlushedBatch> extends CommitRequest<B> {
  readonly topicId: string
  readonly group: number
  /** No write is begun after this: the collector may take the flush for garbage one day. */
  readonly giveUpAtMs: number
}

type Settle<B> = (batch: B, result: BatchResult) => void

/**
 * Settles every batch exactly once. `tailLength` is the tail's length after the last write, for the caller to keep
 * short.
 */
export async function commitBatches<B extends FlushedBatch>(
  deps: LogDeps,
  commit: SequencerCommit<B>,
  settle: Settle<B>,
): Promise<{ readonly tailLength: number }> {
  const inDoubt = new Set<B>()
  const settleInDoubt: Settle<B> = (batch, result) => {
    settle(batch, inDoubt.delete(batch) ? resultInDoubt(result) : result)
  }
  try {
    return await commitAll(deps, commit, settleInDoubt, inDoubt)
  } catch (error) {
    if (error instanceof KafkaError) refuseAll([...inDoubt], unknownOutcome(), settle)
    throw error
  }
}

/** `inDoubt` gets the batches of writes whose answers were lost: no refusal may say that they are not stored. */
async function commitAll<B extends FlushedBatch>(
  deps: LogDeps,
  commit: SequencerCommit<B>,
  settle: Settle<B>,
  inDoubt: Set<B>,
): Promise<{ readonly tailLength: number }> {
  let remaining = commit.batches
  let known: Knowledge | undefined
  let tailLength = 0
  for (let attempt = 1; remaining.length > 0; attempt++) {
    if (attempt > limits.commitAttemptsMax) {
      refuseAll(remaining, contended(), settle)
      break
    }
    const plan = planCommit({ ...commit, batches: remaining }, known, deps.clock.now())
    const outcome = await write(deps, commit, plan)
    if (outcome.kind === 'committed') {
      tailLength = outcome.tailLength
      await settlePlan(deps, commit, plan, outcome.baseOffsets, settle)
      remaining = remaining.filter((batch) => plan.verdicts.get(batch)?.kind === 'later')
      known = undefined
      // Progress: a flush of very many producers takes many commits, none of which has been tried in vain.
      attempt = 0
    } else if (outcome.kind === 'refused') {
      if (!outcome.current) refuseGone(remaining, inDoubt, settle)
      remaining = outcome.current ? remaining : []
      known = outcome.current && (await learn(deps, commit, outcome.current, remaining))
      await makeRoom(deps, commit, known)
    } else {
      for (const batch of plan.committed) inDoubt.add(batch)
      const lost = plan.committed.filter((batch) => !batch.producer)
      refuseAll(lost, unknownOutcome(), settle)
      const tried = new Set(plan.committed)
      remaining = remaining.filter((batch) => batch.producer || !tried.has(batch))
      known = undefined
    }
    if (outcome.kind !== 'committed' && attempt > 1) await deps.clock.sleep(backoffMs(attempt, deps.random))
  }
  return { tailLength }
}

type CommitOutcome =
  | {
      readonly kind: 'committed'
      readonly baseOffsets: ReadonlyMap<number, number>
      readonly tailLength: number
    }
  | { readonly kind: 'refused'; readonly current: Item | undefined }
  | { readonly kind: 'unknown' }

async function write<B extends FlushedBatch>(
  deps: LogDeps,
  commit: SequencerCommit<B>,
  plan: CommitPlan<B>,
): Promise<CommitOutcome> {
  const { write: update } = plan
  if (!update) return { kind: 'committed', baseOffsets: new Map(), tailLength: 0 }
  try {
    const outcome = await retryWithoutEffect(deps, () => {
      if (deps.clock.now() > commit.giveUpAtMs) throw tooLate()
      return deps.table.write(update)
    })
    if (!outcome.ok) return { kind: 'refused', current: outcome.current }
    return {
      kind: 'committed',
      baseOffsets: baseOffsets(plan, outcome.updated),
      tailLength: lengthOf(outcome.updated),
    }
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    const found = await findCommit(deps, commit, plan).catch(undefinedWhenUnavailable)
    // How long the tail is got lost with the answer: 1 marks the sequencer as one to look at.
    return found ? { kind: 'committed', baseOffsets: found, tailLength: 1 } : { kind: 'unknown' }
  }
}

/** The offset of each partition's first record of this commit: the new high watermark less what was added. */
function baseOffsets(plan: CommitPlan<FlushedBatch>, updated: Attributes): ReadonlyMap<number, number> {
  const bases = new Map<number, number>()
  for (const { partition, recordCount } of plan.committed) {
    const next = bases.get(partition) ?? updated[nextAttribute(partition)]
    if (typeof next !== 'number')
      throw new Error(`a commit answers the next offset of partition ${partition}`)
    bases.set(partition, next - recordCount)
  }
  return bases
}

const lengthOf = (updated: Attributes): number => {
  const tail = updated[tailAttribute]
  return Array.isArray(tail) ? tail.length : 0
}

const searchesForLostCommit = 6

/** After a lost answer: the offsets of the commit if it can be seen, for it may also arrive a little later. */
async function findCommit<B extends FlushedBatch>(
  deps: LogDeps,
  commit: SequencerCommit<B>,
  plan: CommitPlan<B>,
): Promise<ReadonlyMap<number, number> | undefined> {
  const { extents } = decodeTailEntry(plan.entry)
  for (let search = 1; search <= searchesForLostCommit; search++) {
    const offsets = await findExtents(deps, commit.topicId, extents)
    if (offsets) return offsets
    await deps.clock.sleep(backoffMs(search, deps.random))
  }
  return undefined
}

/**
 * undefined: they are not there exactly as they were written. An earlier write of the same flush, with other batches
 * between these, may have arrived instead: its offsets are not this one's.
 */
async function findExtents(
  deps: LogDeps,
  topicId: string,
  extents: readonly PartitionExtent[],
): Promise<ReadonlyMap<number, number> | undefined> {
  const bases = new Map<number, number>()
  const ends = new Map<number, number>()
  for (const extent of extents) {
    const { partition, offsetCount } = extent
    const offset = await findCommittedExtent(deps, topicId, partition, extent)
    if (offset === undefined || offset !== (ends.get(partition) ?? offset)) return undefined
    if (!bases.has(partition)) bases.set(partition, offset)
    ends.set(partition, offset + offsetCount)
  }
  return bases
}

/** A search that the storage does not answer leaves the commit's fate unknown; it must not make it "not stored". */
function undefinedWhenUnavailable(error: unknown): undefined {
  if (!(error instanceof KafkaError)) throw error
}

async function settlePlan<B extends FlushedBatch>(
  deps: LogDeps,
  commit: SequencerCommit<B>,
  plan: CommitPlan<B>,
  bases: ReadonlyMap<number, number>,
  settle: Settle<B>,
): Promise<void> {
  const next = new Map(bases)
  for (const batch of plan.committed) {
    const baseOffset = next.get(batch.partition) ?? 0
    next.set(batch.partition, baseOffset + batch.recordCount)
    settle(batch, { kind: 'placed', baseOffset, duplicate: false })
  }
  for (const [batch, verdict] of plan.verdicts) {
    if (verdict.kind === 'refused') settle(batch, verdict)
    if (verdict.kind === 'stored') settle(batch, await storedResult(deps, commit.topicId, batch))
  }
}

async function storedResult(deps: LogDeps, topicId: string, batch: FlushedBatch): Promise<BatchResult> {
  const { producer, partition } = batch
  const baseOffset = producer && (await findStoredBatch(deps, topicId, partition, producer))
  if (baseOffset !== undefined) return { kind: 'placed', baseOffset, duplicate: true }
  const message = `The batch at sequence ${producer?.baseSequence} is stored already; its offset is no longer known.`
  return { kind: 'refused', error: new KafkaError('DUPLICATE_SEQUENCE_NUMBER', message) }
}

/** The sequencer as the refusal showed it, and the rows of producers that were evicted from it. */
async function learn(
  deps: LogDeps,
  commit: SequencerCommit<FlushedBatch>,
  current: Item,
  batches: readonly FlushedBatch[],
): Promise<Knowledge> {
  const sequencer = parseSequencer(current)
  const evicted = new Map<string, ProducerRow | undefined>()
  if (sequencer.evictions === 0) return { sequencer, evicted }
  for (const { partition, producer } of batches) {
    if (!producer || producerRow(sequencer, partition, producer.producerId)) continue
    const attribute = producerAttribute(partition, producer.producerId)
    if (evicted.has(attribute)) continue
    const id = producer.producerId.toString(36)
    const key = deps.scope.evictedProducer(commit.topicId, commit.group, partition, id)
    const row = (await retryRepeatable(deps, () => deps.table.get(key)))?.attributes.row
    evicted.set(attribute, row instanceof Uint8Array ? decodeProducerRow(row) : undefined)
  }
  return { sequencer, evicted }
}

async function makeRoom(
  deps: LogDeps,
  commit: SequencerCommit<FlushedBatch>,
  known: Knowledge | undefined,
): Promise<void> {
  const full = known && known.sequencer.tailBytes.length >= limits.tailLengthMax
  if (full) await maintainSequencer(deps, commit.topicId, commit.group)
}

function refuseAll<B>(batches: readonly B[], error: KafkaError, settle: Settle<B>): void {
  for (const batch of batches) settle(batch, { kind: 'refused', error })
}

/** With its sequencer the log is gone, and with it what a lost write may have stored there. */
function refuseGone<B>(batches: readonly B[], inDoubt: Set<B>, settle: Settle<B>): void {
  inDoubt.clear()
  refuseAll(batches, noTopic(), settle)
}

/** An earlier write of the batch may have been carried out, or may be yet. */
function resultInDoubt(result: BatchResult): BatchResult {
  if (result.kind === 'placed' || result.error.code === 'DUPLICATE_SEQUENCE_NUMBER') return result
  return { kind: 'refused', error: unknownOutcome() }
}

const noTopic = (): KafkaError =>
  new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition.')

const contended = (): KafkaError =>
  new KafkaError(
    'KAFKA_STORAGE_ERROR',
    'The partition is contended and the records were not stored. Try again.',
  )

const tooLate = (): KafkaError =>
  new KafkaError('KAFKA_STORAGE_ERROR', 'The records were not stored: writing them took too long. Try again.')

const unknownOutcome = (): KafkaError =>
  new KafkaError(
    'REQUEST_TIMED_OUT',
    'The storage did not answer in time: the records may have been stored. Read the log before you send them again, ' +
      'or append with a producer id.',
  )
