// What the compactor's function is invoked with, and what a worker's invocation answers. Both are JSON from outside:
// read field by field; whatever else they hold is not looked at, so that no event brings a config of its own.
//
//   the schedule   {"detail-type": "Scheduled Event", …}
//   a planner      {"kind": "partition", "clusterId", "topicName", "topicId", "partition", "deadlineMs",
//                   "isAskedFor"}
//   its answer     {"dueMs"}, or {} where nothing is due before the next commit

import type { PartitionOutcome } from '../compaction/deps.ts'
import type { PartitionName } from '../service/compactor.ts'

export interface PartitionEvent extends PartitionName {
  readonly kind: 'partition'
  readonly clusterId: string
  /** The planner's, who waits. */
  readonly deadlineMs: number
  readonly isAskedFor: boolean
}

export type CompactorEvent = { readonly kind: 'schedule' } | PartitionEvent

export function parseCompactorEvent(event: unknown): CompactorEvent {
  if (fieldOf(event, 'detail-type') === 'Scheduled Event') return { kind: 'schedule' }
  if (fieldOf(event, 'kind') !== 'partition') {
    throw new Error(
      "the event is none of the compactor's: it has neither a detail-type nor a kind that is known",
    )
  }
  return {
    kind: 'partition',
    clusterId: textIn(event, 'clusterId'),
    topicName: textIn(event, 'topicName'),
    topicId: textIn(event, 'topicId'),
    partition: countIn(event, 'partition'),
    deadlineMs: countIn(event, 'deadlineMs'),
    isAskedFor: fieldOf(event, 'isAskedFor') === true,
  }
}

/** A due time may be past every safe integer: retention.ms may be Kafka's largest number. */
export function parsePartitionOutcome(answer: unknown): PartitionOutcome {
  if (typeof answer !== 'object' || answer === null) throw new Error('the worker answered no object')
  const dueMs = fieldOf(answer, 'dueMs')
  if (dueMs === undefined) return { dueMs }
  if (typeof dueMs === 'number' && dueMs >= 0) return { dueMs }
  throw new Error("the worker's dueMs is not a number from 0 on")
}

function textIn(event: unknown, name: string): string {
  const value = fieldOf(event, name)
  if (typeof value === 'string') return value
  throw new Error(`${name} of the event is not a string`)
}

function countIn(event: unknown, name: string): number {
  const value = fieldOf(event, name)
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new Error(`${name} of the event is not a whole number from 0 on`)
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
