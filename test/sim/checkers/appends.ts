// What must hold between the appends that clients made and the logs: acknowledged records once, refused ones never,
// others at most once; what was acknowledged before another began comes before it; a producer's sequence has no hole,
// no repetition, and no refusal without reason.

import type { Op, ProduceOp } from '../history.ts'
import { type Ack, type Acks, certainlyMet } from './acks.ts'
import type { StoredLog } from './storedLog.ts'

interface Fate {
  invoked: number
  /** Of all requests that sent it; Infinity where one had no answer. */
  ended: number
  readonly ops: ProduceOp[]
  sequenced: boolean
  refusedOnly: boolean
  code: string
}

export function checkAppends(
  history: readonly Op[],
  logs: readonly StoredLog[],
  acks: Acks,
): readonly string[] {
  const fates = fatesOf(history)
  return [
    ...logs.flatMap((log) => [
      ...checkOccurrences(log, fates),
      ...checkOrder(log, acks.byLog.get(log) ?? [], fates),
      ...checkSequences(log),
    ]),
    ...checkPlainOnce(logs, fates),
    ...checkGaps(history, acks),
    ...checkProducerIds(history),
  ]
}

function fatesOf(history: readonly Op[]): ReadonlyMap<string, Fate> {
  const fates = new Map<string, Fate>()
  for (const op of history) {
    if (op.kind !== 'produce') continue
    for (const [i, outcome] of op.outcomes.entries()) {
      const id = op.recordIds[i] ?? ''
      const fate = fates.get(id) ?? newFate(op)
      fate.ended = Math.max(fate.ended, op.ended)
      fate.ops.push(op)
      fate.refusedOnly &&= outcome.kind === 'none'
      if (outcome.kind === 'none') fate.code = outcome.code
      fates.set(id, fate)
    }
  }
  return fates
}

const newFate = ({ invoked, ended, producer }: ProduceOp): Fate => {
  return { invoked, ended, ops: [], sequenced: producer !== undefined, refusedOnly: true, code: '' }
}

function checkOccurrences(log: StoredLog, fates: ReadonlyMap<string, Fate>): readonly string[] {
  const problems: string[] = []
  const seen = new Map<string, number>()
  for (const [offset, { id }] of log.records.entries()) {
    const where = `${log.topicName}/${log.partition} (${log.topicId})`
    const fate = fates.get(id)
    const before = seen.get(id)
    if (!fate) problems.push(`${where} offset ${offset} holds '${id}', which nobody sent`)
    // What was stored in a topic and deleted with it before the answer came may be called not stored.
    const diedMeanwhile = fate?.ops.some((op) => op.invoked < log.diedAt && log.diedAt < op.ended)
    if (fate?.refusedOnly && !diedMeanwhile) {
      problems.push(`${id} was refused without effect (${fate.code}) and is in ${where} at offset ${offset}`)
    }
    if (fate && fate.invoked > log.diedAt) {
      problems.push(`${id} was sent after ${where} was deleted and is there at offset ${offset}`)
    }
    if (fate && fate.ended < log.bornAt) {
      problems.push(`${id} was answered before ${where} was created and is there at offset ${offset}`)
    }
    if (before !== undefined) problems.push(`${id} is stored twice in ${where}: at ${before} and ${offset}`)
    seen.set(id, offset)
  }
  return problems
}

/** Without a sequence nothing is repeated, so a record has one place in all logs together. */
function checkPlainOnce(logs: readonly StoredLog[], fates: ReadonlyMap<string, Fate>): readonly string[] {
  const seen = new Map<string, StoredLog>()
  return logs.flatMap((log) =>
    log.records.flatMap(({ id }) => {
      const other = seen.get(id)
      seen.set(id, log)
      if (!other || other === log || fates.get(id)?.sequenced) return []
      return [`${id} is stored in ${other.topicId}/${other.partition} and in ${log.topicId}/${log.partition}`]
    }),
  )
}

/** From the end: no record may have been sent after a later one of its log was acknowledged. */
function checkOrder(
  log: StoredLog,
  acks: readonly Ack[],
  fates: ReadonlyMap<string, Fate>,
): readonly string[] {
  const ackedAt = new Map<number, number>()
  for (const { op, offset } of acks) ackedAt.set(offset, Math.min(ackedAt.get(offset) ?? Infinity, op.ended))
  const problems: string[] = []
  let earliest = { ended: Number.POSITIVE_INFINITY, offset: -1 }
  for (let offset = log.records.length - 1; offset >= 0; offset--) {
    const id = log.records[offset]?.id ?? ''
    const fate = fates.get(id)
    if (fate && fate.invoked > earliest.ended) {
      const where = `${log.topicName}/${log.partition}`
      problems.push(
        `${id} at ${where} ${offset} was sent after the record at ${earliest.offset} was acknowledged`,
      )
    }
    const ended = ackedAt.get(offset)
    if (ended !== undefined && ended < earliest.ended) earliest = { ended, offset }
  }
  return problems
}

function checkSequences(log: StoredLog): readonly string[] {
  const problems: string[] = []
  const states = new Map<bigint, { epoch: number; next: number }>()
  for (const [offset, { producer }] of log.records.entries()) {
    if (!producer) continue
    const { id, epoch, sequence } = producer
    const state = states.get(id)
    const expected = state && state.epoch === epoch ? state.next : 0
    if ((state && epoch < state.epoch) || sequence !== expected) {
      const where = `${log.topicName}/${log.partition} offset ${offset}`
      problems.push(`${where}: producer ${id}/${epoch} has sequence ${sequence} where ${expected} comes next`)
    }
    states.set(id, { epoch, next: sequence + 1 })
  }
  return problems
}

/** A gap may be answered only while the records before are not stored. */
function checkGaps(history: readonly Op[], acks: Acks): readonly string[] {
  const problems: string[] = []
  const acked = ackedSequences(acks)
  for (const op of history) {
    if (op.kind !== 'produce' || !op.producer) continue
    const [outcome] = op.outcomes
    if (outcome?.kind !== 'none') continue
    if (outcome.code !== 'OUT_OF_ORDER_SEQUENCE_NUMBER') continue
    const before = acked.get(sequenceName(op, op.producer.baseSequence))
    const known = before?.find(({ log, ended }) => ended < op.invoked && certainlyMet(op, log))
    if (known) {
      const { id, epoch, baseSequence } = op.producer
      problems.push(`producer ${id}/${epoch} was refused at ${baseSequence}, which was its turn`)
    }
  }
  return problems
}

type AckedSequences = ReadonlyMap<string, readonly { readonly log: StoredLog; readonly ended: number }[]>

/** By the sequence that comes after each acknowledged request. */
function ackedSequences({ byLog }: Acks): AckedSequences {
  const acked = new Map<string, { log: StoredLog; ended: number }[]>()
  for (const [log, acks] of byLog) {
    for (const { op } of acks) {
      if (!op.producer) continue
      const name = sequenceName(op, op.producer.baseSequence + op.recordIds.length)
      acked.set(name, [...(acked.get(name) ?? []), { log, ended: op.ended }])
    }
  }
  return acked
}

const sequenceName = ({ producer, topicName }: ProduceOp, next: number): string =>
  `${topicName}/${producer?.partition} ${producer?.id}/${producer?.epoch}/${next}`

function checkProducerIds(history: readonly Op[]): readonly string[] {
  const given = new Set<bigint>()
  const problems: string[] = []
  for (const op of history) {
    if (op.kind !== 'initProducer' || op.producerId === undefined) continue
    if (given.has(op.producerId)) problems.push(`producer id ${op.producerId} was given out twice`)
    given.add(op.producerId)
  }
  return problems
}
