// What the compactors of a process tell of their work, a report for each cluster: partitions of two clusters may have
// the same name.

import { addReport, type CompactionReport, newCompactionReport } from '../compaction/deps.ts'

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
        addReport(all, report)
        for (const [name, reason] of report.uncleanable)
          all.uncleanable.set(`${name} of cluster ${clusterId}`, reason)
        report.maxCleanTimeMs = 0
        report.maxCompactionDelayMs = 0
      }
      return all
    },
  }
}
