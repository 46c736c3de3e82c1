// The boundary between segments and flushes moves: below it segments are the log. Made together with what brings the
// segments, or alone where nothing below it is read any more.

import { groupOf, nextAttribute, segmentsEndAttribute } from '../metadata/sequencer.ts'
import type { Condition, TransactWrite } from '../ports/table.ts'
import type { CompactionDeps, Partition } from './deps.ts'

/** A sequencer that was deleted must not come back as this alone. */
export const segmentsEndMoves = (
  deps: Pick<CompactionDeps, 'scope'>,
  { topicId, partition }: Partition,
  before: number,
  endOffset: number,
): TransactWrite => ({
  kind: 'update',
  key: deps.scope.sequencer(topicId, groupOf(partition)),
  actions: [{ kind: 'set', attribute: segmentsEndAttribute(partition), value: endOffset }],
  when: [{ kind: 'exists', attribute: nextAttribute(partition) }, unchangedEnd(partition, before)],
})

const unchangedEnd = (partition: number, end: number): Condition => {
  const attribute = segmentsEndAttribute(partition)
  return end === 0 ? { kind: 'absent', attribute } : { kind: 'equals', attribute, value: end }
}
