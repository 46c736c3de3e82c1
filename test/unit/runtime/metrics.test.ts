import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from '../../../shared/runtime/metrics.ts'

function gather() {
  const lines: string[] = []
  const clock = { now: () => 5, sleep: () => Promise.resolve() }
  const metrics = createMetrics({
    clock,
    stage: 'dev',
    functionName: 'fetch',
    write: (line) => lines.push(line),
  })
  return { metrics, take: () => lines.splice(0).map((line) => JSON.parse(line)) }
}

const directive = (names: readonly (readonly [string, string])[], ...dimensions: string[]) => ({
  Timestamp: 5,
  CloudWatchMetrics: [
    {
      Namespace: 'Millrace',
      Dimensions: [['Stage', 'Function', ...dimensions]],
      Metrics: names.map(([Name, Unit]) => ({ Name, Unit })),
    },
  ],
})

test('counters are summed over requests and written once', () => {
  const { metrics, take } = gather()
  metrics.add('BytesInPerSec', 10)
  metrics.add('BytesInPerSec', 5)
  metrics.add('MessagesInPerSec', 2)
  metrics.add('StorageFailures', 0)
  assert.deepEqual(take(), [])
  metrics.flush()
  const names = [['MessagesInPerSec', 'Count'] as const, ['BytesInPerSec', 'Bytes'] as const]
  assert.deepEqual(take(), [
    { _aws: directive(names), Stage: 'dev', Function: 'fetch', BytesInPerSec: 15, MessagesInPerSec: 2 },
  ])
  metrics.flush()
  assert.deepEqual(take(), [])
})

test('of a gauge the largest value is written, 0 too', () => {
  const { metrics, take } = gather()
  metrics.gauge('MaxCleanTimeSecs', 2)
  metrics.gauge('MaxCleanTimeSecs', 1.5)
  metrics.gauge('UncleanablePartitionsCount', 0)
  metrics.flush()
  const names = [['UncleanablePartitionsCount', 'Count'] as const, ['MaxCleanTimeSecs', 'Seconds'] as const]
  const line = { Stage: 'dev', Function: 'fetch', MaxCleanTimeSecs: 2, UncleanablePartitionsCount: 0 }
  assert.deepEqual(take(), [{ _aws: directive(names), ...line }])
  metrics.flush()
  assert.deepEqual(take(), [])
})

test('times are kept one by one under the dimension that tells them apart', () => {
  const { metrics, take } = gather()
  metrics.time('StorageTimeMs', 'GetItem', 3)
  metrics.time('StorageTimeMs', 'PutObject', 40)
  metrics.time('StorageTimeMs', 'GetItem', 4)
  metrics.flush()
  const _aws = directive([['StorageTimeMs', 'Milliseconds']], 'Operation')
  const common = { _aws, Stage: 'dev', Function: 'fetch' }
  assert.deepEqual(take(), [
    { ...common, Operation: 'GetItem', StorageTimeMs: [3, 4] },
    { ...common, Operation: 'PutObject', StorageTimeMs: [40] },
  ])
})

test('a line has no more values than the format allows', () => {
  const { metrics, take } = gather()
  for (let i = 0; i < 250; i++) metrics.time('TotalTimeMs', 'Produce', i)
  metrics.flush()
  assert.deepEqual(
    take().map(({ TotalTimeMs }) => TotalTimeMs.length),
    [100, 100, 50],
  )
})
