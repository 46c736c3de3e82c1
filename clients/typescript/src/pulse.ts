// Something that is done again and again: when it is due, or at once when it is nudged.

import type { World } from './world.ts'

export interface Pulse {
  start(): void
  nudge(): void
  /** Resolves when the turn under way is over. */
  stop(): Promise<void>
}

/** `turn` answers in how many milliseconds the next one is due; undefined: there is none. */
export function createPulse(world: World, turn: () => Promise<number | undefined>): Pulse {
  let nudged = new AbortController()
  let stopped = false
  let running: Promise<void> | undefined

  const run = async (): Promise<void> => {
    while (!stopped) {
      nudged = new AbortController()
      const { signal } = nudged
      const dueMs = await turn()
      if (dueMs === undefined) return
      await world.sleep(dueMs, signal)
    }
  }

  return {
    start() {
      running ??= run()
    },
    nudge: () => nudged.abort(),
    async stop() {
      stopped = true
      nudged.abort()
      await running
    },
  }
}
