import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newCompactionReport } from '../../../shared/compaction/deps.ts'
import { createMetrics } from '../../../shared/runtime/metrics.ts'
import { reportCompaction } from '../../../shared/runtime/reportCompaction.ts'

function start() {
  const lines: string[] = []
  const events: string[] = []
  const clock = { now: () => 5, sleep: () => Promise.resolve() }
  const write = (line: string) => lines.push(line)
  const metrics = createMetrics({ clock, stage: 'dev', functionName: 'compactor', write })
  const log = (level: string, event: string, facts?: object) =>
    events.push(`${level} ${event} ${JSON.stringify(facts)}`)
  const tell = reportCompaction(
    { log, isOn: () => true, failure: () => assert.fail('nothing failed') },
    metrics,
  )
  const told = (...of: Parameters<typeof tell>) => {
    tell(...of)
    metrics.flush()
    const [line = '{}'] = lines.splice(0)
    const { _aws, Stage, ...values } = JSON.parse(line)
    delete values.Function
    return values
  }
  return { told, events }
}

const idle = { UncleanablePartitionsCount: 0, MaxCleanTimeSecs: 0, MaxCompactionDelaySecs: 0 }

test('each invocation tells what was added to the counters, and the maxima as they are', () => {
  const { told } = start()
  const report = newCompactionReport()
  report.counters.bytesRead = 10
  report.maxCleanTimeMs = 2500
  report.maxCompactionDelayMs = 7_200_000
  const slow = { MaxCleanTimeSecs: 2.5, MaxCompactionDelaySecs: 7200 }
  assert.deepEqual(told(report, undefined), { ...idle, ...slow, CompactionBytesRead: 10 })
  assert.deepEqual(told(report, undefined), { ...idle, ...slow })
  const later = { ...newCompactionReport(), counters: { ...report.counters, bytesRead: 15 } }
  assert.deepEqual(told(later, undefined), { ...idle, CompactionBytesRead: 5 })
})

test('partitions that stay uncleanable are told each time, with their reason in the log', () => {
  const { told, events } = start()
  const report = newCompactionReport()
  report.uncleanable.set('t-3', 'its CRC does not match')
  for (let i = 0; i < 2; i++) assert.equal(told(report, undefined).UncleanablePartitionsCount, 1)
  const warnings = events.filter((event) => event.startsWith('WARN'))
  assert.equal(warnings.length, 2)
  assert.match(warnings[0] ?? '', /uncleanable.*t-3.*CRC/)
  report.uncleanable.clear()
  assert.equal(told(report, undefined).UncleanablePartitionsCount, 0)
})

test('objects by level are told when they were counted', () => {
  const { told } = start()
  const counts = { flushes: { objects: 4, bytes: 400 }, segments: { objects: 2, bytes: 900 }, atMs: 5 }
  const levels = { FlushObjects: 4, FlushObjectBytes: 400, SegmentObjects: 2, SegmentObjectBytes: 900 }
  assert.deepEqual(told(newCompactionReport(), counts), { ...idle, ...levels })
})
