// One request to the app, and its answer with the body read: how the route tests speak.
import type { App } from '../../shared/http/context.ts'

/** A string goes as it is, anything else as JSON; `prefix` stands before every path. */
export function createCall(app: App, prefix = '') {
  return async (
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ) => {
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const sent = typeof body === 'string' ? body : JSON.stringify(body)
    const response = await app.request(`${prefix}${path}`, {
      method,
      headers: { ...type, ...headers },
      ...(body === undefined ? {} : { body: sent }),
    })
    const text = await response.text()
    const isText = response.headers.get('content-type')?.startsWith('text/')
    return {
      status: response.status,
      headers: response.headers,
      /** undefined where there is none. */
      body: text === '' ? undefined : isText ? text : JSON.parse(text),
    }
  }
}
