// What an invocation of the compactor did, told to the log and to the metrics.

import type { CompactionReport } from '../compaction/deps.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'

/** The report counts since the process started: what is told is what was added since the last time. */
export function reportCompaction(logger: Logger, metrics: Metrics): (report: CompactionReport) => void {
  let told: Partial<CompactionReport['counters']> = {}
  return ({ counters, uncleanable }) => {
    const before = told
    told = { ...counters }
    const since = (name: keyof typeof counters) => counters[name] - (before[name] ?? 0)
    metrics.add('CompactionBytesRead', since('bytesRead'))
    metrics.add('CompactionBytesWritten', since('bytesWritten'))
    metrics.add('CompactionRecordsDropped', since('recordsDropped'))
    metrics.add('CollectedObjects', since('objectsDeleted'))
    metrics.add('UncleanablePartitionsCount', uncleanable.size)
    const facts = { bytesRead: since('bytesRead'), bytesWritten: since('bytesWritten') }
    logger.log('INFO', 'compaction', { ...facts, objectsDeleted: since('objectsDeleted') })
    for (const [partition, reason] of uncleanable) logger.log('WARN', 'uncleanable', { partition, reason })
  }
}
