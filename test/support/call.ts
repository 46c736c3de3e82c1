// One request to the app, and its answer with the body read: how the route tests speak.
import type { App } from '../../shared/http/context.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** Parsed, undefined where there is none. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever field it expects
  readonly body: any
}

export type Call = (method: string, path: string, body?: unknown, headers?: HeadersInit) => Promise<Answer>

/** A string goes as it is, anything else as JSON; `prefix` stands before every path. */
export function createCall(app: App, prefix = ''): Call {
  return async (method, path, body, headers = {}) => {
    const sent = typeof body === 'string' ? body : JSON.stringify(body)
    const response = await app.request(`${prefix}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...toRecord(headers),
      },
      ...(body === undefined ? {} : { body: sent }),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
    }
  }
}

function toRecord(headers: HeadersInit): Record<string, string> {
  return Object.fromEntries(new Headers(headers))
}
