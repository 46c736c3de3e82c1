// A function that cannot start says why in one line, and ends: Lambda then serves nothing by it.

import { logFailure } from './logger.ts'

export function refuseToStart(error: unknown): never {
  logFailure('the function refuses to start', error)
  process.exit(1)
}
