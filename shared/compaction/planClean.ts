// Whether and how far a partition is compacted by key (Kafka's LogCleanerManager): flushes and segments with a record
// that is younger than min.compaction.lag.ms stay out; the rest is worth it when the share of bytes not seen yet
// exceeds min.cleanable.dirty.ratio, or when a record has waited longer than max.compaction.lag.ms. What is half done
// is done to its end.

import type { SegmentItem } from '../metadata/segmentItem.ts'
import type { TopicConfig } from '../topics/configs.ts'
import { type CleanProgress, isHalfDone } from './cleanerItem.ts'

export type CleanPlan =
  | { readonly kind: 'clean'; readonly endOffset: number; readonly delayMs: number }
  | { readonly kind: 'wait'; readonly untilMs: number }
  | { readonly kind: 'nothing' }

export function planClean(
  segments: readonly SegmentItem[],
  progress: CleanProgress,
  config: TopicConfig,
  nowMs: number,
): CleanPlan {
  const { firstDirtyOffset, mappedEndOffset } = progress
  const dirty = segments.filter((segment) => segment.endOffset > firstDirtyOffset)
  const [oldest] = dirty
  if (!oldest) return { kind: 'nothing' }
  const tooYoung = dirty.findIndex((segment) => segment.maxTimestamp > nowMs - config.minCompactionLagMs)
  const hasLag = config.minCompactionLagMs > 0
  const cleanable = hasLag && tooYoung !== -1 ? dirty.slice(0, tooYoung) : dirty
  const last = cleanable.at(-1)
  if (!last) return { kind: 'wait', untilMs: oldest.maxTimestamp + config.minCompactionLagMs }
  const dirtyBytes = bytesOf(cleanable)
  const cleanBytes = bytesOf(segments.filter((segment) => segment.endOffset <= firstDirtyOffset))
  const waitedSinceMs = oldest.firstTimestamp >= 0 ? oldest.firstTimestamp : oldest.createdMs
  const mustBeCleanAtMs = waitedSinceMs + config.maxCompactionLagMs
  const isDirty = dirtyBytes > config.minCleanableDirtyRatio * (cleanBytes + dirtyBytes)
  const delayMs = Math.max(0, nowMs - mustBeCleanAtMs)
  if (isHalfDone(progress)) {
    return { kind: 'clean', endOffset: Math.min(mappedEndOffset, last.endOffset), delayMs }
  }
  if (!isDirty && nowMs < mustBeCleanAtMs) return { kind: 'wait', untilMs: mustBeCleanAtMs }
  return { kind: 'clean', endOffset: last.endOffset, delayMs }
}

/** Neighbours that together make at most one segment are rewritten as one. */
export function groupSegments(
  segments: readonly SegmentItem[],
  segmentBytes: number,
): readonly (readonly SegmentItem[])[] {
  const groups: SegmentItem[][] = []
  for (const segment of segments) {
    const last = groups.at(-1)
    if (last && bytesOf(last) + segment.bytes <= segmentBytes) last.push(segment)
    else groups.push([segment])
  }
  return groups
}

const bytesOf = (segments: readonly SegmentItem[]): number =>
  segments.reduce((sum, segment) => sum + segment.bytes, 0)
