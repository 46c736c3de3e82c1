// Who names an object now: asked where the object itself says that it may be named, strongly consistently.

import { limits } from '../base/limits.ts'
import type { TailEntry } from '../metadata/extent.ts'
import { parseIndexItem } from '../metadata/indexItem.ts'
import { indexSortKey, indexSortKeyEnd } from '../metadata/scope.ts'
import type { SegmentFooter } from '../metadata/segmentFooter.ts'
import { parseSegmentItem } from '../metadata/segmentItem.ts'
import { parseSequencer } from '../metadata/sequencer.ts'
import { queryEach } from '../ports/queryAll.ts'
import { retryRepeatable } from '../ports/retry.ts'
import type { CompactionDeps } from './deps.ts'

type Deps = Pick<CompactionDeps, 'table' | 'clock' | 'random' | 'scope'>

/** As the log, or as one that waits for its grace. */
export async function isNamedSegment(deps: Deps, footer: SegmentFooter, id: string): Promise<boolean> {
  const key = deps.scope.segment(footer.topicId, footer.partition, footer.endOffset - 1)
  const item = await retryRepeatable(deps, () => deps.table.get(key))
  if (item && parseSegmentItem(item).objectId === id) return true
  return (await retryRepeatable(deps, () => deps.table.get(deps.scope.retired(id)))) !== undefined
}

export interface NamedFlushes {
  readonly ids: ReadonlySet<string>
  readonly tail: readonly TailEntry[]
}

/** By a sequencer's tail and by the index of its partitions; by neither where the sequencer is gone. */
export async function flushesNamedBy(deps: Deps, topicId: string, group: number): Promise<NamedFlushes> {
  const item = await retryRepeatable(deps, () => deps.table.get(deps.scope.sequencer(topicId, group)))
  if (!item) return { ids: new Set(), tail: [] }
  const { tail } = parseSequencer(item)
  const ids = new Set(tail.map(({ objectId }) => objectId))
  const first = group * limits.partitionsPerSequencer
  for (let partition = first; partition < first + limits.partitionsPerSequencer; partition++) {
    const pk = deps.scope.indexPk(topicId, partition)
    for await (const index of queryEach(deps, { pk, from: indexSortKey(0), to: indexSortKeyEnd })) {
      for (const extent of parseIndexItem(index).extents) ids.add(extent.objectId)
    }
  }
  return { ids, tail }
}
