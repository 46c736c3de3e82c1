// A new segment, held against what it replaces and against what was ordered: merging loses nothing,
// compaction by key takes only what a later record of the key has overtaken or a tombstone whose time is
// past, nothing moves, nothing comes back.

import { splitBatches } from '../../../shared/kafka/recordBatch.ts'
import type { SegmentItem } from '../../../shared/metadata/segmentItem.ts'
import { liveSegments } from '../../../shared/metadata/segmentItem.ts'
import type { CompactionRules } from '../topicRules.ts'
import { type InspectorDeps, type PartitionBefore, skewMs } from './inspector.ts'
import { type LedgerRecord, recordsOfBatch } from './ledger.ts'

type Records = ReturnType<typeof recordsOfBatch>

interface Swap {
  readonly deps: InspectorDeps
  readonly rules: CompactionRules
  readonly before: PartitionBefore
  readonly segment: SegmentItem
  readonly log: readonly LedgerRecord[]
  readonly report: (violation: string) => void
}

/** `newEnd`: where the segments end from now on; undefined: where they did. */
export async function checkSwap(
  deps: InspectorDeps,
  rules: CompactionRules,
  before: PartitionBefore,
  segment: SegmentItem,
  newEnd: number | undefined,
): Promise<void> {
  const { topicId, partition } = before
  const name = `segment ${segment.baseOffset}-${segment.endOffset - 1} of ${topicId}/${partition}`
  const log = deps.ledger.recordsOf(topicId, partition)
  const swap = { deps, rules, before, segment, log, report: (why: string) => deps.report(`${name}: ${why}`) }
  checkRange(swap, newEnd)
  const found = await readSegment(swap)
  if (!found) return
  checkRecords(swap, found)
  checkMissing(swap, new Set(found.map(({ offset }) => offset)), newEnd !== undefined)
}

/** It covers whole segments, and what follows them without a gap. */
function checkRange({ before, segment, report }: Swap, newEnd: number | undefined): void {
  const { baseOffset, endOffset } = segment
  const touched = liveSegments(before.segments).filter(
    (one) => one.baseOffset < endOffset && one.endOffset > baseOffset,
  )
  const part = touched.find((one) => one.baseOffset < baseOffset || one.endOffset > endOffset)
  if (part) report(`it covers a part of the segment ${part.baseOffset}-${part.endOffset - 1}`)
  const end = newEnd ?? before.segmentsEnd
  const isInPlace =
    newEnd === undefined ? endOffset <= end : endOffset === end && baseOffset <= before.segmentsEnd
  if (!isInPlace || end < before.segmentsEnd) {
    report(`it is out of place: the segments end at ${before.segmentsEnd}, then at ${end}`)
  }
}

/** undefined: its bytes are not there. */
async function readSegment({ deps, segment, report }: Swap): Promise<Records | undefined> {
  const name = deps.scope.segmentObject(segment.objectId)
  const found: Records[number][] = []
  for (const { position, length, baseOffset, offsetCount } of segment.extents) {
    const bytes = length === 0 ? new Uint8Array(0) : await deps.objects.getRange(name, position, length)
    if (bytes?.length !== length) return void report(`it was named, and ${name} has not all of its bytes`)
    const records = splitBatches(bytes).flatMap(recordsOfBatch)
    const stray = records.find(({ offset }) => offset < baseOffset || offset >= baseOffset + offsetCount)
    if (stray) report(`offset ${stray.offset} lies in a chunk of ${baseOffset}+${offsetCount}`)
    found.push(...records)
  }
  if (found.length !== segment.recordCount)
    report(`it has ${found.length} records, not ${segment.recordCount}`)
  return found
}

/** What is in it is what was ordered, in its order, and was there just before. */
function checkRecords({ deps, rules, log, report }: Swap, found: Records): void {
  let next = 0
  for (const { offset, id, timestamp, batchHorizonMs } of found) {
    const record = log[offset]
    if (record?.id !== id) report(`offset ${offset} is ${id}, not ${record?.id}`)
    else if (record.timestamp !== timestamp) report(`offset ${offset} has another timestamp than before`)
    else if (record.removedAt !== Number.POSITIVE_INFINITY) report(`offset ${offset} has come back`)
    if (offset < next) report(`offset ${offset} is out of its place`)
    next = offset + 1
    if (!record?.isTombstone) continue
    if (record.horizonMs !== undefined && record.horizonMs !== batchHorizonMs) {
      report(`the horizon of offset ${offset} moved from ${record.horizonMs} to ${batchHorizonMs}`)
    }
    const earliestMs = record.committedAtMs + rules.deleteRetentionMs - skewMs
    if (batchHorizonMs !== undefined && batchHorizonMs < earliestMs) {
      report(`the tombstone at ${offset} may go at ${batchHorizonMs}, not before ${earliestMs}`)
    }
    record.horizonMs = batchHorizonMs
  }
  if (!rules.compacts && found.some(({ batchHorizonMs }) => batchHorizonMs !== undefined)) {
    report('it was compacted by key')
  }
  deps.counters.count('segmentChecked')
}

function checkMissing(swap: Swap, found: ReadonlySet<number>, isMerge: boolean): void {
  const { deps, segment, log, rules, report } = swap
  for (let offset = segment.baseOffset; offset < segment.endOffset; offset++) {
    const record = log[offset]
    if (!record || found.has(offset) || record.removedAt !== Number.POSITIVE_INFINITY) continue
    const why = isMerge || !rules.compacts ? 'nothing is taken here' : whyNotRemoved(swap, offset, record)
    if (why !== undefined) report(`offset ${offset} (${record.id}) is missing: ${why}`)
    record.removedAt = deps.order()
    deps.counters.count(record.isTombstone ? 'tombstoneDropped' : 'recordCompacted')
  }
}

/** undefined: it may go. */
function whyNotRemoved(
  { deps, log, before }: Swap,
  offset: number,
  record: LedgerRecord,
): string | undefined {
  const isOvertaken = log.some((later, i) => i > offset && i < before.segmentsEnd && later.key === record.key)
  if (isOvertaken) return undefined
  if (!record.isTombstone) return `it is the last one of ${record.key}`
  if (record.horizonMs === undefined || record.horizonMs > deps.now() + skewMs) {
    return `its tombstone stays until ${record.horizonMs}`
  }
  const older = log.findIndex(
    (one, i) =>
      i < offset &&
      i >= before.logStart &&
      one.key === record.key &&
      one.removedAt === Number.POSITIVE_INFINITY,
  )
  return older === -1 ? undefined : `offset ${older}, which it deleted, comes back`
}
