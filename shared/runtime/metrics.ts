// Metrics of a process, as lines of CloudWatch's embedded metric format: gathered over many requests at once, written
// now and then. Names are Kafka's where Kafka has one; where Kafka has a rate, CloudWatch makes it of the sum. Every
// metric has the dimensions Stage and Function, some one more whose values are few and listed here: never a tenant, a
// topic or a partition, of which there is no bound. Those are in the log.

import type { Clock } from '../ports/world.ts'

export const metricNamespace = 'Millrace'

/** Summed. */
export const counters = {
  MessagesInPerSec: 'Count',
  BytesInPerSec: 'Bytes',
  BytesOutPerSec: 'Bytes',
  TotalProduceRequestsPerSec: 'Count',
  FailedProduceRequestsPerSec: 'Count',
  TotalFetchRequestsPerSec: 'Count',
  FailedFetchRequestsPerSec: 'Count',
  HttpServerErrors: 'Count',
  StorageFailures: 'Count',
  StorageThrottles: 'Count',
  CompactionBytesRead: 'Bytes',
  CompactionBytesWritten: 'Bytes',
  CompactionRecordsDropped: 'Count',
  CollectedObjects: 'Count',
} as const

/** The largest since the line before, 0 too: an alarm that rang is to hear that it is over. */
export const gauges = {
  UncleanablePartitionsCount: 'Count',
  MaxCleanTimeSecs: 'Seconds',
  MaxCompactionDelaySecs: 'Seconds',
  FlushObjects: 'Count',
  FlushObjectBytes: 'Bytes',
  SegmentObjects: 'Count',
  SegmentObjectBytes: 'Bytes',
} as const

/** Milliseconds, each value kept, with the dimension that tells them apart. */
export const timings = {
  TotalTimeMs: 'Request',
  StorageTimeMs: 'Operation',
} as const

export type Counter = keyof typeof counters
export type Gauge = keyof typeof gauges
export type Timing = keyof typeof timings

export interface Metrics {
  add(counter: Counter, amount: number): void
  gauge(gauge: Gauge, value: number): void
  time(timing: 'TotalTimeMs', request: 'Produce' | 'Fetch', ms: number): void
  /** `operation` is the service's own name for it. */
  time(timing: 'StorageTimeMs', operation: string, ms: number): void
  /** Writes what was gathered. */
  flush(): void
}

export interface MetricsDeps {
  readonly clock: Clock
  readonly stage: string
  readonly functionName: string
  readonly write: (line: string) => void
}

/** As many as one line may hold. */
const valuesMax = 100

export function createMetrics({ clock, stage, functionName, write }: MetricsDeps): Metrics {
  const dimensions = { Stage: stage, Function: functionName }
  let singles = new Map<Counter | Gauge, number>()
  let values = new Map<string, { readonly timing: Timing; readonly label: string; readonly ms: number[] }>()

  const emit = (units: Readonly<Record<string, string>>, labels: Record<string, string>, body: object) => {
    const all = { ...dimensions, ...labels }
    const metrics = Object.entries(units).map(([Name, Unit]) => ({ Name, Unit }))
    const directive = { Namespace: metricNamespace, Dimensions: [Object.keys(all)], Metrics: metrics }
    const _aws = { Timestamp: clock.now(), CloudWatchMetrics: [directive] }
    write(`${JSON.stringify({ _aws, ...all, ...body })}\n`)
  }
  const emitTimes = ({ timing, label, ms }: { timing: Timing; label: string; ms: readonly number[] }) =>
    emit({ [timing]: 'Milliseconds' }, { [timings[timing]]: label }, { [timing]: ms })

  return {
    add(counter, amount) {
      if (amount > 0) singles.set(counter, (singles.get(counter) ?? 0) + amount)
    },
    gauge(gauge, value) {
      singles.set(gauge, Math.max(singles.get(gauge) ?? 0, value))
    },
    time(timing: Timing, label: string, ms: number) {
      const key = `${timing} ${label}`
      const group = values.get(key) ?? { timing, label, ms: [] }
      group.ms.push(ms)
      values.set(key, group)
      if (group.ms.length < valuesMax) return
      values.delete(key)
      emitTimes(group)
    },
    flush() {
      const single = Object.fromEntries(singles)
      const timed = [...values.values()]
      singles = new Map()
      values = new Map()
      const units = Object.fromEntries(
        Object.entries({ ...counters, ...gauges }).filter(([name]) => name in single),
      )
      if (Object.keys(single).length > 0) emit(units, {}, single)
      for (const group of timed) emitTimes(group)
    },
  }
}
