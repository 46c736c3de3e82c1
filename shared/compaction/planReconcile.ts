// Which flushes become the next segment of a partition: as many as make a segment of the target size, or, when the
// oldest has waited long enough, whatever there is. A last segment that is small is taken along, but only when it is at
// most twice what is new, so that a byte is rewritten a few times and not once for each pass.

import type { PlacedExtent } from '../metadata/extent.ts'
import { objectTimeMs } from '../metadata/objectId.ts'
import type { SegmentItem } from '../metadata/segmentItem.ts'
import type { TopicConfig } from '../topics/configs.ts'
import type { CompactionSettings } from './deps.ts'

export interface ReconcileInput {
  /** The partition's last segment, if it may grow. */
  readonly last: SegmentItem | undefined
  /** What is not in segments yet, in order. */
  readonly fresh: readonly PlacedExtent[]
  readonly segmentBytes: number
  readonly ageMs: number
  readonly nowMs: number
}

export type ReconcilePlan =
  | { readonly kind: 'merge'; readonly baseOffset: number; readonly sources: readonly PlacedExtent[] }
  | { readonly kind: 'wait'; readonly untilMs: number }
  | { readonly kind: 'nothing' }

/** How long a flush waits to be merged; segment.ms may only make it less. */
export const mergeAgeMs = (
  { reconcileAgeMs }: Pick<CompactionSettings, 'reconcileAgeMs'>,
  { segmentMs }: Pick<TopicConfig, 'segmentMs'>,
): number => Math.min(reconcileAgeMs, segmentMs)

export function planReconcile(input: ReconcileInput): ReconcilePlan {
  const { fresh, last, segmentBytes, ageMs, nowMs } = input
  const [first] = fresh
  if (!first) return { kind: 'nothing' }
  let bytes = 0
  const enough = fresh.findIndex((extent) => {
    bytes += extent.length
    return bytes >= segmentBytes
  })
  const readyAtMs = objectTimeMs(first.objectId) + ageMs
  if (enough === -1 && nowMs < readyAtMs) return { kind: 'wait', untilMs: readyAtMs }
  const taken = enough === -1 ? fresh : fresh.slice(0, enough + 1)
  const absorbs = last && last.bytes <= 2 * bytes && last.bytes + bytes <= segmentBytes
  return absorbs
    ? { kind: 'merge', baseOffset: last.baseOffset, sources: [...last.extents, ...taken] }
    : { kind: 'merge', baseOffset: first.baseOffset, sources: taken }
}
