// GET /openapi.json: the description that the route definitions themselves make, generated at the first
// request for it. v3 is shown under /v3 alone; /kafka/v3 is the same.

import type { App, HttpDeps } from './context.ts'

export function registerOpenApi(app: App, deps: Pick<HttpDeps, 'version'>): void {
  let description: string | undefined
  app.get('/openapi.json', (c) => {
    description ??= JSON.stringify(describeApi(app, deps.version))
    return c.body(description, 200, { 'content-type': 'application/json' })
  })
}

function describeApi(app: App, version: string) {
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Millrace',
      version,
      description:
        "Apache Kafka's log over HTTP. Everything under /v3 is served under /kafka/v3 too. " +
        'Errors are {"error_code", "message"}: error_code is the status, or five digits that begin with it.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/', description: 'This server' }],
  })
}
