// A pass of the planner: takes what is due from the work list, gives each partition its turn, a bounded number at once,
// and writes down when to look again. Its cost follows what is due, not what exists.

import { createLimiter } from '../base/concurrency.ts'
import { limits } from '../base/limits.ts'
import { maintainSequencer, workMarksAttribute } from '../log/maintain.ts'
import { objectTimeMs } from '../metadata/objectId.ts'
import { workSortKey } from '../metadata/scope.ts'
import { parseSequencer, type Sequencer, topicAttribute } from '../metadata/sequencer.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { Item } from '../ports/table.ts'
import type { Catalog } from '../topics/catalog.ts'
import { effectiveConfig } from '../topics/configs.ts'
import {
  type CompactionDeps,
  isOver,
  type Partition,
  type PartitionOutcome,
  type PartitionWorker,
} from './deps.ts'

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
  const limiter = createLimiter(deps.settings.partitionsAtOnce)
  const to = topicName === undefined ? workSortKey(deps.clock.now() + 1) : undefined
  let sequencers = 0
  let after: string | undefined
  do {
    const query = {
      pk: deps.scope.workPk,
      limit: workPerPage,
      ...(to === undefined ? {} : { to }),
      ...(after === undefined ? {} : { after }),
    }
    const { items, next } = await retryRepeatable(deps, () => deps.table.query(query))
    // A sequencer that is due several times has one turn, or its turns would take each other's leases.
    const turns = [...Map.groupBy(items, ({ key }) => key.sk.slice(key.sk.indexOf('/') + 1)).values()]
    const worked = turns.map(async (entries) => {
      if (isOver(deps, deadlineMs)) return
      const turn = { entries, deadlineMs, limiter, topicName, worker }
      if (await workOnSequencer(deps, catalog, turn).catch(notWorked(deps))) sequencers++
    })
    await Promise.all(worked)
    after = next
  } while (after !== undefined && !isOver(deps, deadlineMs))
  return { sequencers, unfinished: isOver(deps, deadlineMs) }
}

/** What fails here stays on the list, and keeps no other from its turn. */
const notWorked = (deps: CompactionDeps) => (error: unknown) => {
  deps.reportBackgroundFailure(error)
  return false
}

interface Turn {
  /** What the work list says of one sequencer: at least one. */
  readonly entries: readonly Item[]
  readonly deadlineMs: number
  readonly limiter: ReturnType<typeof createLimiter>
  readonly topicName: string | undefined
  readonly worker: PartitionWorker
}

async function workOnSequencer(
  deps: CompactionDeps,
  catalog: Catalog,
  { entries, deadlineMs, limiter, topicName, worker }: Turn,
): Promise<boolean> {
  const [, topicId = '', groupText = ''] = entries[0]?.key.sk.split('/') ?? []
  const group = Number(groupText)
  const key = deps.scope.sequencer(topicId, group)
  const sequencerItem = await retryRepeatable(deps, () => deps.table.get(key))
  const sequencer = sequencerItem && parseSequencer(sequencerItem)
  const name = sequencer?.attributes[topicAttribute]
  const topic = typeof name === 'string' ? await catalog.get(name) : undefined
  if (topicName !== undefined && topic?.name !== topicName) return false
  if (!sequencer || topic?.topicId !== topicId) {
    await finish(deps, entries, topicId, group, undefined)
    return false
  }
  const dueMs = await spillOldTail(deps, sequencer, topicId, group)
  const config = effectiveConfig(topic.overrides)
  const from = group * limits.partitionsPerSequencer
  const count = Math.min(topic.partitionCount - from, limits.partitionsPerSequencer)
  const outcomes = await Promise.all(
    Array.from({ length: count }, (_, i) => {
      const partition: Partition = { topicName: topic.name, topicId, partition: from + i, config }
      return limiter(() => workOnPartition(deps, worker, partition, deadlineMs))
    }),
  )
  const dues = [dueMs, ...outcomes.map((outcome) => outcome.dueMs)].filter((due) => due !== undefined)
  // A config of Kafka's largest number means never.
  const nextMs = Math.min(...dues, Number.MAX_SAFE_INTEGER)
  await finish(deps, entries, topicId, group, nextMs < Number.MAX_SAFE_INTEGER ? nextMs : undefined)
  return true
}

/** What stops one partition must not stop the others, also a broken invariant, or a worker that nobody hears of. */
async function workOnPartition(
  deps: CompactionDeps,
  worker: PartitionWorker,
  partition: Partition,
  deadlineMs: number,
): Promise<PartitionOutcome> {
  const name = `${partition.topicName}-${partition.partition}`
  if (isOver(deps, deadlineMs)) return { dueMs: deps.clock.now() }
  try {
    const outcome = await worker(partition, deadlineMs)
    deps.report.uncleanable.delete(name)
    return outcome
  } catch (error) {
    deps.report.uncleanable.set(name, error instanceof Error ? error.message : String(error))
    deps.reportBackgroundFailure(error)
    return { dueMs: deps.clock.now() + uncleanableRetryMs }
  }
}

const uncleanableRetryMs = 15 * 60_000

/** What has waited long enough leaves the tail, so that it can be merged; answers when the rest will have. */
async function spillOldTail(
  deps: CompactionDeps,
  sequencer: Sequencer,
  topicId: string,
  group: number,
): Promise<number | undefined> {
  const [first] = sequencer.tail
  if (!first) return undefined
  const oldMs = objectTimeMs(first.objectId) + deps.settings.reconcileAgeMs
  if (deps.clock.now() < oldMs) return oldMs
  await maintainSequencer(deps, topicId, group, true)
  return undefined
}

/** Later first, then the entries that were worked on, unless marked again meanwhile: a crash forgets nothing. */
async function finish(
  deps: CompactionDeps,
  entries: readonly Item[],
  topicId: string,
  group: number,
  dueMs: number | undefined,
): Promise<void> {
  const later = dueMs === undefined ? undefined : deps.scope.work(topicId, group, Math.max(dueMs, 1))
  if (later && entries.every(({ key }) => key.sk !== later.sk)) {
    const mark = { kind: 'add', attribute: workMarksAttribute, value: 1 } as const
    await retryRepeatable(deps, () => deps.table.write({ kind: 'update', key: later, actions: [mark] }))
  }
  for (const { key, attributes } of entries) {
    const marks = attributes[workMarksAttribute]
    if (later?.sk === key.sk || typeof marks !== 'number') continue
    const when = [{ kind: 'equals', attribute: workMarksAttribute, value: marks }] as const
    await retryRepeatable(deps, () => deps.table.write({ kind: 'delete', key, when }))
  }
}
