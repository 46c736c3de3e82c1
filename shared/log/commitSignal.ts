// Wakes readers that wait in the process in which a commit happens; readers elsewhere poll.

import { deferred } from '../base/concurrency.ts'

export interface CommitSignal {
  /** Something was committed to this sequencer. */
  notify(sequencer: string): void
  /** Subscribe before reading, so that no commit falls between the read and the wait. */
  subscribe(sequencers: readonly string[]): { readonly fired: Promise<void>; readonly cancel: () => void }
}

export function createCommitSignal(): CommitSignal {
  const waiting = new Map<string, Set<() => void>>()
  return {
    notify(sequencer) {
      const wakers = waiting.get(sequencer)
      waiting.delete(sequencer)
      for (const wake of wakers ?? []) wake()
    },
    subscribe(sequencers) {
      const { promise, resolve } = deferred<void>()
      const wake = () => resolve()
      for (const sequencer of sequencers) {
        const wakers = waiting.get(sequencer) ?? new Set()
        waiting.set(sequencer, wakers.add(wake))
      }
      const cancel = () => {
        for (const sequencer of sequencers) forget(waiting, sequencer, wake)
      }
      return { fired: promise, cancel }
    },
  }
}

function forget(waiting: Map<string, Set<() => void>>, sequencer: string, wake: () => void): void {
  const wakers = waiting.get(sequencer)
  wakers?.delete(wake)
  if (wakers?.size === 0) waiting.delete(sequencer)
}
