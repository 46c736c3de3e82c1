// On one machine requests are answered by the thread that compacts: long stretches of work without a wait in them ask
// here, again and again, and whoever else wants the thread has it after a millisecond or two.

import type { Clock } from '../ports/world.ts'

const workMsMax = 1

/** A promise where it is time to let others have their turn: to be awaited before the work goes on. */
export type GiveWay = () => Promise<void> | undefined

export function createGiveWay(clock: Clock): GiveWay {
  let sinceMs = clock.now()
  return () => {
    // A clock that was set back says nothing of how long it has been.
    if (Math.abs(clock.now() - sinceMs) < workMsMax) return undefined
    return clock.sleep(0).then(() => {
      sinceMs = clock.now()
    })
  }
}
