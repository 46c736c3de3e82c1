// A clock of a process that works: every look at it takes a twentieth of a millisecond.

import type { Clock } from '../../shared/ports/world.ts'

export interface WorkingClock extends Clock {
  /** How often somebody else had the thread. */
  turns(): number
}

export function createWorkingClock(clock: Clock): WorkingClock {
  let workedMs = 0
  let turns = 0
  return {
    now() {
      workedMs += 0.05
      return Math.floor(clock.now() + workedMs)
    },
    sleep(ms, signal) {
      if (ms === 0) turns++
      return clock.sleep(ms, signal)
    },
    turns: () => turns,
  }
}
