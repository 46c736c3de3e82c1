// Every route after this one knows its caller: what it can reach is decided before its body is looked at. An answer to
// whoever used up a quota says how long to wait. No tenant has more than its share of requests under way.

import type { MiddlewareHandler } from 'hono'
import { clientHostOf } from './clientHost.ts'
import type { AppEnv, HttpDeps } from './context.ts'
import { createUnderWay } from './underWay.ts'

/** In one process; an environment of a Web Function serves 64 requests of all tenants. */
const requestsPerTenantMax = 1000

export function createAuthentication(
  deps: Pick<HttpDeps, 'authenticate' | 'clientAddress'>,
): MiddlewareHandler<AppEnv> {
  const begin = createUnderWay(requestsPerTenantMax)
  return async (c, next) => {
    const access = await deps.authenticate(c.req.raw, clientHostOf(c, deps), c.get('requestId'))
    c.set('access', access)
    const end = begin(access.tenant)
    let endsLater = false
    c.set('endLater', () => {
      endsLater = true
      return end
    })
    try {
      await next()
    } finally {
      if (!endsLater) end()
    }
    const throttledMs = access.throttledMs()
    if (throttledMs > 0) c.res.headers.set('millrace-throttle-time-ms', String(Math.ceil(throttledMs)))
  }
}
