// Input that is made to confuse, on a real socket where it matters: refused with an answer that says why, without
// repeating a secret, and without an effect on what comes after it.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { createApp } from '../../../shared/http/app.ts'
import type { Clock } from '../../../shared/ports/world.ts'
import { systemClock } from '../../../shared/runtime/clock.ts'
import { startServer } from '../../../shared/runtime/server.ts'
import { createEdge } from '../../support/edgeDeps.ts'
import { createTestTenants } from '../../support/testTenants.ts'

/** Real time, as sockets take it, that keeps no test waiting that is over. */
const clock: Clock = {
  now: systemClock.now,
  sleep: (ms, signal) =>
    setTimeout(ms, undefined, { ref: false, ...(signal && { signal }) }).catch(() => undefined),
}

async function startSecure(t: TestContext) {
  const tenants = await createTestTenants({ clock })
  const server = await startServer(tenants.app, '127.0.0.1', 0)
  t.after(() => server.stop(0))
  const port = Number(new URL(server.url).port)
  const { id, secret } = tenants.operatorKey
  const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
  return { ...tenants, port, authorization, secret }
}

/** Everything that comes back, until the other side closes. */
function send(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.setEncoding('latin1').on('data', (chunk) => {
      answer += chunk
    })
    socket.on('error', reject).on('close', () => resolve(answer))
    socket.write(text, 'latin1')
  })
}

const request = (...lines: readonly string[]): string =>
  `${['GET /v3/clusters HTTP/1.1', 'Host: localhost', 'Connection: close', ...lines].join('\r\n')}\r\n\r\n`

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])
const bodyOf = (answer: string) => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))

test('headers that two readers could read differently are refused', async (t) => {
  const { port, authorization, secret, failures, told, tenants } = await startSecure(t)
  const line = `Authorization: ${authorization}`
  assert.equal(statusOf(await send(port, request(line))), 200)
  const smuggled: Record<string, readonly [number, string]> = {
    'two credentials': [401, request(line, 'Authorization: Basic eDp5')],
    'two credentials, the good one last': [401, request('Authorization: Basic eDp5', line)],
    'the same twice': [401, request(line, line)],
    'a folded line': [400, request('Authorization: Basic', ` ${authorization.slice(6)}`)],
    'a space before the colon': [400, request(`Authorization : ${authorization}`)],
    'a line feed alone': [400, request(`X: a\nAuthorization: ${authorization}`)],
    'a null byte': [400, request(`Authorization: ${authorization}\0`)],
    'two lengths': [400, request(line, 'Content-Length: 1', 'Content-Length: 2')],
    'a length and chunks': [400, request(line, 'Content-Length: 4', 'Transfer-Encoding: chunked')],
    'another protocol': [400, `\x16\x03\x01${authorization}\r\n\r\n`],
  }
  for (const [how, [status, text]] of Object.entries(smuggled)) {
    const answer = await send(port, text)
    assert.equal(statusOf(answer), status, `${how}: ${answer}`)
    assert.equal(Math.floor(bodyOf(answer).error_code / (status === 401 ? 100 : 1)), status, how)
    assert.ok(!answer.includes(authorization.slice(8)), how)
  }
  await tenants.idle()
  const log = JSON.stringify([failures, told])
  assert.ok(!log.includes(secret) && !log.includes(authorization.slice(8)))
})

test('more than 16 KiB of headers are answered with 431, and a long credential with 401', async (t) => {
  const { port, secret } = await startSecure(t)
  const long = await send(port, request(`Authorization: Bearer ${secret}${'x'.repeat(17 * 1024)}`))
  assert.equal(statusOf(long), 431)
  assert.deepEqual(Object.keys(bodyOf(long)), ['error_code', 'message'])
  assert.equal(bodyOf(long).error_code, 431)
  assert.ok(!long.includes(secret))
  const many = await send(
    port,
    request(...Array.from({ length: 2000 }, (_, i) => `X-${i}: ${'y'.repeat(10)}`)),
  )
  assert.equal(statusOf(many), 431)
  const token = await send(port, request(`Authorization: Bearer ${'x'.repeat(9000)}`))
  assert.equal(statusOf(token), 401)
})

test('what Node and the server library refuse is answered like everything else', async (t) => {
  const { port, failures } = await startSecure(t)
  const get = (target: string, ...lines: readonly string[]) =>
    `${[`GET ${target} HTTP/1.1`, 'Connection: close', ...lines].join('\r\n')}\r\n\r\n`
  const refused: Record<string, readonly [number, string]> = {
    'no Host': [400, get('/health')],
    'two Hosts': [400, get('/health', 'Host: localhost', 'Host: example.com')],
    'a Host that is none': [400, get('/health', 'Host: a b')],
    'a Host with a user': [400, get('/health', 'Host: localhost@example.com')],
    'a Host with a path': [400, get('/health', 'Host: localhost/health')],
    'a backslash': [400, get('/v3\\..\\health', 'Host: localhost')],
    'another scheme': [400, get('ftp://localhost/health', 'Host: localhost')],
    'an absolute URL that is none': [400, get('http://a b/health', 'Host: localhost')],
    'all of the server': [400, get('*', 'Host: localhost').replace('GET', 'OPTIONS')],
    'a tunnel': [405, get('example.com:443', 'Host: example.com').replace('GET', 'CONNECT')],
    'an expectation': [417, get('/health', 'Host: localhost', 'Expect: something-else')],
  }
  for (const [how, [status, text]] of Object.entries(refused)) {
    const answer = await send(port, text)
    assert.equal(statusOf(answer), status, `${how}: ${answer}`)
    assert.match(answer, /^content-type: application\/json\r$/im, how)
    const { error_code, message, ...more } = bodyOf(answer)
    assert.deepEqual([error_code, more], [status, {}], how)
    assert.match(message, new RegExp(`^HTTP ${status} `), how)
  }
  // HTTP/1.0 knows no Host.
  assert.equal(statusOf(await send(port, 'GET /health HTTP/1.0\r\n\r\n')), 200)
  const waited = get('/health', 'Host: localhost', 'Expect: 100-continue')
  assert.match(await send(port, waited), /^HTTP\/1.1 100 .*HTTP\/1.1 200 /s)
  assert.deepEqual(failures, [])
})

test('a server for this machine alone takes no other name, however it is said', async (t) => {
  const server = await startServer(createApp(createEdge({ loopbackOnly: true }).deps), '127.0.0.1', 0)
  t.after(() => server.stop(0))
  const port = Number(new URL(server.url).port)
  const statusFor = async (...lines: readonly string[]) =>
    statusOf(
      await send(port, `${['GET /health HTTP/1.1', 'Connection: close', ...lines].join('\r\n')}\r\n\r\n`),
    )
  assert.equal(await statusFor('Host: localhost'), 200)
  assert.equal(await statusFor('Host: rebound.example'), 403)
  assert.equal(await statusFor('Host:'), 403)
  assert.equal(await statusFor(), 400)
  assert.equal(await statusFor('Host: localhost', 'Host: rebound.example'), 400)
  assert.equal(await statusFor('Host: rebound.example', 'Host: localhost'), 400)
})

test('an unreadable request after a good one ends the connection and nothing more', async (t) => {
  const { port, authorization } = await startSecure(t)
  const good = `GET /v3/clusters HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\n\r\n`
  const answer = await send(port, `${good}\0\r\n\r\n`)
  assert.ok((answer.match(/^HTTP\/1\.1 \d/gm) ?? []).length <= 1, answer)
})

test('a name is decoded once and reaches nothing outside its place', async (t) => {
  const { port, authorization, tenants, callAs, operatorKey } = await startSecure(t)
  const made = await callAs(operatorKey)('POST', '/cmk/v2/clusters', { spec: { display_name: 'other' } })
  const paths = [
    '/v3/clusters/local%2F..%2Fother/topics',
    `/v3/clusters/local%2f..%2f${made.body.id}/topics`,
    '/v3/clusters/..%2flocal/topics',
    '/v3/clusters/local%00/topics',
    '/v3/clusters/local/topics/..%2F..%2Fdeployment',
    '/v3/clusters/local/topics/%2e%2e',
    '/v3/clusters/local/topics/a%252Fb',
    '/v3/clusters/local/topics/a%00b',
    '/v3/clusters/local/topics/%c0%af',
    '/v3/clusters/local/topics/%zz',
    '/v3/clusters/local/topics/%ff',
    '/v3/clusters/__proto__/topics',
    '/v3/clusters/local/topics/__proto__',
    '/v3/clusters/local/topics/constructor/configs/__proto__',
    '/v3/clusters/deployment/topics',
    '/iam/v2/api-keys/..%2f..%2fclusters',
    '/docs/..%2f..%2fpackage.json',
    '//v3/clusters',
  ]
  for (const path of paths) {
    const text = request(`Authorization: ${authorization}`).replace('/v3/clusters', path)
    const answer = await send(port, text)
    assert.ok([400, 404, 405].includes(statusOf(answer)), `${path}: ${answer}`)
    assert.doesNotMatch(answer, /at .*\.ts:|node_modules/, path)
  }
  await tenants.idle()
})

test('prototype keys in JSON are refused, and are names like any other', async (t) => {
  const { port, authorization, operator } = await startSecure(t)
  const bodies = [
    '{"__proto__":{"validate_only":true,"polluted":1},"topic_name":"a"}',
    '{"topic_name":"b","constructor":{"prototype":{"polluted":1}}}',
    '{"topic_name":"c","configs":[{"name":"__proto__","value":"x"}]}',
    '{"topic_name":"__proto__"}',
  ]
  const statuses = []
  for (const body of bodies) {
    const head = ['POST /v3/clusters/local/topics HTTP/1.1', 'Host: localhost', 'Connection: close']
    const headers = [
      `Authorization: ${authorization}`,
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
    ]
    statuses.push(statusOf(await send(port, `${[...head, ...headers].join('\r\n')}\r\n\r\n${body}`)))
  }
  assert.deepEqual(statuses, [400, 400, 400, 201])
  assert.equal(Reflect.get({}, 'polluted'), undefined)
  const listed = await operator('GET', '/topics')
  const names = listed.body.data.map(({ topic_name }: { topic_name: string }) => topic_name)
  assert.deepEqual(names, ['__proto__'])
})
