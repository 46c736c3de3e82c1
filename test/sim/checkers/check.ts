// All checks of one run.
import type { Op } from '../history.ts'
import type { Incarnation } from '../watch.ts'
import { findAcks } from './acks.ts'
import { checkAppends } from './appends.ts'
import { checkReads } from './reads.ts'
import type { StoredLogs } from './storedLog.ts'
import { checkTopics } from './topics.ts'

export function checkHistory(
  history: readonly Op[],
  { logs, problems }: StoredLogs,
  incarnations: readonly Incarnation[],
): readonly string[] {
  const acks = findAcks(history, logs)
  return [
    ...problems,
    ...acks.problems,
    ...checkAppends(history, logs, acks),
    ...checkReads(history, logs, acks),
    ...checkTopics(history, incarnations),
  ]
}
