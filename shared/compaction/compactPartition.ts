// One partition's turn: merge, compact by key, retain, retire, one step after the other, each a clean point at which a
// pass that runs out of time may end. Only the holder of the partition's lease gets through.

import { KafkaError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { type Lease, releaseLease, renewLease } from '../leases/lease.ts'
import { producerIdExpirationMinutes } from '../log/producerRule.ts'
import {
  decodeProducerRow,
  groupOf,
  logStartAttribute,
  type ProducerRow,
  parseSequencer,
  producerRows,
} from '../metadata/sequencer.ts'
import { queryEach } from '../ports/queryAll.ts'
import { retryRepeatable } from '../ports/retry.ts'
import { cleanPartition } from './clean.ts'
import { type CleanerState, isHalfDone, parseCleanerItem } from './cleanerItem.ts'
import { type CompactionDeps, isOver, type Partition, type PartitionOutcome } from './deps.ts'
import { readPartition, readSegments, unmergedBytes } from './partitionItems.ts'
import { takePartition } from './partitionLease.ts'
import { planClean } from './planClean.ts'
import { planRetention } from './planRetention.ts'
import { reconcile } from './reconcile.ts'
import { retireSegments, saveCleaner, trimIndex } from './retire.ts'
import { skipDeleted } from './skipDeleted.ts'
import { transactFenced } from './storeSegment.ts'

/** Where a lease is lost, somebody else is at work: look again when theirs would have ended. */
export async function compactPartition(
  deps: CompactionDeps,
  partition: Partition,
  deadlineMs: number,
): Promise<PartitionOutcome> {
  const startedMs = deps.clock.now()
  const { leaseMs } = deps.settings
  try {
    const taken = await takePartition(deps, partition)
    if (taken.kind === 'gone') return { dueMs: undefined }
    if (taken.kind === 'held') return { dueMs: startedMs + leaseMs }
    const { lease } = taken
    return await work(deps, partition, lease, deadlineMs).finally(() => releaseLease(deps, lease))
  } finally {
    const tookMs = deps.clock.now() - startedMs
    deps.report.maxCleanTimeMs = Math.max(deps.report.maxCleanTimeMs, tookMs)
  }
}

async function work(
  deps: CompactionDeps,
  partition: Partition,
  lease: Lease,
  deadlineMs: number,
): Promise<PartitionOutcome> {
  const dues: number[] = []
  const failures: KafkaError[] = []
  for (const step of [mergeStep, cleanStep, retainStep, trimStep]) {
    for (let again = true; again; ) {
      if (isOver(deps, deadlineMs)) return endOfTurn(failures, deps.clock.now())
      const renewed = await renewLease(deps, lease, deps.settings.leaseMs)
      const due = renewed && (await step(deps, partition, renewed, deadlineMs).catch(noteFailure(failures)))
      if (due === undefined) return endOfTurn(failures, deps.clock.now() + deps.settings.leaseMs)
      again = due === atOnce
      if (due !== atOnce && due !== never) dues.push(due)
    }
  }
  return endOfTurn(failures, dues.length > 0 ? Math.min(...dues) : undefined)
}

/**
 * A flush or a segment that is damaged ends its own step: what is merged already is cleaned and retained all the same.
 * Anything else, such as a broken invariant, ends the turn.
 */
const noteFailure =
  (failures: KafkaError[]) =>
  (error: unknown): number => {
    if (!(error instanceof KafkaError)) throw error
    failures.push(error)
    return never
  }

function endOfTurn([failure]: readonly KafkaError[], dueMs: number | undefined): PartitionOutcome {
  if (failure) throw failure
  return { dueMs }
}

/** A step answers when it has something to do again; undefined: the lease was lost. */
type Step = (
  deps: CompactionDeps,
  partition: Partition,
  lease: Lease,
  deadlineMs: number,
) => Promise<number | undefined>

const never = Number.POSITIVE_INFINITY
const atOnce = 0

const mergeStep: Step = async (deps, partition, lease, deadlineMs) => {
  const state = await readPartition(deps, partition)
  if (!state) return never
  const isCompacted = partition.config.cleanupPolicy.compact
  const cleanEndOffset = isCompacted ? (await readCleaner(deps, partition)).firstDirtyOffset : 0
  const segments = await readSegments(deps, partition)
  const skipped = await skipDeleted(deps, partition, lease, state, segments)
  if (skipped !== 'nothing') return skipped === 'skipped' ? atOnce : undefined
  const task = { partition, lease, state, segments, cleanEndOffset, deadlineMs }
  const outcome = await reconcile(deps, task)
  if (outcome.kind === 'merged') return atOnce
  if (outcome.kind === 'lost') return undefined
  return outcome.kind === 'wait' ? outcome.untilMs : never
}

const cleanStep: Step = async (deps, partition, lease, deadlineMs) => {
  if (!partition.config.cleanupPolicy.compact) return never
  const cleaner = await readCleaner(deps, partition)
  const { live } = await readSegments(deps, partition)
  const plan = planClean(live, cleaner, partition.config, deps.clock.now())
  if (plan.kind !== 'clean') return plan.kind === 'wait' ? plan.untilMs : never
  const { report } = deps
  report.maxCompactionDelayMs = Math.max(report.maxCompactionDelayMs, plan.delayMs)
  const before = report.counters.bytesWritten
  const progress = await cleanPartition(deps, {
    partition,
    lease,
    segments: live,
    firstDirtyOffset: cleaner.firstDirtyOffset,
    rewrittenOffset: isHalfDone(cleaner) ? cleaner.rewrittenOffset : 0,
    endOffset: plan.endOffset,
    producers: await readProducers(deps, partition),
    deadlineMs,
  })
  if (progress === undefined) return undefined
  report.cleanedBytes += progress.bytes
  report.recopiedBytes += report.counters.bytesWritten - before
  if (!(await saveCleaner(deps, partition, lease, { ...cleaner, ...progress.reached }))) return undefined
  return isHalfDone(cleaner) || progress.reached.firstDirtyOffset < plan.endOffset ? atOnce : never
}

const retainStep: Step = async (deps, partition, lease) => {
  const state = await readPartition(deps, partition)
  if (!state) return never
  const { live, covered } = await readSegments(deps, partition)
  const { config } = partition
  const limitsBytes = config.cleanupPolicy.delete && config.retentionBytes >= 0 && live.length > 0
  const retention = {
    segments: live,
    logStartOffset: state.logStartOffset,
    unmergedBytes: limitsBytes ? await unmergedBytes(deps, partition, state, config.retentionBytes) : 0,
  }
  const plan = planRetention(retention, config, deps.clock.now())
  if (plan.logStartOffset > state.logStartOffset) {
    const moved = await moveLogStart(deps, partition, lease, plan.logStartOffset)
    if (!moved) return undefined
  }
  const gone = live.filter((segment) => segment.endOffset <= plan.logStartOffset)
  if (!(await retireSegments(deps, lease, [...covered, ...gone]))) return undefined
  return plan.dueMs ?? never
}

/** DeleteRecords may have moved it further meanwhile: then there is nothing to do. */
async function moveLogStart(
  deps: CompactionDeps,
  { topicId, partition }: Partition,
  lease: Lease,
  offset: number,
): Promise<boolean> {
  const attribute = logStartAttribute(partition)
  const key = deps.scope.sequencer(topicId, groupOf(partition))
  const write = {
    kind: 'update',
    key,
    actions: [{ kind: 'set', attribute, value: offset }],
    when: [{ kind: 'below', attribute, value: offset }],
  } as const
  return transactFenced(deps, lease, [write], async () => false)
}

const trimStep: Step = async (deps, partition, lease) => {
  const state = await readPartition(deps, partition)
  if (!state) return never
  const cleaner = await trimIndex(deps, partition, lease, state, await readCleaner(deps, partition))
  if (!cleaner) return undefined
  return cleaner.trimOffset > 0 ? cleaner.trimAtMs + limits.graceMs : never
}

async function readCleaner(deps: CompactionDeps, { topicId, partition }: Partition): Promise<CleanerState> {
  const key = deps.scope.cleaner(topicId, partition)
  return parseCleanerItem(await retryRepeatable(deps, () => deps.table.get(key)))
}

/** Also those whose rows have left the sequencer; not those that have expired, as for Kafka's cleaner. */
async function readProducers(
  deps: CompactionDeps,
  { topicId, partition }: Partition,
): Promise<ReadonlyMap<bigint, ProducerRow>> {
  const group = groupOf(partition)
  const rows = new Map<bigint, ProducerRow>()
  const item = await retryRepeatable(deps, () => deps.table.get(deps.scope.sequencer(topicId, group)))
  for (const one of item ? producerRows(parseSequencer(item)) : []) {
    if (one.partition === partition) rows.set(parseBase36(one.id), one.row)
  }
  // Second, so that what is evicted meanwhile is in one of them. In both, the sequencer's row is the newer one.
  const { pk, sk: prefix } = deps.scope.evictedProducer(topicId, group, partition, '')
  for await (const { key, attributes } of queryEach(deps, { pk, prefix })) {
    const id = parseBase36(key.sk.slice(prefix.length))
    if (attributes.row instanceof Uint8Array && !rows.has(id)) rows.set(id, decodeProducerRow(attributes.row))
  }
  const oldest = Math.floor(deps.clock.now() / 60_000) - producerIdExpirationMinutes
  return new Map([...rows].filter(([, { lastUseMinutes }]) => lastUseMinutes >= oldest))
}

const parseBase36 = (text: string): bigint =>
  [...text].reduce((value, digit) => value * 36n + BigInt(Number.parseInt(digit, 36)), 0n)
