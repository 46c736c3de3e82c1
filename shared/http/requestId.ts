// Every request has an id, its caller's own or a new one, and every answer repeats it: a log line, an error message and
// a client's report find each other by it. A trace that the request is part of is known in logs, and its header
// repeated. What comes from outside is taken only if it is safe in a log line.

import type { MiddlewareHandler } from 'hono'
import type { AppEnv, HttpDeps } from './context.ts'

const header = 'x-request-id'

/** W3C's and AWS's. The first that is there and well-formed names the trace. */
const traces = [
  { name: 'traceparent', pattern: /^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}(?:-|$)/ },
  { name: 'x-amzn-trace-id', pattern: /(?:^|;)Root=(1-[\da-f]{8}-[\da-f]{24})(?:;|$)/ },
]
const traceLengthMax = 256

interface Trace {
  readonly name: string
  readonly value: string
  readonly traceId: string
}

type Deps = Pick<HttpDeps, 'random' | 'aroundRequest'>

export function createRequestId({ random, aroundRequest }: Deps): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const given = c.req.header(header)
    const requestId =
      given !== undefined && isSafe(given) ? given : Buffer.from(random.bytes(12)).toString('base64url')
    const trace = findTrace((name) => c.req.header(name))
    c.set('requestId', requestId)
    if (aroundRequest === undefined) await next()
    else {
      const facts = { requestId, traceId: trace?.traceId, method: c.req.method, path: c.req.path }
      await aroundRequest(facts, async () => {
        await next()
        return c.res.status
      })
    }
    // Not c.header(): that builds the finished answer anew and copies its body.
    const { headers } = c.res
    headers.set(header, requestId)
    if (trace !== undefined) headers.set(trace.name, trace.value)
    // No answer is ever to be taken for a web page that it does not say it is.
    headers.set('x-content-type-options', 'nosniff')
  }
}

function isSafe(id: string): boolean {
  return /^[\w.:=-]{1,128}$/.test(id)
}

function findTrace(headerOf: (name: string) => string | undefined): Trace | undefined {
  for (const { name, pattern } of traces) {
    const value = headerOf(name)
    if (value === undefined || value.length > traceLengthMax) continue
    const traceId = pattern.exec(value)?.[1]
    if (traceId !== undefined) return { name, value, traceId }
  }
  return undefined
}
