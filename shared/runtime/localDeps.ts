// What a thread of the local server works with, on the storage that it opened.

import type { LogDeps } from '../log/deps.ts'
import type { OpenStorage } from '../storage/embedded/open.ts'
import { systemClock, systemRandom } from './clock.ts'
import { logFailure } from './logger.ts'
import { watchStorage } from './watchedStorage.ts'

export function createLocalDeps(storage: OpenStorage): Omit<LogDeps, 'scope'> {
  const watch = {
    clock: systemClock,
    report: (error: unknown, untold: number) => logFailure('storage failed', error, { untold }),
  }
  return {
    ...watchStorage(storage, watch),
    clock: systemClock,
    random: systemRandom,
    reportBackgroundFailure: (error: unknown) => logFailure('background work failed', error),
  }
}
