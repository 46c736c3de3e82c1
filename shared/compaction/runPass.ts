// A pass of the planner: takes what is due from the work list, gives each partition its turn, a bounded number at once, and
// writes down when to look again. Its cost follows what is due, not what exists.

import { createLimiter } from '../base/concurrency.ts'
import { limits } from '../base/limits.ts'
import { maintainSequencer, workMarksAttribute } from '../log/maintain.ts'
import { decodeTailEntry } from '../metadata/extent.ts'
import { objectTimeMs } from '../metadata/objectId.ts'
import { workSortKey } from '../metadata/scope.ts'
import { parseSequencer, type Sequencer, topicAttribute } from '../metadata/sequencer.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { Item } from '../ports/table.ts'
import type { Catalog } from '../topics/catalog.ts'
import { effectiveConfig } from '../topics/configs.ts'
import { compactPartition } from './compactPartition.ts'
import { type CompactionDeps, isOver, type Partition } from './deps.ts'

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
    const turns = items.map(async (item) => {
      if (isOver(deps, deadlineMs)) return
      const worked = await workOnSequencer(deps, catalog, item, { deadlineMs, limiter, topicName })
      if (worked) sequencers++
    })
    await Promise.all(turns)
    after = next
  } while (after !== undefined && !isOver(deps, deadlineMs))
  return { sequencers, unfinished: isOver(deps, deadlineMs) }
}

interface Turn {
  readonly deadlineMs: number
  readonly limiter: ReturnType<typeof createLimiter>
  readonly topicName: string | undefined
}

async function workOnSequencer(
  deps: CompactionDeps,
  catalog: Catalog,
  item: Item,
  { deadlineMs, limiter, topicName }: Turn,
): Promise<boolean> {
  const [, topicId = '', groupText = ''] = item.key.sk.split('/')
  const group = Number(groupText)
  const key = deps.scope.sequencer(topicId, group)
  const sequencerItem = await retryRepeatable(deps, () => deps.table.get(key))
  const sequencer = sequencerItem && parseSequencer(sequencerItem)
  const name = sequencer?.attributes[topicAttribute]
  const topic = typeof name === 'string' ? await catalog.get(name) : undefined
  if (topicName !== undefined && topic?.name !== topicName) return false
  if (!sequencer || topic?.topicId !== topicId) {
    await finish(deps, item, topicId, group, undefined)
    return false
  }
  const dueMs = await spillOldTail(deps, sequencer, topicId, group)
  const config = effectiveConfig(topic.overrides)
  const from = group * limits.partitionsPerSequencer
  const count = Math.min(topic.partitionCount - from, limits.partitionsPerSequencer)
  const outcomes = await Promise.all(
    Array.from({ length: count }, (_, i) => {
      const partition: Partition = { topicName: topic.name, topicId, partition: from + i, config }
      return limiter(() => compactPartition(deps, partition, deadlineMs))
    }),
  )
  const dues = [dueMs, ...outcomes.map((outcome) => outcome.dueMs)].filter((due) => due !== undefined)
  await finish(deps, item, topicId, group, dues.length > 0 ? Math.min(...dues) : undefined)
  return true
}

/** What has waited long enough leaves the tail, so that it can be merged; answers when the rest will have. */
async function spillOldTail(
  deps: CompactionDeps,
  sequencer: Sequencer,
  topicId: string,
  group: number,
): Promise<number | undefined> {
  const [first] = sequencer.tailBytes
  if (!first) return undefined
  const oldMs = objectTimeMs(decodeTailEntry(first).objectId) + deps.settings.reconcileAgeMs
  if (deps.clock.now() < oldMs) return oldMs
  await maintainSequencer(deps, topicId, group, true)
  return undefined
}

/** Later first, then the entry that was worked on, unless it was marked again meanwhile: a crash forgets nothing. */
async function finish(
  deps: CompactionDeps,
  item: Item,
  topicId: string,
  group: number,
  dueMs: number | undefined,
): Promise<void> {
  const later = dueMs === undefined ? undefined : deps.scope.work(topicId, group, Math.max(dueMs, 1))
  if (later && later.sk !== item.key.sk) {
    const mark = { kind: 'add', attribute: workMarksAttribute, value: 1 } as const
    await retryRepeatable(deps, () => deps.table.write({ kind: 'update', key: later, actions: [mark] }))
  }
  if (later?.sk === item.key.sk) return
  const marks = item.attributes[workMarksAttribute]
  if (typeof marks !== 'number') return
  const when = [{ kind: 'equals', attribute: workMarksAttribute, value: marks }] as const
  await retryRepeatable(deps, () => deps.table.write({ kind: 'delete', key: item.key, when }))
}
