// What every call to S3 and DynamoDB has in common: it is measured, and while the service refuses it for a reason
// that passes by itself it is made again, with back-off, within a second. The engine repeats what still fails then.
import { backoffMs } from '../../ports/retry.ts'
import type { Clock, Random } from '../../ports/world.ts'
import { isAborted, isThrottled, statusOf } from './errors.ts'

/** One request and its answer. */
export interface StorageCall {
  /** As the service names it. */
  readonly operation: string
  /** refused: the service said no (a false condition, a missing object). abandoned: another read was faster. */
  readonly outcome: 'done' | 'refused' | 'throttled' | 'failed' | 'abandoned'
  readonly durationMs: number
  /** DynamoDB's, as its answer tells; it does not tell what a refusal consumed. */
  readonly capacityUnits: number
}

export interface CallDeps {
  readonly clock: Clock
  readonly random: Random
  /** Called once for each request, in its path: it returns at once and never throws. */
  readonly report?: (call: StorageCall) => void
}

export const measured = async <T>(
  { clock, report }: CallDeps,
  operation: string,
  call: () => Promise<T>,
  capacityUnitsOf: (answer: T) => number = () => 0,
): Promise<T> => {
  const startedMs = clock.now()
  const tell = (outcome: StorageCall['outcome'], capacityUnits: number): void =>
    report?.({ operation, outcome, durationMs: clock.now() - startedMs, capacityUnits })
  try {
    const answer = await call()
    tell('done', capacityUnitsOf(answer))
    return answer
  } catch (error) {
    tell(outcomeOf(error), 0)
    throw error
  }
}

/** Counted from the first failure, so that a slow call is not given up for having been slow. */
const patienceMs = 1000

export const patiently = async <T>(
  { clock, random }: CallDeps,
  passes: (error: unknown) => boolean,
  call: () => Promise<T>,
): Promise<T> => {
  let giveUpAtMs: number | undefined
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call()
    } catch (error) {
      const waitMs = backoffMs(attempt, random)
      giveUpAtMs ??= clock.now() + patienceMs
      if (!passes(error) || clock.now() + waitMs > giveUpAtMs) throw error
      await clock.sleep(waitMs)
    }
  }
}

const outcomeOf = (error: unknown): StorageCall['outcome'] => {
  if (isAborted(error)) return 'abandoned'
  if (isThrottled(error)) return 'throttled'
  const status = statusOf(error) ?? 0
  return status >= 400 && status < 500 ? 'refused' : 'failed'
}
