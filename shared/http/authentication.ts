// Every route after this one knows its caller: what it can reach is decided before its body is looked at. An answer to
// whoever used up a quota says how long to wait.

import type { MiddlewareHandler } from 'hono'
import { clientHostOf } from './clientHost.ts'
import type { AppEnv, HttpDeps } from './context.ts'

export function createAuthentication({
  authenticate,
}: Pick<HttpDeps, 'authenticate'>): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    c.set('access', await authenticate(c.req.raw, clientHostOf(c), c.var.requestId))
    await next()
    const throttledMs = c.var.access.throttledMs()
    if (throttledMs > 0) c.res.headers.set('millrace-throttle-time-ms', String(Math.ceil(throttledMs)))
  }
}
