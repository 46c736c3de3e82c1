// How the threads of a process end, as those see it that wait for them.

import type { Worker } from 'node:worker_threads'

/** How a thread ended: by an error, or told to. Resolves when nothing of it is at work any more; `what` names it. */
export const threadEnd = (worker: Worker, what: string): Promise<Error> =>
  new Promise((resolve) => {
    let how = new Error(`${what} ended`)
    worker.once('error', (cause) => {
      how = new Error(`${what} ended: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    })
    worker.once('exit', () => resolve(how))
  })
