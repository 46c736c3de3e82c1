// What keeps web pages away from a server on this machine, which has no passwords: a page that resolved its
// own name to 127.0.0.1 still names itself in Host, and a page of another origin still names itself in
// Origin. Both are refused, and no CORS header is ever sent, so that no page reads an answer. Programs send
// no Origin and name a loopback host.

import type { MiddlewareHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { AppEnv } from './context.ts'

export function createHostGuard(): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const url = new URL(c.req.url)
    if (!isLoopbackHost(c.req.header('host') ?? url.host)) {
      const message = 'Host is not a name of this machine: use localhost, 127.0.0.1 or [::1].'
      throw new HTTPException(403, { message })
    }
    const origin = c.req.header('origin')
    if (changesState(c.req.method) && origin !== undefined && origin !== url.origin) {
      throw new HTTPException(403, {
        message: 'Origin is another one: web pages elsewhere may change nothing here.',
      })
    }
    await next()
  }
}

/** A Host header's value: localhost, 127.0.0.0/8 or [::1], with or without a port. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/:\d{1,5}$/, '')
  return name === 'localhost' || name === '[::1]' || isLoopbackAddress(name)
}

function isLoopbackAddress(name: string): boolean {
  const parts = /^127\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(name)
  return parts?.slice(1).every((part) => Number(part) <= 255) ?? false
}

function changesState(method: string): boolean {
  return method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS'
}
