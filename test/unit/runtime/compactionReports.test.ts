import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newCompactionReport } from '../../../shared/compaction/deps.ts'
import { createCompactionReports } from '../../../shared/runtime/compactionReports.ts'

test('counters of all clusters are added up, and partitions of the same name stay two', () => {
  const reports = createCompactionReports()
  for (const [clusterId, bytesRead] of [
    ['a', 10],
    ['b', 5],
  ] as const) {
    const report = reports.of(clusterId)
    report.counters.bytesRead += bytesRead
    report.uncleanable.set('t-0', `damaged in ${clusterId}`)
  }
  reports.of('a').uncleanable.delete('t-0')
  reports.of('a').uncleanable.set('t-1', 'damaged')
  const all = reports.take()
  assert.deepEqual(all.counters, { ...newCompactionReport().counters, bytesRead: 15 })
  assert.deepEqual(
    [...all.uncleanable],
    [
      ['t-1 of cluster a', 'damaged'],
      ['t-0 of cluster b', 'damaged in b'],
    ],
  )
  assert.equal(reports.take().counters.bytesRead, 15)
})

test('maxima are the largest since they were taken last', () => {
  const reports = createCompactionReports()
  reports.of('a').maxCleanTimeMs = 2500
  reports.of('b').maxCleanTimeMs = 100
  reports.of('b').maxCompactionDelayMs = 7
  const { maxCleanTimeMs, maxCompactionDelayMs } = reports.take()
  assert.deepEqual([maxCleanTimeMs, maxCompactionDelayMs], [2500, 7])
  assert.equal(reports.take().maxCleanTimeMs, 0)
  assert.equal(reports.take().maxCompactionDelayMs, 0)
})
