// The small JSON bodies of the admin routes: read within the limits of body.ts, as UTF-8 that is really
// UTF-8, before the route's schema looks at them. Refuses bytes that are no UTF-8, and keys of prototypes; malformed
// JSON and wrong fields are the schema's.

import type { RouteConfig } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { KafkaError } from '../../base/errors.ts'
import type { AppEnv, HttpDeps } from '../context.ts'
import { readBody } from './body.ts'

// A schema notes every wrong field before it refuses: megabytes of them would cost gigabytes. The largest
// body in use, every config of a topic, is a few kilobytes.
export const jsonBodyBytesMax = 64 * 1024

/** The same route, whose validators find the body read. More than usual is for schemas whose lists are bounded. */
export function withJsonBody<R extends RouteConfig>(deps: HttpDeps, route: R, bytesMax = jsonBodyBytesMax) {
  const middleware: MiddlewareHandler<AppEnv> = async (c, next) => {
    const body = decode(await readBody(c, deps, bytesMax))
    refusePrototypeKeys(body)
    const { method, headers, url } = c.req.raw
    // An empty body stays none, so that a route without a media type sees none.
    c.req.raw = new Request(url, { method, headers, ...(body === '' ? {} : { body }) })
    await next()
  }
  return { ...route, middleware }
}

/** No field is called so, and whoever sends one wants to change more than this request. */
const prototypeKeys = ['__proto__', 'constructor', 'prototype']

function refusePrototypeKeys(text: string): void {
  // Nearly every body: what is escaped may be anything.
  if (!/proto|constructor|\\u/.test(text)) return
  try {
    JSON.parse(text, (key, value: unknown) => {
      if (prototypeKeys.includes(key)) {
        throw new KafkaError('BAD_REQUEST', `Request body: ${key} is no name of a field.`)
      }
      return value
    })
  } catch (error) {
    if (error instanceof KafkaError) throw error
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new KafkaError('BAD_REQUEST', 'The request body is not UTF-8.')
  }
}
