// What an invocation of the compactor did, told to the log and to the metrics.

import type { ObjectCounts } from '../compaction/countObjects.ts'
import type { CompactionReport } from '../compaction/deps.ts'
import type { TellCompaction } from './compactorFunction.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'

/** The report counts since the process started: what is told is what was added since the last time. */
export function reportCompaction(logger: Logger, metrics: Metrics): TellCompaction {
  let told: Partial<CompactionReport['counters']> = {}
  return (report, counts) => {
    const { counters, uncleanable } = report
    const before = told
    told = { ...counters }
    const since = (name: keyof typeof counters) => counters[name] - (before[name] ?? 0)
    metrics.add('CompactionBytesRead', since('bytesRead'))
    metrics.add('CompactionBytesWritten', since('bytesWritten'))
    metrics.add('CompactionRecordsDropped', since('recordsDropped'))
    metrics.add('CollectedObjects', since('objectsDeleted'))
    metrics.gauge('UncleanablePartitionsCount', uncleanable.size)
    metrics.gauge('MaxCleanTimeSecs', report.maxCleanTimeMs / 1000)
    metrics.gauge('MaxCompactionDelaySecs', report.maxCompactionDelayMs / 1000)
    if (counts) countLevels(metrics, counts)
    const facts = { bytesRead: since('bytesRead'), bytesWritten: since('bytesWritten') }
    logger.log('INFO', 'compaction', { ...facts, objectsDeleted: since('objectsDeleted') })
    for (const [partition, reason] of uncleanable) logger.log('WARN', 'uncleanable', { partition, reason })
  }
}

function countLevels(metrics: Metrics, { flushes, segments }: ObjectCounts): void {
  metrics.gauge('FlushObjects', flushes.objects)
  metrics.gauge('FlushObjectBytes', flushes.bytes)
  metrics.gauge('SegmentObjects', segments.objects)
  metrics.gauge('SegmentObjectBytes', segments.bytes)
}
