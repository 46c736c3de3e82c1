// What a pass would do, without doing it: the same plans on the same reads. What merging brings may then be
// compacted by key and retained too, so a preview is the least that a pass does.

import { limits } from '../base/limits.ts'
import { endOf } from '../log/extents.ts'
import { workSortKey } from '../metadata/scope.ts'
import { groupOf } from '../metadata/sequencer.ts'
import type { TopicItem } from '../metadata/topicItem.ts'
import { parseWorkItem } from '../metadata/workItem.ts'
import { queryEach } from '../ports/queryAll.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { Catalog } from '../topics/catalog.ts'
import { effectiveConfig } from '../topics/configs.ts'
import { parseCleanerItem } from './cleanerItem.ts'
import type { CompactionDeps, Partition } from './deps.ts'
import { readFlushes, readPartition, readSegments } from './partitionItems.ts'
import { planClean } from './planClean.ts'
import { mergeAgeMs, planReconcile } from './planReconcile.ts'
import { planRetention } from './planRetention.ts'
import { mergeBegin } from './skipDeleted.ts'

export interface PartitionPreview {
  readonly topicName: string
  readonly partition: number
  /** Bytes and number of the extents that would become segments. */
  readonly mergeBytes: number
  readonly mergeExtents: number
  /** Bytes of the segments that compaction by key would read. */
  readonly cleanBytes: number
  /** Where retention would move the log start; absent: it stays. */
  readonly logStartOffset?: number
}

/** Of partitions with something to do. With a topic's name also what is not due yet. */
export async function previewPass(
  deps: CompactionDeps,
  catalog: Catalog,
  topicName: string | undefined,
): Promise<readonly PartitionPreview[]> {
  const previews: PartitionPreview[] = []
  const groups = topicName === undefined ? dueGroups(deps, catalog) : groupsOf(await catalog.get(topicName))
  for await (const { topic, group } of groups) {
    const { name, topicId, partitionCount } = topic
    const config = effectiveConfig(topic.overrides)
    const from = group * limits.partitionsPerSequencer
    const to = Math.min(partitionCount, from + limits.partitionsPerSequencer)
    for (let partition = from; partition < to; partition++) {
      const preview = await previewPartition(deps, { topicName: name, topicId, partition, config })
      if (preview) previews.push(preview)
    }
  }
  return previews
}

interface Group {
  readonly topic: TopicItem
  readonly group: number
}

async function* dueGroups(deps: CompactionDeps, catalog: Catalog): AsyncGenerator<Group> {
  const seen = new Set<string>()
  const byId = new Map((await catalog.list()).map((topic) => [topic.topicId, topic]))
  const due = { pk: deps.scope.workPk, to: workSortKey(deps.clock.now() + 1) }
  for await (const item of queryEach(deps, due)) {
    const { topicId, group } = parseWorkItem(item)
    const topic = byId.get(topicId)
    if (!topic || seen.has(`${topicId}/${group}`)) continue
    seen.add(`${topicId}/${group}`)
    yield { topic, group }
  }
}

const groupsOf = (topic: TopicItem | undefined): readonly Group[] =>
  topic ? Array.from({ length: groupOf(topic.partitionCount - 1) + 1 }, (_, group) => ({ topic, group })) : []

/** undefined: there is nothing to do. */
async function previewPartition(
  deps: CompactionDeps,
  partition: Partition,
): Promise<PartitionPreview | undefined> {
  const { config } = partition
  const nowMs = deps.clock.now()
  const state = await readPartition(deps, partition)
  if (!state) return undefined
  const { live } = await readSegments(deps, partition)
  const begin = await mergeBegin(deps, partition, state)
  const unmerged = { ...state, segmentsEndOffset: begin }
  const flushes = await readFlushes(deps, partition, unmerged, Number.POSITIVE_INFINITY)
  const end = flushes.at(-1)
  const indexedEnd = end ? endOf(end) : begin
  const fresh = [...flushes, ...state.tail.filter(({ baseOffset }) => baseOffset >= indexedEnd)]
  const segmentBytes = Math.min(config.segmentBytes, deps.settings.segmentBytesMax)
  const ageMs = mergeAgeMs(deps.settings, config)
  const last = begin === state.segmentsEndOffset ? live.at(-1) : undefined
  const isMerged = planReconcile({ last, fresh, segmentBytes, ageMs, nowMs }).kind === 'merge'
  const merged = isMerged ? fresh : []
  const { topicName, topicId, partition: number } = partition
  const cleanerKey = deps.scope.cleaner(topicId, number)
  const cleaner = parseCleanerItem(await retryRepeatable(deps, () => deps.table.get(cleanerKey)))
  const clean = config.cleanupPolicy.compact ? planClean(live, cleaner, config, nowMs) : undefined
  const cleanEnd = clean?.kind === 'clean' ? clean.endOffset : 0
  const cleaned = live.filter(({ baseOffset }) => baseOffset < cleanEnd)
  const retention = {
    segments: live,
    logStartOffset: state.logStartOffset,
    unmergedBytes: fresh.reduce((sum, { length }) => sum + length, 0),
  }
  const { logStartOffset } = planRetention(retention, config, nowMs)
  const moves = logStartOffset > state.logStartOffset
  if (merged.length === 0 && cleaned.length === 0 && !moves) return undefined
  return {
    topicName,
    partition: number,
    mergeBytes: merged.reduce((sum, { length }) => sum + length, 0),
    mergeExtents: merged.length,
    cleanBytes: cleaned.reduce((sum, { bytes }) => sum + bytes, 0),
    ...(moves ? { logStartOffset } : {}),
  }
}
