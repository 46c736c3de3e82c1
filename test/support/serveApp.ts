// The app on a real socket, for what app.request() cannot show: bodies and answers that are under way at
// once, clients that are slow or go away.
import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { createAdaptorServer } from '@hono/node-server'
import type { Hono } from 'hono'
import type { AppEnv } from '../../shared/http/context.ts'

export interface Served {
  readonly port: number
  open(options: RequestOptions): ClientRequest
}

/** Closed, with all its connections, when the test ends. */
export async function serveApp(t: TestContext, app: Hono<AppEnv>): Promise<Served> {
  const server = createAdaptorServer({ fetch: app.fetch })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    if ('closeAllConnections' in server) server.closeAllConnections()
    return new Promise((closed) => server.close(closed))
  })
  const { port } = server.address() as AddressInfo
  return { port, open: (options) => request({ host: '127.0.0.1', port, agent: false, ...options }) }
}

export async function answerOf(sent: ClientRequest): Promise<IncomingMessage> {
  const [answer] = await once(sent, 'response')
  return answer
}

export async function textOf(answer: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of answer.setEncoding('utf8')) text += chunk
  return text
}

/** Reads on until the text read so far satisfies `enough`; what came is taken off. */
export function createTextReader(answer: IncomingMessage) {
  const chunks = answer.setEncoding('utf8')[Symbol.asyncIterator]()
  let text = ''
  return async (enough: (text: string) => boolean): Promise<string> => {
    while (!enough(text)) {
      const { done, value } = await chunks.next()
      if (done) break
      text += value
    }
    const taken = text
    text = ''
    return taken
  }
}
