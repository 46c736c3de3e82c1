// Routes whose bodies and answers are streams or bytes: described like the others, but nothing touches the
// body before the handler. Paths, queries and headers are parsed by the same schemas as everywhere.

import type { RouteConfig, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { KafkaError } from '../base/errors.ts'
import type { App, AppEnv } from './context.ts'
import { refuseInvalid } from './errors.ts'

export type RawContext = Context<AppEnv>

export function registerRaw(
  app: App,
  route: RouteConfig,
  handler: (c: RawContext) => Promise<Response>,
): void {
  app.openAPIRegistry.registerPath(route)
  app.on(route.method, routingPath(route.path), handler)
}

/** A verb behind the last parameter is part of that parameter's value: Hono would take it for part of its name. */
function routingPath(path: string): string {
  return path.replaceAll(/\/{(\w+)}(:\w+)?/g, (_, name, verb) => `/:${name}${verb ? `{[^/]+${verb}}` : ''}`)
}

export function parseParams<S extends z.ZodType>(c: RawContext, schema: S): z.output<S> {
  return parsed('param', schema, c.req.param())
}

export function parseQuery<S extends z.ZodType>(c: RawContext, schema: S): z.output<S> {
  return parsed('query', schema, c.req.query())
}

export function parsed<S extends z.ZodType>(
  target: 'param' | 'query' | 'json',
  schema: S,
  value: unknown,
): z.output<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  refuseInvalid({ success: false, target, error: result.error })
  throw new KafkaError('BAD_REQUEST', `the ${target} is invalid`)
}

/** The media type without its parameters, in lower case; undefined where the header is absent. */
export function mediaTypeOf(header: string | undefined): string | undefined {
  return header?.split(';', 1)[0]?.trim().toLowerCase()
}

/** Refuses a body that says it is something else than JSON; one that says nothing is taken for it. */
export function requireJson(c: RawContext): void {
  const type = mediaTypeOf(c.req.header('content-type'))
  if (type === undefined || type === 'application/json') return
  throw new KafkaError(
    'UNSUPPORTED_MEDIA_TYPE',
    'HTTP 415 Unsupported Media Type: application/json is read here',
  )
}

/** The first of `offered` that Accept names, the first of all where it takes anything; undefined: none. */
export function negotiate<T extends string>(
  accept: string | undefined,
  offered: readonly T[],
): T | undefined {
  if (accept === undefined) return offered[0]
  for (const range of accept.split(',')) {
    const type = mediaTypeOf(range)
    const found =
      type === '*/*' || type === 'application/*' ? offered[0] : offered.find((offer) => offer === type)
    if (found !== undefined) return found
  }
  return undefined
}

export const jsonHeaders = { 'content-type': 'application/json' } as const

export function jsonAnswer(
  text: string,
  headers: Readonly<Record<string, string>> = {},
  status = 200,
): Response {
  return new Response(text, { status, headers: { ...jsonHeaders, ...headers } })
}
