// A clock whose time passes only while everybody waits: when nothing is left to do but sleep, it goes on to the
// earliest sleeper and wakes it. Minutes of waiting cost a test nothing, and what it reads is exact. Only for memory
// adapters: work that real I/O holds up looks like waiting.
import type { Clock } from '../../shared/ports/world.ts'

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

export interface VirtualClock extends Clock {
  /** Time passes for everybody at once; sleepers wake in their order afterwards. */
  advance(ms: number): void
}

export function createVirtualClock(startMs = 1_700_000_000_000): VirtualClock {
  let now = startMs
  let pumping = false
  const sleepers: Sleeper[] = []

  const pump = () => {
    const next = sleepers.shift()
    pumping = sleepers.length > 0
    if (pumping) setImmediate(pump)
    if (!next) return
    now = Math.max(now, next.at)
    next.wake()
  }

  return {
    now: () => now,
    advance: (ms) => {
      now += ms
    },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const leave = () => {
          const at = sleepers.indexOf(sleeper)
          if (at !== -1) sleepers.splice(at, 1)
          resolve()
        }
        const wake = () => {
          signal?.removeEventListener('abort', leave)
          resolve()
        }
        const sleeper = { at: now + Math.max(0, Math.ceil(ms)), wake }
        signal?.addEventListener('abort', leave, { once: true })
        const place = sleepers.findIndex(({ at }) => at > sleeper.at)
        sleepers.splice(place === -1 ? sleepers.length : place, 0, sleeper)
        if (!pumping) setImmediate(pump)
        pumping = true
      }),
  }
}
