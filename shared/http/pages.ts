// The pages for people: GET / and GET /docs, which renders /openapi.json with Swagger UI from this server
// alone. The Content-Security-Policy lets nothing be loaded from elsewhere. A v2 client asks GET / for JSON
// and gets {}.

import type { App, DocsAsset, HttpDeps } from './context.ts'

const homePolicy =
  "default-src 'none'; style-src 'unsafe-inline'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Swagger UI draws with inline styles and images in data: URLs, and fetches what one tries out.
const docsPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

export function registerPages(app: App, deps: Pick<HttpDeps, 'version' | 'docsAssets'>): void {
  const home = renderHome(deps.version, deps.docsAssets.size > 0)
  app.get('/', (c) => {
    const headers = { vary: 'accept' }
    if (c.req.header('accept')?.includes('text/html')) {
      return c.html(home, 200, { ...headers, 'content-security-policy': homePolicy })
    }
    return c.json({}, 200, headers)
  })
  if (deps.docsAssets.size > 0) registerDocs(app, deps.docsAssets)
}

function registerDocs(app: App, assets: ReadonlyMap<string, DocsAsset>): void {
  app.get('/docs', (c) => c.html(docsPage, 200, { 'content-security-policy': docsPolicy }))
  app.get('/docs/start.js', (c) =>
    c.body(startScript, 200, { 'content-type': 'text/javascript; charset=utf-8' }),
  )
  for (const [name, { type, bytes }] of assets) {
    app.get(`/docs/${name}`, (c) =>
      c.body(bytes, 200, { 'content-type': type, 'cache-control': 'public, max-age=3600' }),
    )
  }
}

const docsPage = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Millrace API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css">
    <link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`

// No validator: it would send the description to a server of Swagger's.
const startScript = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  docExpansion: 'list',
  validatorUrl: null,
})
`

function renderHome(version: string, hasDocs: boolean): string {
  const docs = hasDocs ? '<li><a href="/docs">API documentation</a></li>\n      ' : ''
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Millrace</title>
    <style>
      body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }
      code { background: #8882; padding: 0.1em 0.3em; }
    </style>
  </head>
  <body>
    <h1>Millrace ${version}</h1>
    <p>Apache Kafka's log as a service over HTTP. This server answers.</p>
    <ul>
      ${docs}<li><a href="/openapi.json">OpenAPI description</a></li>
      <li><a href="/v3/clusters">Clusters</a> (<code>/v3</code> and <code>/kafka/v3</code>)</li>
      <li><a href="/topics">Topics</a> (REST Proxy v2)</li>
      <li><a href="/health">Health</a></li>
    </ul>
  </body>
</html>
`
}
