// Reads that are late are asked for once more, and the first answer counts. Late is later than about 19 of 20 reads
// were. The second request costs as much as the first, so there is one for at most one read in sixteen, and eight at
// once after a quiet time: when everything is slow, asking twice would only make it slower.
import { deferred } from '../../base/concurrency.ts'
import type { Clock } from '../../ports/world.ts'

export type Hedge = <T>(ask: (signal: AbortSignal) => Promise<T>) => Promise<T>

const late = { firstMs: 200, minMs: 20, maxMs: 2000 }
/** 19 steps down and one up end where they began: at the 95th percentile. */
const stepUp = 1.1
const stepDown = stepUp ** (-1 / 19)
const credits = { perRead: 1 / 16, max: 8 }

export const nextLateMs = (lateMs: number, durationMs: number): number => {
  const moved = lateMs * (durationMs > lateMs ? stepUp : stepDown)
  return Math.min(late.maxMs, Math.max(late.minMs, moved))
}

export const createHedge = (clock: Clock): Hedge => {
  let lateMs = late.firstMs
  let credit = credits.max

  const takeCredit = (): boolean => {
    if (credit < 1) return false
    credit -= 1
    return true
  }

  return async (ask) => {
    credit = Math.min(credits.max, credit + credits.perRead)
    const startedMs = clock.now()
    const over = new AbortController()
    try {
      const answer = await firstAnswer(clock, lateMs, over.signal, ask, takeCredit)
      lateMs = nextLateMs(lateMs, clock.now() - startedMs)
      return answer
    } finally {
      over.abort()
    }
  }
}

/** The first request's failure ends the read, unless a second one is under way: then the last failure does. */
const firstAnswer = <T>(
  clock: Clock,
  lateMs: number,
  over: AbortSignal,
  ask: (signal: AbortSignal) => Promise<T>,
  mayAskAgain: () => boolean,
): Promise<T> => {
  const { promise, resolve, reject } = deferred<T>()
  let open = 0
  const request = (): void => {
    open += 1
    ask(over).then(resolve, (error) => {
      open -= 1
      if (open === 0) reject(error)
    })
  }
  request()
  clock.sleep(lateMs, over).then(() => {
    if (!over.aborted && mayAskAgain()) request()
  }, reject)
  return promise
}
