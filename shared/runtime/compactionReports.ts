// What the compactors of a process tell of their work, a report for each cluster: partitions of two clusters may have
// the same name.

import { type CompactionReport, newCompactionReport } from '../compaction/deps.ts'

export interface CompactionReports {
  of(clusterId: string): CompactionReport
  /**
   * All as one: counters since the process started, and maxima since they were taken last, or one slow turn would be
   * told as long as the process lives.
   */
  take(): CompactionReport
}

export function createCompactionReports(): CompactionReports {
  const reports = new Map<string, CompactionReport>()
  return {
    of(clusterId) {
      const report = reports.get(clusterId) ?? newCompactionReport()
      reports.set(clusterId, report)
      return report
    },
    take() {
      const all = newCompactionReport()
      for (const [clusterId, report] of reports) {
        addTo(all, report)
        for (const [name, reason] of report.uncleanable)
          all.uncleanable.set(`${name} of cluster ${clusterId}`, reason)
        report.maxCleanTimeMs = 0
        report.maxCompactionDelayMs = 0
      }
      return all
    },
  }
}

function addTo(all: CompactionReport, report: CompactionReport): void {
  const { counters } = all
  counters.bytesRead += report.counters.bytesRead
  counters.bytesWritten += report.counters.bytesWritten
  counters.segmentsWritten += report.counters.segmentsWritten
  counters.recordsDropped += report.counters.recordsDropped
  counters.invalidRecords += report.counters.invalidRecords
  counters.objectsDeleted += report.counters.objectsDeleted
  counters.itemsDeleted += report.counters.itemsDeleted
  all.cleanedBytes += report.cleanedBytes
  all.recopiedBytes += report.recopiedBytes
  all.maxCleanTimeMs = Math.max(all.maxCleanTimeMs, report.maxCleanTimeMs)
  all.maxCompactionDelayMs = Math.max(all.maxCompactionDelayMs, report.maxCompactionDelayMs)
}
