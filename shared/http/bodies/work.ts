// Work of a request beside its calls to the cluster, which count their own: making records of JSON, and JSON of
// records. It gives way to other requests where it lasts, and counts as its caller's compute time.

import { createGiveWay, type GiveWay } from '../../ports/giveWay.ts'
import type { Clock } from '../../ports/world.ts'
import type { RawContext } from '../rawRoute.ts'

export interface Work {
  readonly giveWay: GiveWay
  /** What is waited for is nobody's work. */
  wait<T>(waiting: Promise<T>): Promise<T>
  end(): void
}

export type BeginWork = () => Work

export const workOf = (c: RawContext, { clock }: { readonly clock: Clock }): BeginWork =>
  createBeginWork(clock, c.get('access').noteWork)

/** `noteWork` is told milliseconds. */
export function createBeginWork(clock: Clock, noteWork: (ms: number) => void): BeginWork {
  return () => {
    const startMs = clock.now()
    let waitedMs = 0
    const wait = async <T>(waiting: Promise<T>): Promise<T> => {
      const sinceMs = clock.now()
      try {
        return await waiting
      } finally {
        waitedMs += clock.now() - sinceMs
      }
    }
    const giveWay = createGiveWay(clock)
    return {
      giveWay() {
        const turn = giveWay()
        return turn && wait(turn)
      },
      wait,
      end() {
        const workMs = clock.now() - startMs - waitedMs
        if (workMs > 0) noteWork(workMs)
      },
    }
  }
}

/** `run` waits for nothing but its turns. */
export async function doWork<T>(beginWork: BeginWork, run: (giveWay: GiveWay) => Promise<T>): Promise<T> {
  const work = beginWork()
  try {
    return await run(work.giveWay)
  } finally {
    work.end()
  }
}
