// What the configs of a simulated topic allow compaction to do to it: the checkers' own reading of Kafka's
// rules.
import type { PartitionBefore } from './compaction/inspector.ts'
import type { Prng } from './prng.ts'

export interface CompactionRules {
  readonly deletes: boolean
  readonly compacts: boolean
  /** -1: no limit. */
  readonly retentionMs: number
  readonly retentionBytes: number
  readonly deleteRetentionMs: number
  readonly dirtyRatio: number
  /** How many keys there are; of few, most records are overtaken. */
  readonly keys: number
}

/** A topic as it was before there was compaction. */
export const keepsAll: CompactionRules = {
  deletes: true,
  compacts: false,
  retentionMs: 604_800_000,
  retentionBytes: -1,
  deleteRetentionMs: 86_400_000,
  dirtyRatio: 0.5,
  keys: 100,
}

export function drawRules(random: Prng): CompactionRules {
  const policy = random.pick(['delete', 'delete', 'compact', 'compact', 'compact,delete'])
  return {
    deletes: policy.includes('delete'),
    compacts: policy.includes('compact'),
    retentionMs: random.pick([-1, -1, 5_000, 7_200_000]),
    retentionBytes: random.pick([-1, -1, 500, 5_000]),
    deleteRetentionMs: random.pick([0, 1_000, 60_000, 3_600_000]),
    dirtyRatio: random.pick([0.01, 0.2, 0.5, 1]),
    keys: random.pick([2, 5, 30]),
  }
}

export const configsOf = (rules: CompactionRules): readonly { name: string; value: string }[] => {
  if (rules === keepsAll) return []
  const policy = [...(rules.compacts ? ['compact'] : []), ...(rules.deletes ? ['delete'] : [])].join()
  return [
    { name: 'cleanup.policy', value: policy },
    { name: 'retention.ms', value: String(rules.retentionMs) },
    { name: 'retention.bytes', value: String(rules.retentionBytes) },
    { name: 'delete.retention.ms', value: String(rules.deleteRetentionMs) },
    { name: 'min.cleanable.dirty.ratio', value: String(rules.dirtyRatio) },
  ]
}

/** Why retention may not move the log start there; undefined: it may. */
export function mayRetain(
  { deletes, retentionMs, retentionBytes }: CompactionRules,
  { segments, logStart, unmergedBytes }: PartitionBefore,
  newStart: number,
  nowMs: number,
): string | undefined {
  if (!deletes) return 'its topic keeps everything'
  const live = segments.filter((one, i) =>
    segments.slice(i + 1).every((later) => later.baseOffset > one.baseOffset),
  )
  if (!live.some(({ endOffset }) => endOffset === newStart)) return 'no segment ends there'
  for (const [i, segment] of live.entries()) {
    if (segment.endOffset > newStart || segment.endOffset <= logStart) continue
    const bytesAfter = live.slice(i + 1).reduce((sum, { bytes }) => sum + bytes, unmergedBytes)
    const newestMs = segment.maxTimestamp >= 0 ? segment.maxTimestamp : segment.createdMs
    const isOld = retentionMs >= 0 && newestMs + retentionMs < nowMs
    const isTooMuch = retentionBytes >= 0 && bytesAfter >= retentionBytes
    // Time counts from the oldest on, so what follows a segment that stays stays too; bytes go from the oldest as well.
    if (!isOld && !isTooMuch)
      return `the segment of ${segment.baseOffset} to ${segment.endOffset - 1} was not due`
  }
  return undefined
}
