// Every request has an id, its caller's own or a new one, and every answer repeats it: a log line, an error
// message and a client's report find each other by it. An id from outside is taken only if it is safe in a
// log line.

import type { MiddlewareHandler } from 'hono'
import type { AppEnv, HttpDeps } from './context.ts'

const header = 'x-request-id'

export function createRequestId({ random }: Pick<HttpDeps, 'random'>): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const given = c.req.header(header)
    const requestId =
      given !== undefined && isSafe(given) ? given : Buffer.from(random.bytes(12)).toString('base64url')
    c.set('requestId', requestId)
    await next()
    // Not c.header(): that builds the finished answer anew and copies its body.
    const { headers } = c.res
    headers.set(header, requestId)
    // No answer is ever to be taken for a web page that it does not say it is.
    headers.set('x-content-type-options', 'nosniff')
  }
}

function isSafe(id: string): boolean {
  return /^[\w.:=-]{1,128}$/.test(id)
}
