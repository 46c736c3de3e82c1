// What must hold of reads: they show what the log holds, whole and in its order, never past the high watermark,
// everything that was acknowledged before they began, and never less than a read that ended before. Offsets by
// timestamp are what looking at every record would have found.

import type { DeleteRecordsOp, FetchAnswer, FetchOp, ListOffsetOp, Op, Span } from '../history.ts'
import { type Acks, certainlyMet, type LogsByName, logsByName, mayHaveMet } from './acks.ts'
import type { StoredLog } from './storedLog.ts'

/** What can be known of a log at the time of an operation. */
interface Bounds {
  readonly highWatermarkMin: number
  readonly highWatermarkMax: number
  readonly logStartMin: number
  readonly logStartMax: number
}

type BoundsOf = (log: StoredLog, span: Span) => Bounds

export function checkReads(
  history: readonly Op[],
  logs: readonly StoredLog[],
  acks: Acks,
): readonly string[] {
  const find = logsByName(logs)
  const boundsOf = createBounds(history, acks)
  return [
    ...history.flatMap((op) => {
      if (op.kind === 'fetch') return [...checkDamage(op, logs), ...checkFetch(op, find, boundsOf)]
      if (op.kind !== 'listOffset') return []
      return [...checkDamage(op, logs), ...checkListOffset(op, find, boundsOf)]
    }),
    ...logs.flatMap((log) => checkMonotonic(history, log)),
    ...logs.flatMap((log) => checkLogStart(history, log)),
  ]
}

function createBounds(history: readonly Op[], acks: Acks): BoundsOf {
  const steps = new Map<StoredLog, Steps>()
  for (const [log, some] of acks.byLog) {
    steps.set(log, createSteps(some.map(({ op, offset }) => ({ at: op.ended, value: offset + 1 }))))
  }
  const deletions = history.filter((op) => op.kind === 'deleteRecords')
  const retentions = new Map(
    [...acks.byLog.keys()].map((log) => [log, createSteps(retainedOf(log))] as const),
  )
  return (log, span) => {
    const ofLog = deletions.filter((op) => isOf(op, log))
    const before = ofLog.filter((op) => op.ended < span.invoked && certainlyMet(op, log))
    const begun = ofLog.filter(
      (op) => op.invoked < span.ended && mayHaveMet(op, log) && op.outcome !== 'none',
    )
    return {
      highWatermarkMin: steps.get(log)?.maxBefore(span.invoked) ?? 0,
      highWatermarkMax: log.records.length,
      logStartMin: Math.max(
        retentions.get(log)?.maxBefore(span.invoked) ?? 0,
        ...before.map((op) => op.logStartOffset ?? 0),
      ),
      logStartMax: Math.max(
        retentions.get(log)?.maxBefore(span.ended) ?? 0,
        ...begun.map((op) => furthest(op, log)),
      ),
    }
  }
}

const retainedOf = ({ retained = [] }: StoredLog) => retained.map(({ at, offset }) => ({ at, value: offset }))

const isOf = (op: DeleteRecordsOp | ListOffsetOp, log: StoredLog): boolean =>
  op.topicName === log.topicName && op.partition === log.partition

const furthest = (op: DeleteRecordsOp, log: StoredLog): number =>
  op.logStartOffset ?? (op.beforeOffset === -1 ? log.records.length : op.beforeOffset)

interface Steps {
  maxBefore(at: number): number
}

/** The largest value of all steps before a point. */
function createSteps(steps: readonly { readonly at: number; readonly value: number }[]): Steps {
  let max = 0
  const sorted = steps
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, value }) => {
      max = Math.max(max, value)
      return { at, max }
    })
  return {
    maxBefore(at) {
      let low = 0
      let high = sorted.length
      while (low < high) {
        const middle = (low + high) >> 1
        if ((sorted[middle]?.at ?? 0) < at) low = middle + 1
        else high = middle
      }
      return sorted[low - 1]?.max ?? 0
    },
  }
}

/** Of a topic that is deleted under a reader, bytes may be gone before it knows. */
function checkDamage(op: FetchOp | ListOffsetOp, logs: readonly StoredLog[]): readonly string[] {
  if (op.damage === undefined) return []
  const died = logs.some(
    (log) => log.topicName === op.topicName && op.invoked <= log.diedAt && log.diedAt <= op.ended,
  )
  return died ? [] : [`${op.kind} ${op.invoked} of ${op.topicName} was told: ${op.damage}`]
}

function checkFetch(op: FetchOp, find: LogsByName, boundsOf: BoundsOf): readonly string[] {
  return op.answers.flatMap((answer) => {
    const candidates = find(op.topicName, answer.partition).filter((log) => mayHaveMet(op, log))
    const refutations = candidates.map((log) => refute(answer, log, boundsOf(log, op), op.ended))
    const [first = 'there was no such partition'] = refutations
    if (refutations.includes(undefined)) return []
    return [`fetch ${op.invoked} of ${op.topicName}/${answer.partition} from ${answer.asked}: ${first}`]
  })
}

/** Why the answer cannot be this log's; undefined: it can be. */
function refute(answer: FetchAnswer, log: StoredLog, bounds: Bounds, ended: number): string | undefined {
  const { asked, logStartOffset, highWatermark } = answer
  if (highWatermark < bounds.highWatermarkMin) {
    return `high watermark ${highWatermark}, and ${bounds.highWatermarkMin - 1} was acknowledged before`
  }
  if (highWatermark > bounds.highWatermarkMax) return `high watermark ${highWatermark} is past the log's end`
  if (logStartOffset < bounds.logStartMin) return `log start ${logStartOffset} after ${bounds.logStartMin}`
  if (logStartOffset > bounds.logStartMax) return `log start ${logStartOffset} was asked for by nobody`
  const outOfRange = asked < logStartOffset || asked > highWatermark
  if ((answer.kind === 'outOfRange') !== outOfRange)
    return `out of range is ${outOfRange}, not ${!outOfRange}`
  return answer.kind === 'read' ? refuteRecords(answer, log, ended) : undefined
}

function refuteRecords(
  { asked, highWatermark, records, endOffset }: FetchAnswer & { readonly kind: 'read' },
  log: StoredLog,
  ended: number,
): string | undefined {
  const [first] = records
  const end = endOffset ?? (records.at(-1)?.offset ?? asked - 1) + 1
  if (end < asked) return `ends at ${end - 1}`
  const offsets = new Set(records.map(({ offset }) => offset))
  for (let offset = Math.min(asked, first?.offset ?? asked); offset < end; offset++) {
    if (offsets.has(offset) || (log.records[offset]?.removedAt ?? Infinity) < ended) continue
    return first && first.offset > offset ? `begins at ${first.offset}` : `offset ${offset} is left out`
  }
  let before = -1
  for (const { offset, id } of records) {
    if (offset <= before) return `offset ${offset} is out of its place`
    before = offset
    if (log.records[offset]?.id !== id) return `offset ${offset} is ${id}, not ${log.records[offset]?.id}`
    if (offset >= highWatermark) return `offset ${offset} is past the high watermark ${highWatermark}`
  }
  return undefined
}

/** Answers that certainly came from this log, in the order of real time, never go back. */
function checkMonotonic(history: readonly Op[], log: StoredLog): readonly string[] {
  const seen = history.flatMap((op) => {
    if (op.kind !== 'fetch' || op.topicName !== log.topicName || !certainlyMet(op, log)) return []
    const answer = op.answers.find(({ partition }) => partition === log.partition)
    return answer ? [{ op, answer }] : []
  })
  const at = (value: (answer: FetchAnswer) => number) =>
    createSteps(seen.map(({ op, answer }) => ({ at: op.ended, value: value(answer) })))
  const highWatermarks = at((answer) => answer.highWatermark)
  const logStarts = at((answer) => answer.logStartOffset)
  return seen.flatMap(({ op, answer }) => {
    const before = highWatermarks.maxBefore(op.invoked)
    const startBefore = logStarts.maxBefore(op.invoked)
    const where = `fetch ${op.invoked} of ${log.topicName}/${log.partition}`
    return [
      ...(answer.highWatermark < before ? [`${where}: high watermark went back from ${before}`] : []),
      ...(answer.logStartOffset < startBefore ? [`${where}: log start went back from ${startBefore}`] : []),
    ]
  })
}

/** The log start is what somebody asked for, and at least what was answered. */
function checkLogStart(history: readonly Op[], log: StoredLog): readonly string[] {
  const end = Number.POSITIVE_INFINITY
  const none = { byLog: new Map([[log, []]]), problems: [] }
  const { logStartMin, logStartMax } = createBounds(history, none)(log, {
    invoked: end,
    ended: end,
  })
  const { logStartOffset } = log
  const fits = logStartOffset >= logStartMin && logStartOffset <= logStartMax
  return fits ? [] : [`${log.topicName}/${log.partition} starts at ${logStartOffset}, not at ${logStartMin}`]
}

function checkListOffset(op: ListOffsetOp, find: LogsByName, boundsOf: BoundsOf): readonly string[] {
  const { offset } = op
  if (offset === undefined) return []
  const candidates = find(op.topicName, op.partition).filter((log) => mayHaveMet(op, log))
  const refutations = candidates.map((log) => refuteOffset({ ...op, offset }, log, boundsOf(log, op)))
  const [first = 'there was no such partition'] = refutations
  if (refutations.includes(undefined)) return []
  return [`listOffset ${op.invoked} of ${op.topicName}/${op.partition} ${op.spec} is ${offset}: ${first}`]
}

function refuteOffset(
  { spec, offset, ended }: Pick<ListOffsetOp, 'spec' | 'ended'> & { readonly offset: number },
  log: StoredLog,
  bounds: Bounds,
): string | undefined {
  const within = (low: number, high: number) =>
    offset >= low && offset <= high ? undefined : `not in [${low}, ${high}]`
  if (spec === 'earliest') return within(bounds.logStartMin, bounds.logStartMax)
  if (spec === 'latest') return within(bounds.highWatermarkMin, bounds.highWatermarkMax)
  const timestampOf = (at: number) => log.records[at]?.timestamp ?? -1
  // Records that were certainly in the log all the time.
  const certain = log.records.slice(bounds.logStartMax, bounds.highWatermarkMin)
  const isBetter = (timestamp: number, at: number) => {
    if (spec === 'maxTimestamp') {
      return timestamp > timestampOf(offset) || (timestamp === timestampOf(offset) && at < offset)
    }
    return timestamp >= spec && (offset === -1 || at < offset)
  }
  const better = certain.findIndex(
    ({ timestamp, removedAt = Infinity }, i) =>
      removedAt > ended && isBetter(timestamp, bounds.logStartMax + i),
  )
  if (better !== -1) return `${bounds.logStartMax + better} is better`
  if (offset === -1) return undefined
  if (offset < bounds.logStartMin) return `it is below the log start ${bounds.logStartMin}`
  const fits = spec === 'maxTimestamp' || timestampOf(offset) >= spec
  return fits ? within(0, bounds.highWatermarkMax - 1) : `its timestamp is ${timestampOf(offset)}`
}
