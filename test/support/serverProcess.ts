// The local server as a process of its own, for tests that stop or kill it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../shared/runtime/main.ts', import.meta.url))

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

type Environment = Readonly<Record<string, string>>

export interface ServerProcess {
  readonly url: string
  /** Asks it to stop, and answers how it ended. */
  stop(): Promise<Finished>
  /** SIGKILL: it gets no chance to finish anything. */
  kill(): Promise<Finished>
}

function launch(environment: Environment, args: readonly string[], under: readonly string[] = []) {
  const [command = '', ...rest] = [...under, process.execPath, main, ...args]
  const child: ChildProcess = spawn(command, rest, {
    env: { PATH: process.env.PATH ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const text = { stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk) => (text.stdout += chunk))
  child.stderr?.on('data', (chunk) => (text.stderr += chunk))
  const finished = once(child, 'close').then(([code]): Finished => ({ code, ...text }))
  return { child, text, finished }
}

/** Runs until it ends by itself. */
export const runMain = (environment: Environment, args: readonly string[] = []): Promise<Finished> =>
  launch(environment, args).finished

/**
 * Starts it on a free port and waits until it says where it listens. `under`: a command that becomes the server.
 * `said`: its standard output so far.
 */
export async function startServerProcess(
  environment: Environment,
  args: readonly string[] = [],
  under: readonly string[] = [],
): Promise<ServerProcess & { said(): string }> {
  const { child, text, finished } = launch({ PORT: '0', ...environment }, args, under)
  const listening = new Promise<string>((resolve) => {
    child.stdout?.on('data', () => {
      const [, url] = /on (https?:\/\/\S+)/.exec(text.stdout) ?? []
      if (url) resolve(url)
    })
  })
  const url = await Promise.race([listening, finished])
  if (typeof url !== 'string') throw new Error(`the server did not start: ${url.stderr}`)
  const end = (signal: 'SIGTERM' | 'SIGKILL') => {
    child.kill(signal)
    return finished
  }
  return { url, said: () => text.stdout, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') }
}
