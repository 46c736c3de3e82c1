// What was read a moment ago, for many who ask at once: one read answers all who wait for it, its answer is remembered
// for a while, and a failed read is remembered by nobody.

import type { Clock } from './world.ts'

export interface Remembered<V> {
  get(key: string): Promise<V>
  /** The next `get` reads. */
  forget(key: string): void
}

export interface RememberedSettings {
  readonly clock: Clock
  readonly maxAgeMs: number
  /** The longest remembered go first. */
  readonly entriesMax: number
}

export function createRemembered<V>(
  { clock, maxAgeMs, entriesMax }: RememberedSettings,
  read: (key: string) => Promise<V>,
): Remembered<V> {
  const entries = new Map<string, { readonly value: Promise<V>; readonly untilMs: number }>()

  const load = (key: string): Promise<V> => {
    entries.delete(key)
    const value = read(key)
    const entry = { value, untilMs: clock.now() + maxAgeMs }
    entries.set(key, entry)
    value.catch(() => {
      if (entries.get(key) === entry) entries.delete(key)
    })
    for (const oldest of entries.keys()) {
      if (entries.size <= entriesMax) break
      entries.delete(oldest)
    }
    return value
  }

  return {
    get(key) {
      const known = entries.get(key)
      return known !== undefined && clock.now() < known.untilMs ? known.value : load(key)
    },
    forget: (key) => {
      entries.delete(key)
    },
  }
}
