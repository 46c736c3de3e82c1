// Chance that a seed replays: mulberry32, and the choices that a fuzzer makes with it.

export interface Chance {
  /** In 0..below-1. */
  integer(below: number): number
  pick<T>(items: readonly T[]): T
  /** True in one of `times`. */
  oneIn(times: number): boolean
}

/** Each case has chances of its own, so that one alone can be repeated. */
export function createChance(seed: number, index: number): Chance {
  let state = (Math.imul(seed, 0x9e3779b1) + Math.imul(index, 0x85ebca77)) >>> 0
  const integer = (below: number): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
  return {
    integer,
    pick(items) {
      const item = items[integer(items.length)]
      if (item === undefined) throw new Error('there is nothing to pick from')
      return item
    },
    oneIn: (times) => integer(times) === 0,
  }
}

/** FUZZ_SEED, which is a number or `new`; the gate always sends the same requests, so that it fails for a cause. */
export function fuzzSeed(): number {
  const given = process.env.FUZZ_SEED ?? '1'
  return given === 'new' ? Date.now() % 2 ** 32 : Number(given)
}
