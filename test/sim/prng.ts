// Chance in the simulation: one seeded generator (sfc32), from which everything that is drawn is drawn.
import type { Random } from '../../shared/ports/world.ts'

export interface Prng extends Random {
  /** An integer in [from, to]. */
  between(from: number, to: number): number
  chance(probability: number): boolean
  pick<T>(list: readonly T[]): T
}

export function createPrng(seed: number): Prng {
  const next = sfc32(seed)
  const float = () => next() / 2 ** 32
  const between = (from: number, to: number) => from + Math.floor(float() * (to - from + 1))
  return {
    float,
    between,
    chance: (probability) => float() < probability,
    bytes: (length) => Uint8Array.from({ length }, () => next() >>> 24),
    pick(list) {
      const picked = list[between(0, list.length - 1)]
      if (picked === undefined) throw new Error('nothing to pick from')
      return picked
    },
  }
}

function sfc32(seed: number): () => number {
  let a = 0x9e3779b9
  let b = 0x243f6a88
  let c = seed >>> 0
  let counter = Math.floor(seed / 2 ** 32) + 1
  const next = () => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return sum >>> 0
  }
  for (let i = 0; i < 16; i++) next()
  return next
}
