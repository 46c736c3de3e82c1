// What a pass would do, without doing it: the same plans on the same reads. What merging brings may then be
// compacted by key and retained too, so a preview is the least that a pass does.

import { limits } from '../base/limits.ts'
import { workSortKey } from '../metadata/scope.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { Catalog } from '../topics/catalog.ts'
import { effectiveConfig } from '../topics/configs.ts'
import { parseCleanerItem } from './cleanerItem.ts'
import type { CompactionDeps, Partition } from './deps.ts'
import { queryAll, readFlushes, readPartition, readSegments } from './partitionItems.ts'
import { planClean } from './planClean.ts'
import { planReconcile } from './planReconcile.ts'
import { planRetention } from './planRetention.ts'

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
  const seen = new Set<string>()
  const due = topicName === undefined ? { to: workSortKey(deps.clock.now() + 1) } : {}
  const topics = topicName === undefined ? await catalog.list() : [await catalog.get(topicName)]
  const byId = new Map(topics.flatMap((topic) => (topic ? [[topic.topicId, topic] as const] : [])))
  for await (const { key } of queryAll(deps, { pk: deps.scope.workPk, ...due })) {
    const [, topicId = '', group = ''] = key.sk.split('/')
    const topic = byId.get(topicId)
    if (!topic || seen.has(`${topicId}/${group}`)) continue
    seen.add(`${topicId}/${group}`)
    const config = effectiveConfig(topic.overrides)
    const from = Number(group) * limits.partitionsPerSequencer
    const to = Math.min(topic.partitionCount, from + limits.partitionsPerSequencer)
    for (let partition = from; partition < to; partition++) {
      const preview = await previewPartition(deps, { topicName: topic.name, topicId, partition, config })
      if (preview) previews.push(preview)
    }
  }
  return previews
}

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
  const flushes = await readFlushes(deps, partition, state, Number.POSITIVE_INFINITY)
  const fresh = [...flushes, ...state.tail]
  const segmentBytes = Math.min(config.segmentBytes, deps.settings.segmentBytesMax)
  const ageMs = deps.settings.reconcileAgeMs
  const isMerged = planReconcile({ last: live.at(-1), fresh, segmentBytes, ageMs, nowMs }).kind === 'merge'
  const merged = isMerged ? fresh : []
  const { topicName, topicId, partition: number } = partition
  const cleanerKey = deps.scope.cleaner(topicId, number)
  const cleaner = parseCleanerItem(await retryRepeatable(deps, () => deps.table.get(cleanerKey)))
  const clean = config.cleanupPolicy.compact
    ? planClean(live, cleaner.firstDirtyOffset, config, nowMs)
    : undefined
  const cleanEnd = clean?.kind === 'clean' ? clean.endOffset : 0
  const cleaned = live.filter(({ baseOffset }) => baseOffset < cleanEnd)
  const { logStartOffset } = planRetention(live, state.logStartOffset, config, nowMs)
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
