// Starts the process that is killed, asks it, kills it and starts it again on the same folder. Each one's clock is some
// hours ahead of the one before, so that leases have run out and what was retired may be collected.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Answer, Ask, Failure } from './protocol.ts'

const worker = fileURLToPath(new URL('./tortureWorker.ts', import.meta.url))
const hoursAheadMs = 4 * 3600_000

/** The process was killed: whatever was asked may have happened. */
export class Killed extends Error {
  override readonly name = 'Killed'
}

export class Refused extends Error {
  override readonly name = 'Refused'
  readonly failure: Failure

  constructor(failure: Failure) {
    super(`${failure.code} ${failure.message}`)
    this.failure = failure
  }
}

export interface Host {
  /** How often it was killed. */
  readonly kills: () => number
  /** When the process that runs was started, by performance.now(). */
  readonly startedMs: () => number
  start(): Promise<void>
  /** Waits while there is no process; fails with Killed or Refused. */
  ask(ask: Ask): Promise<unknown>
  /** SIGKILL, then a new process. */
  kill(): Promise<void>
  stop(): Promise<void>
}

export function createHost(
  folder: string,
  offsetMapEntries: number,
  onTrouble: (words: string) => void,
): Host {
  const asks = createAsks()
  let started = Promise.withResolvers<ChildProcess>()
  let kills = 0
  let starts = 0
  let startedMs = 0
  let isStopped = false

  const start = async () => {
    const ahead = starts++ * hoursAheadMs
    const args = [folder, String(ahead), String(offsetMapEntries)]
    const child = fork(worker, args, { serialization: 'advanced' })
    startedMs = performance.now()
    isStopped = false
    child.on('message', (answer: Answer) => {
      if (answer.kind === 'ready') started.resolve(child)
      else if (answer.kind === 'trouble') onTrouble(answer.words)
      else asks.settle(answer)
    })
    // It could not be started; of one that ran and is gone its exit says so too.
    child.on('error', (error) => started.reject(error))
    child.on('exit', (code, signal) => {
      asks.fail()
      if (isStopped) return
      onTrouble(`the process ended by itself: ${signal ?? code}`)
      started.reject(new Killed())
    })
    await started.promise
  }

  const end = async () => {
    if (isStopped) return
    // Whoever waits for its start is told why there was none.
    const child = await started.promise.catch(() => undefined)
    started = Promise.withResolvers()
    isStopped = true
    if (!child?.connected) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  return {
    kills: () => kills,
    startedMs: () => startedMs,
    start,
    ask: async (ask) => asks.send(await started.promise, ask),
    async kill() {
      await end()
      kills++
      await start()
    },
    stop: end,
  }
}

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

function createAsks() {
  const waiting = new Map<number, Waiting>()
  let nextId = 0
  return {
    send(child: ChildProcess, ask: Ask): Promise<unknown> {
      if (!child.connected) return Promise.reject(new Killed())
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      const id = nextId++
      waiting.set(id, { resolve, reject })
      child.send({ id, ask }, () => undefined)
      return promise
    },
    settle(answer: Answer & { readonly kind: 'done' | 'failed' }): void {
      const one = waiting.get(answer.id)
      waiting.delete(answer.id)
      if (answer.kind === 'done') one?.resolve(answer.result)
      else one?.reject(new Refused(answer.failure))
    },
    fail(): void {
      for (const one of waiting.values()) one.reject(new Killed())
      waiting.clear()
    },
  }
}
