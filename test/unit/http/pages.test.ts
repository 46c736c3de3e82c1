import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createApp } from '../../../shared/http/app.ts'
import { loadDocsAssets } from '../../../shared/runtime/docsAssets.ts'
import { createEdge } from '../../support/edgeDeps.ts'

const withDocs = async () => createApp(createEdge({ docsAssets: await loadDocsAssets() }).deps)

test('the root is a page for browsers and an empty object for v2 clients', async () => {
  const app = await withDocs()
  const page = await app.request('/', { headers: { accept: 'text/html,application/xhtml+xml' } })
  assert.match(page.headers.get('content-type') ?? '', /^text\/html/)
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/)
  assert.match(await page.text(), /href="\/docs"/)
  for (const accept of ['application/vnd.kafka.v2+json', 'application/json', '*/*']) {
    const response = await app.request('/', { headers: { accept } })
    assert.deepEqual(await response.json(), {})
    assert.equal(response.headers.get('vary'), 'accept')
  }
})

test('every address that the pages name on this server is answered', async () => {
  const app = await withDocs()
  const html = { accept: 'text/html' }
  for (const path of ['/', '/docs']) {
    const page = await (await app.request(path, { headers: html })).text()
    const links = [...page.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, link]) => link ?? '')
    assert.ok(links.length > 3)
    for (const link of links.filter((target) => target !== '/topics')) {
      assert.equal((await app.request(link)).status, 200, link)
    }
  }
})

test('the documentation loads nothing from elsewhere, and its policy forbids it', async () => {
  const app = await withDocs()
  const page = await app.request('/docs')
  const policy = page.headers.get('content-security-policy') ?? ''
  assert.match(policy, /default-src 'none'/)
  assert.match(policy, /script-src 'self'(;|$)/)
  assert.doesNotMatch(policy, /https?:|\*|unsafe-eval/)
  assert.doesNotMatch(await page.text(), /https?:\/\/|<script>|<style/)
  const script = await (await app.request('/docs/start.js')).text()
  assert.match(script, /validatorUrl: null/)
  assert.match(script, /url: '\/openapi\.json'/)
})

test('only the listed files of the package can be asked for, each with its type', async () => {
  const app = await withDocs()
  const types = {
    'swagger-ui.css': 'text/css; charset=utf-8',
    'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
    'favicon-32x32.png': 'image/png',
    'start.js': 'text/javascript; charset=utf-8',
  }
  for (const [name, type] of Object.entries(types)) {
    assert.equal((await app.request(`/docs/${name}`)).headers.get('content-type'), type)
  }
  for (const name of [
    'package.json',
    'index.html',
    '..%2Fpackage.json',
    '%2e%2e/package.json',
    'constructor',
  ]) {
    assert.equal((await app.request(`/docs/${name}`)).status, 404, name)
  }
})

test('without the files there is no documentation page and nothing links to it', async () => {
  const app = createApp(createEdge().deps)
  assert.equal((await app.request('/docs')).status, 404)
  assert.doesNotMatch(await (await app.request('/', { headers: { accept: 'text/html' } })).text(), /\/docs/)
})
