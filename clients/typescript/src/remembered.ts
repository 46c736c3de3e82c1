// One call for all who ask while its answer is young enough. A failed one is forgotten.

import type { World } from './world.ts'

export interface Remembered<T> {
  get(): Promise<T>
  forget(): void
}

export function remembered<T>(world: World, maxAgeMs: number, call: () => Promise<T>): Remembered<T> {
  let last: { readonly atMs: number; readonly value: Promise<T> } | undefined
  const forget = (): void => {
    last = undefined
  }
  return {
    forget,
    get() {
      if (last !== undefined && world.now() - last.atMs < maxAgeMs) return last.value
      const asked = { atMs: world.now(), value: call() }
      last = asked
      asked.value.catch(() => {
        if (last === asked) forget()
      })
      return asked.value
    },
  }
}
