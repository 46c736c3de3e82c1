// When to ask again: later and later, and not all clients at once.

import { MillraceError } from './errors.ts'
import type { World } from './world.ts'

const backoffMsMin = 100
const backoffMsMax = 10_000

/** Half of it is fixed, half is chance; never before the service wants to be asked again. */
export function backoffMs(attempt: number, random: number, retryAfterMs = 0): number {
  const most = Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(attempt, 16))
  return Math.max(retryAfterMs, Math.round(most * (0.5 + random / 2)))
}

export function isRetriable(error: unknown): error is MillraceError {
  return error instanceof MillraceError && error.retriable
}

export interface Patience {
  readonly world: World
  /** Time from the first attempt after which no further one begins. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** For calls that may be repeated: again until it is done, refused, too late or no longer wanted. */
export async function retried<T>({ world, timeoutMs, signal }: Patience, call: () => Promise<T>): Promise<T> {
  const deadline = world.now() + timeoutMs
  for (let attempt = 0; ; attempt++) {
    try {
      return await call()
    } catch (error) {
      if (!isRetriable(error) || signal?.aborted) throw error
      const waitMs = backoffMs(attempt, world.random(), error.retryAfterMs)
      if (world.now() + waitMs >= deadline) throw error
      await world.sleep(waitMs, signal)
    }
  }
}
