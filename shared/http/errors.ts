// The one way from a failure to an answer: {error_code, message} with the status and code of the error table.
// A failure of ours is reported to the operator and answered with the request id alone; no answer holds a
// stack trace. The v2 dialect shares the body, but says 40401 for an unknown topic: its 40403 is an unknown
// consumer.

import { type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context, ErrorHandler, NotFoundHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { KafkaError, StorageError } from '../base/errors.ts'
import type { AppEnv, HttpDeps } from './context.ts'

type Dialect = 'v2' | 'v3'

export const v2Json = 'application/vnd.kafka.v2+json'

interface ErrorBody {
  readonly error_code: number
  readonly message: string
}

export const errorSchema = z
  .object({
    error_code: z
      .int()
      .openapi({ description: 'The status, or five digits that begin with it.', example: 40403 }),
    message: z.string().openapi({ example: 'This server does not host this topic-partition.' }),
  })
  .openapi('Error')

const statusDescriptions = {
  400: 'The request is malformed, or Kafka would refuse it.',
  401: 'Who calls is not known.',
  403: 'The request is not allowed.',
  404: 'There is no such cluster, topic, partition, config, group or consumer.',
  406: 'The answer has no form that the request accepts.',
  409: 'The sequence does not follow the last one, or the state of the group or consumer forbids it.',
  413: 'The body or a record of it is too large.',
  415: 'The body is of a media type that is not read here.',
  416: 'The offset is outside the log.',
  422: 'The body cannot be read as what it says it is.',
  503: 'The storage does not answer: try again.',
} as const

type ErrorStatus = keyof typeof statusDescriptions

/** A refusal as an operation's OpenAPI description lists it. */
export function refusal(status: ErrorStatus) {
  return { description: statusDescriptions[status], content: errorContent }
}

const errorContent = { 'application/json': { schema: errorSchema } }

/** What nearly every operation may answer. */
export const refusals = {
  400: refusal(400),
  404: refusal(404),
  503: refusal(503),
  default: { description: 'Any other failure.', content: errorContent },
} as const

/** What a report about one record says, and the body of a refused request. */
export function errorBody(error: KafkaError, dialect: Dialect = 'v3'): ErrorBody {
  return { error_code: errorCode(error, dialect), message: error.message }
}

function errorCode({ code, row, details }: KafkaError, dialect: Dialect): number {
  // Strimzi's bridge says the status alone.
  if (details.dialect === 'strimzi') return row.status
  return dialect === 'v2' && code === 'UNKNOWN_TOPIC_OR_PARTITION' ? 40401 : row.rest
}

/** A validation that failed, as OpenAPIHono's defaultHook: names the field, never quotes its value. */
export function refuseInvalid(result: ValidationResult): undefined {
  if (result.success) return undefined
  const [issue] = result.error.issues
  const where = places[result.target]
  const field = issue === undefined ? '' : renderPath(issue.path)
  const named = field === '' ? where : `${where} "${field}"`
  throw new KafkaError('BAD_REQUEST', shorten(`${named}: ${issue?.message ?? 'is invalid'}`))
}

type ValidationResult =
  | { readonly success: true; readonly target: keyof typeof places }
  | { readonly success: false; readonly target: keyof typeof places; readonly error: z.core.$ZodError }

const places = {
  json: 'Request body',
  form: 'Form body',
  query: 'Query parameter',
  param: 'Path parameter',
  header: 'Request header',
  cookie: 'Cookie',
} as const

function renderPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text === '' ? String(key) : `${text}.${String(key)}`
  }, '')
}

function shorten(text: string): string {
  return text.length > 400 ? `${text.slice(0, 400)}…` : text
}

/** app.onError. */
export function createErrorHandler(deps: Pick<HttpDeps, 'reportFailure'>): ErrorHandler<AppEnv> {
  return (error, c) => {
    const request = { method: c.req.method, path: c.req.path }
    if (error instanceof HTTPException) return answer(c, error.status, httpBody(error))
    const known = asKafkaError(error)
    if (known === undefined || known.code === 'INTERNAL') {
      deps.reportFailure(error, request)
      return answer(c, 500, internalBody(c.get('requestId')))
    }
    if (known !== error) deps.reportFailure(error, request)
    return answer(c, known.row.status, errorBody(known, dialectOf(c.req.path)), headersOf(known))
  }
}

// A storage that failed is no mistake of ours, and whether the write may have happened must not get lost.
export function asKafkaError(error: unknown): KafkaError | undefined {
  if (error instanceof KafkaError) return error
  if (!(error instanceof StorageError)) return undefined
  if (error.effect === 'unknown') {
    return new KafkaError('REQUEST_TIMED_OUT', 'The storage did not answer: the change may have been made.')
  }
  return new KafkaError('KAFKA_STORAGE_ERROR', 'The storage failed and nothing was changed: try again.')
}

function internalBody(requestId: string): ErrorBody {
  return { error_code: 500, message: `Internal error, request id ${requestId}` }
}

// What Hono and its validators refuse: malformed JSON, an undeclared media type.
function httpBody(error: HTTPException): ErrorBody {
  return { error_code: error.status, message: error.message === '' ? `HTTP ${error.status}` : error.message }
}

function headersOf(error: KafkaError): Record<string, string> {
  if (error.row.status === 401) return { 'www-authenticate': challenge }
  const { retryAfterMs } = error.details
  if (typeof retryAfterMs === 'number') {
    const retryAfter = { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) }
    if (error.code !== 'THROTTLING_QUOTA_EXCEEDED') return retryAfter
    return { ...retryAfter, 'millrace-throttle-time-ms': String(Math.ceil(retryAfterMs)) }
  }
  return error.row.status === 429 || error.row.status === 503 ? { 'retry-after': '1' } : {}
}

/** RFC 7617 and RFC 6750. */
const challenge = 'Basic realm="Millrace", charset="UTF-8", Bearer'

const methods = ['DELETE', 'GET', 'PATCH', 'POST', 'PUT'] as const

/** app.notFound: a path that another method would find is 405 and says which. */
export function createNotFoundHandler(app: OpenAPIHono<AppEnv>): NotFoundHandler<AppEnv> {
  return (c) => {
    const allowed = methods.filter((method) => isRouted(app, method, c.req.path))
    if (allowed.length === 0) return answer(c, 404, { error_code: 404, message: 'HTTP 404 Not Found' })
    const allow = (allowed.includes('GET') ? [...allowed, 'HEAD'] : allowed).join(', ')
    const message = `HTTP 405 Method Not Allowed: this path takes ${allow}`
    return answer(c, 405, { error_code: 405, message }, { allow })
  }
}

// Middleware is registered for all methods and answers nothing by itself.
function isRouted(app: OpenAPIHono<AppEnv>, method: string, path: string): boolean {
  const [handlers] = app.router.match(method, path)
  return handlers.some(([[, route]]) => route.method === method)
}

function dialectOf(path: string): Dialect {
  return /^\/(topics|brokers|admin|consumers)(\/|$)/.test(path) ? 'v2' : 'v3'
}

function answer(
  c: Context<AppEnv>,
  status: number,
  body: ErrorBody,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const type = dialectOf(c.req.path) === 'v2' ? v2Json : 'application/json'
  return Response.json(body, { status, headers: { 'content-type': type, ...headers } })
}
