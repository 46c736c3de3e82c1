import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createApp } from '../../../shared/http/app.ts'
import { isLoopbackHost } from '../../../shared/http/hostGuard.ts'
import { createEdge } from '../../support/edgeDeps.ts'

const guarded = () => createApp(createEdge({ loopbackOnly: true }).deps)

test('localhost, 127.0.0.0/8 and [::1] are this machine, with any port and in any case', () => {
  for (const host of [
    'localhost',
    'LOCALHOST:8082',
    '127.0.0.1',
    '127.0.0.1:8082',
    '127.255.3.9:1',
    '[::1]',
    '[::1]:8082',
  ]) {
    assert.equal(isLoopbackHost(host), true, host)
  }
})

test('every other name is not, however much it looks like one', () => {
  for (const host of [
    '',
    'example.com',
    'localhost.example.com',
    'example.com:8082',
    '127.0.0.1.example.com',
    '127.0.0.256',
    '127.1',
    '128.0.0.1',
    '0.0.0.0',
    '192.168.0.1',
    '::1',
    '[::2]',
    'localhost:',
    'localhost:99999999',
    'localhost@example.com',
    'localhost\t',
  ]) {
    assert.equal(isLoopbackHost(host), false, host)
  }
})

test('a loopback server refuses a request whose Host is another name, on every path', async () => {
  for (const path of ['/', '/health', '/v3/clusters', '/topics', '/nowhere', '/openapi.json']) {
    const response = await guarded().request(path, { headers: { host: 'rebound.example' } })
    assert.equal(response.status, 403, path)
    assert.match(await response.text(), /"error_code":403/)
    assert.notEqual(response.headers.get('x-request-id'), null)
  }
})

test('a server that is not for loopback alone answers under any name', async () => {
  const app = createApp(createEdge().deps)
  assert.equal((await app.request('/health', { headers: { host: 'api.example' } })).status, 200)
})

test('a page of another origin changes nothing; a page of this origin and a read pass', async () => {
  const change = async (origin: string) => {
    const headers = { host: 'localhost', origin }
    return (await guarded().request('/v3/clusters/c/topics/t', { method: 'DELETE', headers })).status
  }
  for (const origin of ['http://example.com', 'null', 'https://localhost', 'http://localhost:3000', '']) {
    assert.equal(await change(origin), 403, origin)
  }
  assert.equal(await change('http://localhost'), 404)
  const read = await guarded().request('/v3/clusters', { headers: { origin: 'http://example.com' } })
  assert.equal(read.status, 200)
})

test('no answer carries a CORS header, and a preflight is refused', async () => {
  const headers = { origin: 'http://example.com', 'access-control-request-method': 'POST' }
  for (const [method, path] of [
    ['GET', '/v3/clusters'],
    ['OPTIONS', '/v3/clusters'],
    ['GET', '/nowhere'],
    ['OPTIONS', '/nowhere'],
  ] as const) {
    const response = await guarded().request(path, { method, headers })
    for (const name of response.headers.keys()) assert.doesNotMatch(name, /^access-control/)
    if (method === 'OPTIONS') assert.ok(response.status >= 400)
  }
})
