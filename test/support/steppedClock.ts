// A clock that stands still until a test lets time pass: whatever a request takes, it takes no time. Sleepers wake in
// their order, each at its own moment.
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../shared/ports/world.ts'

export interface SteppedClock extends Clock {
  pass(ms: number): Promise<void>
}

export function createSteppedClock(startMs = 1_700_000_000_000): SteppedClock {
  let now = startMs
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>()
  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (ms <= 0) return void setImmediate().then(resolve)
        const sleeper = {
          at: now + ms,
          wake: () => {
            sleepers.delete(sleeper)
            resolve()
          },
        }
        sleepers.add(sleeper)
        if (signal?.aborted) sleeper.wake()
        signal?.addEventListener('abort', sleeper.wake, { once: true })
      }),
    async pass(ms) {
      const until = now + ms
      for (;;) {
        const [next] = [...sleepers].sort((a, b) => a.at - b.at)
        if (next === undefined || next.at > until) break
        now = Math.max(now, next.at)
        next.wake()
        await setImmediate()
      }
      now = until
      await setImmediate()
    },
  }
}
