// Until when clients have to take what was written to their connections. All are looked at together: a timer for each
// would cost a tenth of the rate of large answers.

import type { Clock } from '../../ports/world.ts'

export interface Deadlines {
  /** Cuts it off at `atMs`, or `lookMs` later at most, unless what this answers is called before. */
  set(connection: { destroy(): unknown }, atMs: number): () => void
}

const lookMs = 500

export function createDeadlines(clock: Clock): Deadlines {
  const deadlines = new Set<{ readonly connection: { destroy(): unknown }; readonly atMs: number }>()
  let isLooking = false

  const look = async (): Promise<void> => {
    isLooking = true
    while (deadlines.size > 0) {
      await clock.sleep(lookMs)
      for (const deadline of deadlines) {
        if (deadline.atMs > clock.now()) continue
        deadlines.delete(deadline)
        deadline.connection.destroy()
      }
    }
    isLooking = false
  }

  return {
    set(connection, atMs) {
      const deadline = { connection, atMs }
      deadlines.add(deadline)
      if (!isLooking) void look()
      return () => deadlines.delete(deadline)
    },
  }
}
