// Which logs an operation can have met, and where acknowledged records lie: what the other checkers begin with.
import type { Op, ProduceOp, Span } from '../history.ts'
import type { StoredLog } from './storedLog.ts'

export interface Ack {
  readonly op: ProduceOp
  readonly id: string
  readonly offset: number
}

export interface Acks {
  readonly byLog: ReadonlyMap<StoredLog, readonly Ack[]>
  readonly problems: readonly string[]
}

type Life = Pick<StoredLog, 'bornAt' | 'diedAt'>

/** The log lived at some time while the operation was under way. */
export const mayHaveMet = (span: Span, life: Life): boolean =>
  span.invoked <= life.diedAt && span.ended >= life.bornAt

/** The log lived all the time, so no other one of its name did. */
export const certainlyMet = (span: Span, life: Life): boolean =>
  span.invoked > life.bornAt && span.ended < life.diedAt

export type LogsByName = (topicName: string, partition: number) => readonly StoredLog[]

export function logsByName(logs: readonly StoredLog[]): LogsByName {
  const byName = Map.groupBy(logs, ({ topicName, partition }) => `${topicName}/${partition}`)
  return (topicName, partition) => byName.get(`${topicName}/${partition}`) ?? []
}

/** Every acknowledged record must lie at the offset that was answered. */
export function findAcks(history: readonly Op[], logs: readonly StoredLog[]): Acks {
  const find = logsByName(logs)
  const byLog = new Map<StoredLog, Ack[]>(logs.map((log) => [log, []]))
  const problems: string[] = []
  for (const op of history) {
    if (op.kind !== 'produce') continue
    for (const [i, outcome] of op.outcomes.entries()) {
      const id = op.recordIds[i]
      if (outcome.kind !== 'ok' || id === undefined) continue
      const { partition, offset } = outcome
      const log = find(op.topicName, partition).find(
        (one) => mayHaveMet(op, one) && one.records[offset]?.id === id,
      )
      if (log) byLog.get(log)?.push({ op, id, offset })
      else
        problems.push(
          `${id} was acknowledged at ${op.topicName}/${partition} offset ${offset} and is not there`,
        )
    }
  }
  return { byLog, problems }
}
