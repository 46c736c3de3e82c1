// A pass of the planner: takes what is due from the work list, gives the partitions with something to do their turns, a
// bounded number at once, and writes down when to look again. Its cost follows what is due, not what exists.

import { createLimiter } from '../base/concurrency.ts'
import { limits } from '../base/limits.ts'
import { maintainSequencer } from '../log/maintain.ts'
import { objectTimeMs } from '../metadata/objectId.ts'
import { workSortKey } from '../metadata/scope.ts'
import {
  groupOf,
  parseSequencer,
  partitionState,
  type Sequencer,
  topicAttribute,
} from '../metadata/sequencer.ts'
import type { TopicItem } from '../metadata/topicItem.ts'
import { parseWorkItem, type WorkDues, type WorkItem, workDone, workWrite } from '../metadata/workItem.ts'
import { queryEach } from '../ports/queryAll.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { Catalog } from '../topics/catalog.ts'
import { effectiveConfig } from '../topics/configs.ts'
import {
  type CompactionDeps,
  isOver,
  type Partition,
  type PartitionOutcome,
  type PartitionWorker,
} from './deps.ts'
import { mergeAgeMs } from './planReconcile.ts'
import { planTurns } from './planTurns.ts'

export interface PassOptions {
  /** The pass ends at the next clean point after this. */
  readonly deadlineMs: number
  /** Only this topic, and what is not due yet too. */
  readonly topicName?: string
}

export interface PassOutcome {
  /** Sequencers that were looked at. */
  readonly sequencers: number
  /** There was more to do than there was time. */
  readonly unfinished: boolean
}

const workPerPage = 100

export async function runPass(
  deps: CompactionDeps,
  catalog: Catalog,
  worker: PartitionWorker,
  { deadlineMs, topicName }: PassOptions,
): Promise<PassOutcome> {
  await forgetGone(deps, catalog)
  const limiter = createLimiter(deps.settings.partitionsAtOnce)
  const pages = topicName === undefined ? dueSequencers(deps) : sequencersOf(deps, catalog, topicName)
  let sequencers = 0
  for await (const page of pages) {
    const worked = page.map(async (sequencer) => {
      if (isOver(deps, deadlineMs)) return
      const turn = { ...sequencer, deadlineMs, limiter, isAskedFor: topicName !== undefined, worker }
      if (await workOnSequencer(deps, catalog, turn).catch(notWorked(deps))) sequencers++
    })
    await Promise.all(worked)
    if (isOver(deps, deadlineMs)) break
  }
  return { sequencers, unfinished: isOver(deps, deadlineMs) }
}

/** The topic of an uncleanable partition may have been deleted, which is one way to be rid of damage. */
async function forgetGone({ report }: CompactionDeps, catalog: Catalog): Promise<void> {
  for (const name of [...report.uncleanable.keys()]) {
    if (!(await catalog.get(name.slice(0, name.lastIndexOf('-'))))) report.uncleanable.delete(name)
  }
}

interface ListedSequencer {
  readonly topicId: string
  readonly group: number
  /** What the work list says of it. */
  readonly entries: readonly WorkItem[]
}

/** One that is due several times has one turn, or its turns would take each other's leases. */
async function* dueSequencers(deps: CompactionDeps): AsyncGenerator<readonly ListedSequencer[]> {
  const range = { pk: deps.scope.workPk, to: workSortKey(deps.clock.now() + 1), limit: workPerPage }
  for (let after: string | undefined; ; ) {
    const query = after === undefined ? range : { ...range, after }
    const { items, next } = await retryRepeatable(deps, () => deps.table.query(query))
    const work = Map.groupBy(items.map(parseWorkItem), ({ topicId, group }) => `${topicId}/${group}`)
    yield [...work.values()].flatMap(([first, ...others]) => {
      return first ? [{ topicId: first.topicId, group: first.group, entries: [first, ...others] }] : []
    })
    if (next === undefined) return
    after = next
  }
}

/** Whether or not the list has them: it may have missed one. */
async function* sequencersOf(
  deps: CompactionDeps,
  catalog: Catalog,
  topicName: string,
): AsyncGenerator<readonly ListedSequencer[]> {
  const topic = await catalog.get(topicName)
  if (!topic) return
  const { topicId, partitionCount } = topic
  const work: WorkItem[] = []
  for await (const item of queryEach(deps, { pk: deps.scope.workPk })) {
    const entry = parseWorkItem(item)
    if (entry.topicId === topicId) work.push(entry)
  }
  yield Array.from({ length: groupOf(partitionCount - 1) + 1 }, (_, group) => {
    return { topicId, group, entries: work.filter((entry) => entry.group === group) }
  })
}

/** What fails here stays on the list, and keeps no other from its turn. */
const notWorked = (deps: CompactionDeps) => (error: unknown) => {
  deps.reportBackgroundFailure(error)
  return false
}

interface Turn extends ListedSequencer {
  readonly deadlineMs: number
  readonly limiter: ReturnType<typeof createLimiter>
  /** All of its partitions, now. */
  readonly isAskedFor: boolean
  readonly worker: PartitionWorker
}

async function workOnSequencer(deps: CompactionDeps, catalog: Catalog, turn: Turn): Promise<boolean> {
  const { topicId, group, entries, limiter } = turn
  const key = deps.scope.sequencer(topicId, group)
  const sequencerItem = await retryRepeatable(deps, () => deps.table.get(key))
  const sequencer = sequencerItem && parseSequencer(sequencerItem)
  const name = sequencer?.attributes[topicAttribute]
  const topic = typeof name === 'string' ? await catalog.get(name) : undefined
  if (!sequencer || topic?.topicId !== topicId) {
    await finish(deps, turn, {})
    return false
  }
  const config = effectiveConfig(topic.overrides)
  const tail = await spillOldTail(deps, sequencer, {
    topicId,
    group,
    ageMs: mergeAgeMs(deps.settings, config),
  })
  const partitions = partitionsOf(topic, group)
  const unmerged = partitions.filter((partition) => hasUnmerged(sequencer, partition, tail.isSpilled))
  const turns = turn.isAskedFor
    ? { now: partitions, later: new Map<number, number>() }
    : planTurns(entries, { partitions, unmerged, isSpilled: tail.isSpilled, nowMs: deps.clock.now() })
  const worked = turns.now.map(async (number): Promise<[number, number | undefined]> => {
    const partition: Partition = { topicName: topic.name, topicId, partition: number, config }
    const { dueMs } = await limiter(() => workOnPartition(deps, turn, partition))
    return [number, dueMs]
  })
  const dues = [...turns.later, ...(await Promise.all(worked))].flatMap(([number, due]) =>
    isEver(due) ? [[number, due] as const] : [],
  )
  await finish(deps, turn, { tailMs: tail.dueMs, partitions: new Map(dues) })
  return true
}

function partitionsOf({ partitionCount }: TopicItem, group: number): readonly number[] {
  const from = group * limits.partitionsPerSequencer
  const count = Math.min(partitionCount - from, limits.partitionsPerSequencer)
  return Array.from({ length: Math.max(0, count) }, (_, i) => from + i)
}

/** Below the tail, where merging looks for it. */
function hasUnmerged(sequencer: Sequencer, partition: number, isSpilled: boolean): boolean {
  const state = partitionState(sequencer, partition)
  if (!state) return false
  return (isSpilled ? state.nextOffset : state.tailStartOffset) > state.segmentsEndOffset
}

/** A config of Kafka's largest number means never. */
const isEver = (dueMs: number | undefined): dueMs is number =>
  dueMs !== undefined && dueMs < Number.MAX_SAFE_INTEGER

/** What stops one partition must not stop the others, also a broken invariant, or a worker that nobody hears of. */
async function workOnPartition(
  deps: CompactionDeps,
  { worker, deadlineMs, isAskedFor }: Turn,
  partition: Partition,
): Promise<PartitionOutcome> {
  const name = `${partition.topicName}-${partition.partition}`
  if (isOver(deps, deadlineMs)) return { dueMs: deps.clock.now() }
  try {
    const outcome = await worker(partition, deadlineMs, isAskedFor)
    deps.report.uncleanable.delete(name)
    return outcome
  } catch (error) {
    deps.report.uncleanable.set(name, error instanceof Error ? error.message : String(error))
    deps.reportBackgroundFailure(error)
    return { dueMs: deps.clock.now() + uncleanableRetryMs }
  }
}

const uncleanableRetryMs = 15 * 60_000

interface OldTail {
  readonly isSpilled: boolean
  /** When what is left of it will have waited long enough. */
  readonly dueMs?: number
}

/** What has waited long enough leaves the tail, so that it can be merged. */
async function spillOldTail(
  deps: CompactionDeps,
  sequencer: Sequencer,
  { topicId, group, ageMs }: { readonly topicId: string; readonly group: number; readonly ageMs: number },
): Promise<OldTail> {
  const [first] = sequencer.tail
  if (!first) return { isSpilled: false }
  const oldMs = objectTimeMs(first.objectId) + ageMs
  if (deps.clock.now() < oldMs) return { isSpilled: false, dueMs: oldMs }
  await maintainSequencer(deps, topicId, group, true)
  return { isSpilled: true }
}

/** Later first, then the entries that were worked on, unless marked again meanwhile: a crash forgets nothing. */
async function finish(
  deps: CompactionDeps,
  { topicId, group, entries }: ListedSequencer,
  dues: WorkDues,
): Promise<void> {
  const nextMs = Math.min(dues.tailMs ?? Number.POSITIVE_INFINITY, ...(dues.partitions?.values() ?? []))
  const later = isEver(nextMs) ? deps.scope.work(topicId, group, Math.max(nextMs, 1)) : undefined
  if (later) await retryRepeatable(deps, () => deps.table.write(workWrite(later, dues)))
  for (const entry of entries) {
    if (later?.sk === entry.key.sk) continue
    await retryRepeatable(deps, () => deps.table.write(workDone(entry)))
  }
}
