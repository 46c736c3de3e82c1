// The front door: picks the function by the very rule that is deployed, adds the secret and the name that was called.
// It also speaks for the operator, where a client does not say who it is.
// Where the function has died the connection is cut, so that nobody takes it for an answer.
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { isProduce } from '../../infra/router.ts'
import { authorization, originSecret } from './awsWorld.ts'

export interface FrontDoor {
  readonly url: string
  close(): Promise<void>
}

export interface Origins {
  readonly produce: string
  readonly fetch: string
}

/** `origins` is asked for each request: functions come and go. */
export async function startFrontDoor(origins: () => Origins): Promise<FrontDoor> {
  const pass = (incoming: IncomingMessage, response: ServerResponse) => {
    const { method = 'GET', url: path = '/', headers } = incoming
    const { produce, fetch } = origins()
    const target = new URL(path, isProduce(method, path.split('?', 1)[0] ?? '') ? produce : fetch)
    const added = {
      authorization: headers.authorization ?? authorization,
      'x-millrace-origin': originSecret,
      'x-forwarded-host': headers.host,
    }
    const outgoing = request(target, { method, headers: { ...headers, ...added } }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers)
      answer.pipe(response)
      answer.on('error', () => response.destroy())
    })
    outgoing.on('error', () => response.destroy())
    response.on('close', () => outgoing.destroy())
    incoming.pipe(outgoing)
  }
  const server = createServer(pass)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
