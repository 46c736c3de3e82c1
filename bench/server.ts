// The servers that are measured, each in a process of its own: Millrace as `npm start` runs it, on a fresh
// folder, and the bare floor.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface MeasuredServer {
  readonly port: number
  peakMemoryBytes(): Promise<number>
  stop(): Promise<void>
}

export async function startMillrace(directory: string): Promise<MeasuredServer> {
  const data = await mkdtemp(path.join(directory, 'millrace-'))
  const server = await startProcess('../shared/runtime/main.ts', { PORT: '0', DATA_DIR: data })
  return {
    ...server,
    async stop() {
      await server.stop()
      await rm(data, { recursive: true })
    },
  }
}

export const startFloor = (): Promise<MeasuredServer> => startProcess('./floorServer.ts', {})

async function startProcess(
  file: string,
  environment: Readonly<Record<string, string>>,
): Promise<MeasuredServer> {
  const here = (name: string) => new URL(name, import.meta.url)
  const child = spawn(
    process.execPath,
    ['--import', here('./reportMemory.ts').href, fileURLToPath(here(file))],
    {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    },
  )
  const port = await listeningPort(child)
  return {
    port,
    async peakMemoryBytes() {
      child.send('peak')
      const [bytes]: unknown[] = await once(child, 'message')
      return Number(bytes)
    },
    async stop() {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** The first line that a server prints ends with its address. */
async function listeningPort(child: ChildProcess): Promise<number> {
  if (child.stdout === null) throw new Error('a measured server has an output')
  const lines = createInterface({ input: child.stdout })
  const line: unknown = await Promise.race([
    once(lines, 'line').then(([first]) => first),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`a server ended at once: ${code}`))),
  ])
  const port = /http:\/\/[^:]+:(\d+)/.exec(String(line))?.[1]
  if (port === undefined) throw new Error(`a server's first line names no port: ${String(line)}`)
  return Number(port)
}
