// The real time and the real chance: the only owners of Date, timers and the random source.

import { randomBytes, randomFillSync } from 'node:crypto'
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
  bytes: takeRandom,
  float: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
}

// The system is asked for many bytes at once: asking costs more than the bytes. No byte is given out twice.
const pool = Buffer.alloc(4096)
let poolUsed = pool.length

function takeRandom(length: number): Uint8Array {
  if (length > pool.length) return randomBytes(length)
  if (poolUsed + length > pool.length) {
    randomFillSync(pool)
    poolUsed = 0
  }
  poolUsed += length
  return new Uint8Array(pool.subarray(poolUsed - length, poolUsed))
}

/** For libraries that want a Date where the engine has a number. */
export const dateOf = (ms: number): Date => new Date(ms)
