// What a load is and what it gave: shared by the threads that make the load and the process that asked for
// it.

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

export interface LoadPlan {
  readonly port: number
  /** For each connection the requests it sends, round and round; the connection's number is its index. */
  readonly connections: readonly (readonly Uint8Array[])[]
  /** The load ends with whichever comes first; what is under way is still answered. */
  readonly seconds: number
  readonly requestsMax: number
}

export interface Load {
  readonly seconds: number
  /** One for each answered request. */
  readonly latenciesMs: readonly number[]
}

/** Runs a job in a thread of its own, so that its time is nobody else's. */
export async function runWorker<Job, Result>(file: string, job: Job): Promise<Result> {
  const worker = new Worker(new URL(file, import.meta.url), { workerData: job })
  const [result]: unknown[] = await once(worker, 'message')
  return result as Result
}

export const runLoad = (plan: LoadPlan): Promise<Load> => runWorker('./loadWorker.ts', plan)
