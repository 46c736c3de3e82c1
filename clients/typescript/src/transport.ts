// Requests to one cluster: address, credentials, time-outs, and every failure as a MillraceError. It asks once; who
// may ask again is the caller's to know.

import { base64Of, utf8Of } from './bytes.ts'
import { localError, noAnswer, refusalOf } from './errors.ts'
import type { World } from './world.ts'

/** An API key and its secret, or a token (a function: asked before every request, for tokens that end). */
export type Auth =
  | { readonly apiKey: string; readonly apiSecret: string }
  | { readonly token: string | (() => string | Promise<string>) }

export interface ConnectionOptions {
  /** Of the service, such as https://millrace.example.com. */
  readonly url: string
  readonly clusterId: string
  readonly auth?: Auth
  /** For an answer; default 30,000. */
  readonly requestTimeoutMs?: number
  /** fetch, time and chance; default: those of the platform. */
  readonly world?: World
}

export interface Call {
  readonly method: 'GET' | 'POST'
  /** Below the cluster. */
  readonly path: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
  /** That the service itself may wait before it answers. */
  readonly waitMs?: number
}

export interface Transport {
  text(call: Call): Promise<string>
  json<T>(call: Call): Promise<T>
}

const requestTimeoutMsDefault = 30_000

export function createTransport(options: ConnectionOptions, world: World): Transport {
  const { url, clusterId, auth, requestTimeoutMs = requestTimeoutMsDefault } = options
  if (!URL.canParse(url)) throw localError(`url: ${JSON.stringify(url)} is not an address`)
  const base = `${url.replace(/\/+$/, '')}/v3/clusters/${encodeURIComponent(clusterId)}`

  const text = async (call: Call): Promise<string> => {
    const timeoutMs = requestTimeoutMs + (call.waitMs ?? 0)
    return withinTime(world, timeoutMs, call.signal, async (signal) => {
      const headers = {
        ...(call.body !== undefined && { 'content-type': 'application/json' }),
        ...(await credentials(auth)),
        ...call.headers,
      }
      const body = call.body === undefined ? {} : { body: call.body }
      const answer = await world.fetch(base + call.path, { method: call.method, headers, signal, ...body })
      const said = await answer.text()
      if (!answer.ok) throw refusalOf(answer.status, answer.headers, said)
      return said
    })
  }

  return {
    text,
    async json(call) {
      const said = await text(call)
      try {
        return JSON.parse(said)
      } catch (error) {
        throw noAnswer(`${call.method} ${call.path} was answered with something else than JSON`, error)
      }
    },
  }
}

async function credentials(auth: Auth | undefined): Promise<Record<string, string>> {
  if (auth === undefined) return {}
  if ('apiKey' in auth) {
    return { authorization: `Basic ${base64Of(utf8Of(`${auth.apiKey}:${auth.apiSecret}`))}` }
  }
  const token = typeof auth.token === 'string' ? auth.token : await auth.token()
  return { authorization: `Bearer ${token}` }
}

/** The caller's own abort is thrown as it is; any other failure to get an answer is a MillraceError. */
async function withinTime<T>(
  world: World,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  const request = new AbortController()
  const done = new AbortController()
  const giveUp = () => request.abort(signal?.reason)
  signal?.addEventListener('abort', giveUp)
  void world.sleep(timeoutMs, done.signal).then(() => {
    if (!done.signal.aborted) request.abort(noAnswer(`there was no answer within ${timeoutMs} ms`))
  })
  try {
    return await work(request.signal)
  } catch (error) {
    signal?.throwIfAborted()
    if (request.signal.aborted) throw request.signal.reason
    throw error instanceof Error && error.name === 'MillraceError' ? error : noAnswer(reasonOf(error), error)
  } finally {
    done.abort()
    signal?.removeEventListener('abort', giveUp)
  }
}

// Node's fetch says only that it failed; why is in the cause.
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
