// One request to the app, and its answer with the body read: how the route tests speak.

export interface Requestable {
  request(
    path: string,
    init: { method: string; headers: Record<string, string>; body?: string },
  ): Response | Promise<Response>
}

export type Call = ReturnType<typeof createCall>

/** A string goes as it is, anything else as JSON; `prefix` stands before every path, `always` in every request. */
export function createCall(app: Requestable, prefix = '', always: Readonly<Record<string, string>> = {}) {
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
      headers: { ...type, ...always, ...headers },
      ...(sent === undefined ? {} : { body: sent }),
    })
    const text = await response.text()
    const isText = response.headers.get('content-type')?.startsWith('text/')
    return {
      status: response.status,
      headers: response.headers,
      /** undefined where there is none. */
      body: isText ? text : text === '' ? undefined : JSON.parse(text),
    }
  }
}
