// Where a reset puts an offset (KIP-122): pure, and never outside what the log has.

import { KafkaError } from '../base/errors.ts'
import type { LogRange } from './offsetsDeps.ts'

export type ResetTarget =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  | { readonly kind: 'current' }
  | { readonly kind: 'timestamp'; readonly timestamp: number }
  /** This long before now. */
  | { readonly kind: 'duration'; readonly durationMs: number }
  | { readonly kind: 'shift'; readonly by: number }
  | { readonly kind: 'offset'; readonly offset: number }

export interface ResetFacts extends LogRange {
  /** undefined: nothing was committed. */
  readonly before: number | undefined
  /** First offset of the target's time or later, where it has a time; undefined: there is none. */
  readonly atTime: number | undefined
}

/** undefined: the target names no time. */
export function timeOf(target: ResetTarget, nowMs: number): number | undefined {
  if (target.kind === 'timestamp') return target.timestamp
  return target.kind === 'duration' ? Math.max(0, nowMs - target.durationMs) : undefined
}

/** Error: INVALID_REQUEST where there is nothing to shift. */
export function planReset(target: ResetTarget, facts: ResetFacts): number {
  return Math.max(facts.start, Math.min(facts.end, unbounded(target, facts)))
}

function unbounded(target: ResetTarget, { start, end, before, atTime }: ResetFacts): number {
  switch (target.kind) {
    case 'earliest':
      return start
    case 'latest':
      return end
    // As Kafka's tool does: what was never committed begins at the end.
    case 'current':
      return before ?? end
    case 'timestamp':
    case 'duration':
      return atTime ?? end
    case 'shift':
      if (before === undefined) throw nothingToShift()
      return before + target.by
    case 'offset':
      return target.offset
  }
}

const nothingToShift = (): KafkaError =>
  new KafkaError('INVALID_REQUEST', 'An offset that was never committed cannot be shifted.')
