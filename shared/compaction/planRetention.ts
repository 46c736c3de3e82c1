// What a partition may forget: whole segments from its beginning, by time, by bytes, and what lies below the log start.
// The bytes are those of the whole log, as with Kafka; what is not merged yet counts and stays.

import type { SegmentItem } from '../metadata/segmentItem.ts'
import type { TopicConfig } from '../topics/configs.ts'

export interface RetentionInput {
  readonly segments: readonly SegmentItem[]
  readonly logStartOffset: number
  /** Of what is in no segment yet. */
  readonly unmergedBytes: number
}

export interface RetentionPlan {
  /** The log start as it should be; not below the one given. */
  readonly logStartOffset: number
  /** When the next segment expires; undefined: none will by itself. */
  readonly dueMs: number | undefined
}

export function planRetention(
  { segments, logStartOffset, unmergedBytes }: RetentionInput,
  config: TopicConfig,
  nowMs: number,
): RetentionPlan {
  const alive = segments.filter((segment) => segment.endOffset > logStartOffset)
  if (!config.cleanupPolicy.delete) return { logStartOffset, dueMs: undefined }
  const overBytes = firstKeptByBytes(alive, unmergedBytes, config.retentionBytes)
  const kept = alive.slice(overBytes).findIndex((segment) => nowMs <= expiresAtMs(segment, config))
  const firstKept = kept === -1 ? alive.length : overBytes + kept
  const lastGone = alive[firstKept - 1]
  const next = alive[firstKept]
  return {
    logStartOffset: lastGone?.endOffset ?? logStartOffset,
    dueMs: next && config.retentionMs >= 0 ? expiresAtMs(next, config) + 1 : undefined,
  }
}

/** A segment whose records have no timestamp counts from when it was written. */
function expiresAtMs(segment: SegmentItem, { retentionMs }: TopicConfig): number {
  const newestMs = segment.maxTimestamp >= 0 ? segment.maxTimestamp : segment.createdMs
  return retentionMs < 0 ? Number.POSITIVE_INFINITY : newestMs + retentionMs
}

/** The oldest go as long as what stays is at least the limit (Kafka never goes below it). */
function firstKeptByBytes(
  segments: readonly SegmentItem[],
  unmergedBytes: number,
  retentionBytes: number,
): number {
  if (retentionBytes < 0) return 0
  let bytes = segments.reduce((sum, segment) => sum + segment.bytes, unmergedBytes)
  const firstKept = segments.findIndex((segment) => {
    if (bytes - segment.bytes < retentionBytes) return true
    bytes -= segment.bytes
    return false
  })
  return firstKept === -1 ? segments.length : firstKept
}
