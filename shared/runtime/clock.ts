// The real time and the real chance: the only owners of Date, timers and the random source.

import { randomBytes } from 'node:crypto'
import type { Clock, Random } from '../ports/world.ts'

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      if (ms <= 0) {
        setImmediate(resolve)
        return
      }
      const wake = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      signal?.addEventListener('abort', wake)
    }),
}

export const systemRandom: Random = {
  bytes: (length) => randomBytes(length),
  float: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
}
