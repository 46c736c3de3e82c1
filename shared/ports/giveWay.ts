// One thread answers all requests of a process: long stretches of work without a wait in them ask here, again and
// again, and whoever else wants the thread has it after some milliseconds.

import type { Clock } from './world.ts'

/** Most requests are done before, so that those that cost the same end one after the other. */
const workMsMax = 4

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

/** Takes all steps and gives way between them; answers what they come to. */
export async function takeSteps<T>(steps: Generator<undefined, T>, giveWay: GiveWay): Promise<T> {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    const turn = giveWay()
    if (turn !== undefined) await turn
  }
}
