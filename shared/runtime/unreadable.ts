// What a client gets whose request no app sees: that does not speak HTTP, says more in its headers than is read, means
// no host or two, or names what is no URL. An answer in the shape of all others, and the end of the connection. Nothing
// of what it sent is repeated.

import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { getRequestListener, RequestError } from '@hono/node-server'
import { logFailure } from './logger.ts'

interface Refusal {
  readonly status: string
  readonly message: string
}

const refusal = (status: string, why: string): Refusal => ({ status, message: `HTTP ${status}: ${why}` })

const refusals: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: refusal('431 Request Header Fields Too Large', 'at most 16 KiB of headers are read'),
  ERR_HTTP_REQUEST_TIMEOUT: refusal('408 Request Timeout', 'the headers did not come in time'),
}
const malformed = refusal('400 Bad Request', 'this is not well-formed HTTP/1.1')
const notOneHost = refusal('400 Bad Request', 'a request has one Host header')
const noUrl = refusal('400 Bad Request', 'Host and path are no URL')
const noProxy = refusal('405 Method Not Allowed', 'this is no proxy')
const unexpected = refusal('417 Expectation Failed', 'nothing but 100-continue can be expected here')
const failed = refusal('500 Internal Server Error', 'internal error')

/** Host is checked here, because Node would refuse without a word: to its server this is said by `serverOptions`. */
export const serverOptions = { requireHostHeader: false } as const

/** `hostname`: what HTTP/1.0 means, which knows no Host. */
export function createListener(
  fetch: Parameters<typeof getRequestListener>[0],
  hostname: string,
): RequestListener {
  const errorHandler = (error: unknown): Response => {
    if (error instanceof RequestError) return respond(noUrl)
    logFailure('a request failed', error)
    return respond(failed)
  }
  const serve = getRequestListener(fetch, { hostname, errorHandler })
  return (request, response) =>
    meansOneHost(request) ? serve(request, response) : refuse(response, notOneHost)
}

/** Two could be read as one or as the other, by a guard and by what comes after it. */
function meansOneHost({ rawHeaders, httpVersion }: IncomingMessage): boolean {
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() === 'host') hosts++
  }
  return hosts === 1 || (hosts === 0 && httpVersion === '1.0')
}

export function answerUnreadable(server: Server): void {
  server.on('checkExpectation', (_request, response) => refuse(response, unexpected))
  server.on('connect', (_request, socket) => {
    socket.on('error', () => socket.destroy())
    refuseOn(socket, noProxy)
  })
  server.on('clientError', (error: Error & { readonly code?: string }, socket) => {
    refuseOn(socket, refusals[error.code ?? ''] ?? malformed)
  })
}

/** Where there is no response to write to. */
function refuseOn(socket: Duplex, refused: Refusal): void {
  // In the middle of an answer it would be taken for a part of it.
  if (socket instanceof Socket && socket.bytesWritten === 0 && socket.writable) {
    const body = bodyOf(refused)
    const headers = `content-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close`
    socket.end(`HTTP/1.1 ${refused.status}\r\n${headers}\r\n\r\n${body}`)
  }
  if (socket instanceof Socket) socket.destroySoon()
  else socket.destroy()
}

const statusOf = ({ status }: Refusal): number => Number.parseInt(status, 10)

const bodyOf = (refused: Refusal): string =>
  JSON.stringify({ error_code: statusOf(refused), message: refused.message })

const headers = { 'content-type': 'application/json', connection: 'close' }

const respond = (refused: Refusal): Response =>
  new Response(bodyOf(refused), { status: statusOf(refused), headers })

function refuse(response: ServerResponse, refused: Refusal): void {
  const body = bodyOf(refused)
  response.writeHead(statusOf(refused), { ...headers, 'content-length': body.length }).end(body)
}
