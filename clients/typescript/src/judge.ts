// What to do about a batch that was not acknowledged. A call without a clear answer may have stored it: then only the
// same sequence of the same producer id may be sent again, because the service stores that once.

import { codes, isRefusal, MillraceError } from './errors.ts'
import { backoffMs } from './retry.ts'

export interface Progress {
  /** Attempts that went before. */
  readonly attempt: number
  /** One of them may have stored the batch. */
  readonly uncertain: boolean
  /** A new producer id was taken for this batch already. */
  readonly renewed: boolean
}

export interface Failure extends Progress {
  readonly error: unknown
  readonly records: number
  readonly leftMs: number
  readonly random: number
}

export type Verdict =
  | { readonly kind: 'retry'; readonly afterMs: number; readonly uncertain: boolean }
  /** `reports`: where; without them it is no longer known. */
  | { readonly kind: 'stored'; readonly reports?: string }
  /** The sequence is no good, and nothing is stored: again as another producer. */
  | { readonly kind: 'renew' }
  /** Nothing is stored, and a record of it may be at fault: each half by itself. */
  | { readonly kind: 'halve' }
  /** `uncertain`: the sequence may be used up, so this producer id ends here. */
  | { readonly kind: 'fail'; readonly error: unknown; readonly uncertain: boolean }

export function judge(failed: Failure): Verdict {
  const { error, leftMs } = failed
  if (!(error instanceof MillraceError)) return { kind: 'fail', error, uncertain: true }
  if (isRefusal(error, codes.sequenceStored)) return { kind: 'stored' }
  if (!error.retriable) return refused(failed, error)
  // Who is throttled was turned away at the door.
  const uncertain = failed.uncertain || error.status !== 429
  const afterMs = backoffMs(failed.attempt, failed.random, error.retryAfterMs)
  if (afterMs < leftMs) return { kind: 'retry', afterMs, uncertain }
  return { kind: 'fail', error: tooLate(error, uncertain), uncertain }
}

function refused({ uncertain, records, renewed }: Failure, error: MillraceError): Verdict {
  if (uncertain) return { kind: 'fail', error, uncertain }
  if (isRefusal(error, codes.sequenceGap, codes.producerFenced) && !renewed) return { kind: 'renew' }
  if (records > 1 && [400, 413, 422].includes(error.status)) return { kind: 'halve' }
  return { kind: 'fail', error, uncertain }
}

export function tooLate(last: MillraceError | undefined, uncertain: boolean): MillraceError {
  const effect = uncertain ? 'it may have been stored' : 'it was not stored'
  const because = last === undefined ? '' : `: ${last.message}`
  return new MillraceError(`the record was not acknowledged in time, and ${effect}${because}`, {
    status: last?.status ?? 0,
    errorCode: last?.errorCode ?? 0,
    retriable: !uncertain,
    cause: last,
  })
}
