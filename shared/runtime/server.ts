// An app behind a port: starts it, and stops it without losing what was asked for before.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { answerUnreadable, createListener, serverOptions } from './unreadable.ts'

export interface RunningServer {
  readonly url: string
  /** Takes no new requests, answers those under way within `graceMs`, then cuts what is left. */
  stop(graceMs: number): Promise<void>
}

const sweepMs = 20

/**
 * How much garbage there may be for what is alive, in percent. Left to itself V8 lets a small heap grow by little, and
 * then goes through all of it again and again: whoever sends the most has everybody wait, 5 to 10 ms each time.
 */
const heapGrowthPercent = 300

interface Fetching {
  readonly fetch: (request: Request) => Response | Promise<Response>
}

/** `tls`: a certificate chain and its key, in PEM. */
export interface Tls {
  readonly cert: string
  readonly key: string
}

export async function startServer(
  app: Fetching,
  host: string,
  port: number,
  tls?: Tls,
): Promise<RunningServer> {
  setFlagsFromString(`--heap-growing-percent=${heapGrowthPercent}`)
  // It puts a Response of its own in place of the global one: an answer of bytes or text is then written as
  // it is.
  const listener = createListener(app.fetch, host)
  const server = tls
    ? createHttpsServer({ ...tls, ...serverOptions }, listener)
    : createServer(serverOptions, listener)
  // A produce stream may last for hours; slow bodies are the app's to refuse.
  server.requestTimeout = 0
  answerUnreadable(server)
  server.listen(port, host)
  await once(server, 'listening')
  const { port: bound } = server.address() as AddressInfo
  const name = host.includes(':') ? `[${host}]` : host
  return {
    url: `${tls ? 'https' : 'http'}://${name}:${bound}`,
    async stop(graceMs) {
      const closed = once(server, 'close')
      server.close()
      server.closeIdleConnections()
      // A connection whose last answer goes out now would be kept for a next request, and the server with it.
      const sweep = setInterval(() => server.closeIdleConnections(), sweepMs)
      const cut = setTimeout(() => server.closeAllConnections(), graceMs)
      await closed
      clearInterval(sweep)
      clearTimeout(cut)
    },
  }
}
