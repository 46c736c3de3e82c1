// A bundle started as Lambda starts a Web Function: with the address to bind in the environment, ten seconds to bind
// it, and ended by SIGTERM, a second later by SIGKILL.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Finished } from '../support/serverProcess.ts'

export interface WebProcess {
  readonly url: string
  /** From its start until it accepted a connection. */
  readonly startMs: number
  stop(): Promise<Finished>
  kill(): Promise<Finished>
}

type Environment = Readonly<Record<string, string>>

const bindMsMax = 10_000
const stopMsMax = 1000

export async function startWebProcess(file: string, environment: Environment): Promise<WebProcess> {
  const port = await freePort()
  const start = performance.now()
  const { child, finished } = launchBundle(file, {
    ...environment,
    AWS_LAMBDA_HTTP_ENDPOINT: `127.0.0.1:${port}`,
  })
  const ended = await Promise.race([whenBound(port, start + bindMsMax), finished])
  const startMs = performance.now() - start
  if (ended !== 'bound') {
    child.kill('SIGKILL')
    const why = typeof ended === 'string' ? ended : ended.stdout + ended.stderr
    throw new Error(`the function did not start: ${why.slice(-1000)}`)
  }
  return {
    url: `http://127.0.0.1:${port}`,
    startMs,
    kill: () => {
      child.kill('SIGKILL')
      return finished
    },
    stop: async () => {
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), stopMsMax)
      return finished.finally(() => clearTimeout(late))
    },
  }
}

/** With nothing in its environment but what is given. */
export function launchBundle(file: string, environment: Environment) {
  const child = spawn(process.execPath, [file], {
    env: { ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const text = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (text.stdout += chunk))
  child.stderr.on('data', (chunk) => (text.stderr += chunk))
  const finished = once(child, 'close').then(([code]): Finished => ({ code, ...text }))
  return { child, finished }
}

async function whenBound(port: number, untilMs: number): Promise<'bound' | 'late'> {
  while (performance.now() < untilMs) {
    if (await accepts(port)) return 'bound'
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return 'late'
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('no port is free')
  return address.port
}
