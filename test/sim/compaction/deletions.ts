// What the collector deletes, held against what may still be needed: bytes and index items go only when
// segments have taken over, or the name was given up, a grace ago.

import { limits } from '../../../shared/base/limits.ts'
import { objectTimeMs } from '../../../shared/metadata/objectId.ts'
import type { ItemKey } from '../../../shared/ports/table.ts'
import { partitionOf, skewMs, topicIdOf, type Watcher } from './inspector.ts'

/** Segments have taken over so long ago that nobody holds what was read before. */
function wasOvertaken({ boundary, now }: Watcher, name: string, endOffset: number): boolean {
  const latestMs = now() - limits.graceMs + skewMs
  return (boundary.get(name) ?? []).some(({ atMs, end }) => end >= endOffset && atMs <= latestMs)
}

export function checkIndexGone(watcher: Watcher, key: ItemKey): void {
  const end = Number(key.sk.slice('index/'.length)) + 1
  if (wasOvertaken(watcher, `${topicIdOf(key)}/${partitionOf(key)}`, end)) return
  watcher.report(`${key.pk} ${key.sk} was deleted before its time`)
}

export function checkFlushGone(watcher: Watcher, objectId: string): void {
  const isOld = objectTimeMs(objectId) <= watcher.now() - limits.graceMs + skewMs
  if (!isOld) watcher.report(`flush ${objectId} was deleted though it is young`)
  for (const { topicId, partition, endOffset } of watcher.ledger.extentsOf(objectId)) {
    if (!watcher.rulesOf(topicId) || wasOvertaken(watcher, `${topicId}/${partition}`, endOffset)) continue
    watcher.report(`flush ${objectId} was deleted, and ${topicId}/${partition} needs it below ${endOffset}`)
  }
}

export function checkObjectGone(watcher: Watcher, name: string): void {
  const { scope, now, retiredAt, everNamed, report, counters } = watcher
  counters.count('objectCollected')
  if (name.startsWith(scope.logObjects)) {
    checkFlushGone(watcher, name.slice(scope.logObjects.length).replace('/', ''))
    return
  }
  const id = name.slice(scope.segmentObjects.length).replace('/', '')
  const latestMs = now() - limits.graceMs + skewMs
  const sinceMs = retiredAt.get(id) ?? (everNamed.has(id) ? Number.POSITIVE_INFINITY : objectTimeMs(id))
  if (sinceMs > latestMs) report(`segment ${id} was deleted before its time`)
}
