// Connections to the app that are nothing but two streams: no kernel takes what their client does not read.
import { once } from 'node:events'
import { type Duplex, duplexPair } from 'node:stream'
import type { TestContext } from 'node:test'
import { createAdaptorServer } from '@hono/node-server'
import type { App } from '../../shared/http/context.ts'

export interface Connection {
  readonly client: Duplex
  /** Resolves with the status when the answer begins, of which nothing more is read than its head. */
  readonly begun: Promise<number>
  readonly isAnswered: () => boolean
  /** The rest of the answer, until the server closes the connection. */
  rest(): Promise<string>
}

type Ask = (path: string, headers?: Readonly<Record<string, string>>, method?: string) => Connection

/** All are closed when the test ends. */
export function connectTo(t: TestContext, app: Pick<App, 'fetch'>): Ask {
  const server = createAdaptorServer({ fetch: app.fetch })
  const clients: Duplex[] = []
  t.after(() => {
    for (const client of clients) client.destroy()
    server.close()
  })
  return (path, headers = {}, method = 'GET') => {
    const [client, side] = duplexPair()
    clients.push(client)
    client.on('error', () => {})
    // One end knows nothing of the other but what it writes.
    client.once('close', () => side.destroy())
    side.once('close', () => client.destroy())
    server.emit('connection', side)
    const all = { host: 'localhost', connection: 'close', ...headers }
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
    client.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
    let answered = false
    const begun = once(client, 'readable').then(() => {
      const head: unknown = client.read(headBytes)
      answered = head instanceof Buffer
      return Number(String(head).slice('HTTP/1.1 '.length).slice(0, 3))
    })
    return { client, begun, isAnswered: () => answered, rest: () => restOf(client) }
  }
}

const headBytes = 12

async function restOf(client: Duplex): Promise<string> {
  let text = ''
  for await (const chunk of client) text += chunk
  return text
}
