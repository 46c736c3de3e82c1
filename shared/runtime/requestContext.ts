// Which request the code that runs now is part of, so that what it logs can say so. A flush carries the records of many
// requests: what it does is told under the one that began it.

import { AsyncLocalStorage } from 'node:async_hooks'
import type { RequestFacts } from '../http/context.ts'

const storage = new AsyncLocalStorage<RequestFacts>()

export const withRequest = <T>(facts: RequestFacts, work: () => Promise<T>): Promise<T> =>
  storage.run(facts, work)

export const currentRequest = (): RequestFacts | undefined => storage.getStore()
