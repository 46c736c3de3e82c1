// A server of the demo's own: `npm start` on a temporary folder and a free port, gone with the demo.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface OwnService {
  readonly url: string
  readonly dataDirectory: string
  stop(keepData: boolean): Promise<void>
}

/** A consumer that is killed is missed after three seconds, so that the demo need not wait for 45. */
const groupSettings = {
  GROUP_CONSUMER_SESSION_TIMEOUT_MS: '3000',
  GROUP_CONSUMER_HEARTBEAT_INTERVAL_MS: '300',
}

export async function startService(): Promise<OwnService> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'millrace-demo-'))
  const main = join(import.meta.dirname, '..', 'shared', 'runtime', 'main.ts')
  const server = spawn(process.execPath, [main], {
    env: { ...process.env, ...groupSettings, HOST: '127.0.0.1', PORT: '0', DATA_DIR: dataDirectory },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(server, 'exit')
  const stop = async (keepData: boolean): Promise<void> => {
    server.kill('SIGTERM')
    await ended
    if (!keepData) await rm(dataDirectory, { recursive: true, force: true })
  }
  for await (const line of createInterface({ input: server.stdout })) {
    const url = /\bon (http:\/\/\S+)/.exec(line)?.[1]
    if (url !== undefined) return { url, dataDirectory, stop }
  }
  await stop(false)
  throw new Error('the server ended before it served')
}
