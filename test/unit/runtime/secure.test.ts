// The local server with security on: who gets in, what the first start prints, and TLS.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runMain, type ServerProcess, startServerProcess } from '../../support/serverProcess.ts'

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-secure-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function startSecure(t: TestContext, environment: Record<string, string>) {
  const server = await startServerProcess({ COMPACTION_INTERVAL_MS: '0', ...environment }, ['--secure'])
  t.after(() => server.kill())
  return server
}

async function printedKey(server: { said(): string }): Promise<string> {
  while (!/curl/.test(server.said())) await new Promise((resolve) => setImmediate(resolve))
  const [, id] = /^ {2}id +(\S+)$/m.exec(server.said()) ?? []
  const [, secret] = /^ {2}secret +(\S+)$/m.exec(server.said()) ?? []
  assert.ok(id && secret, server.said())
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
}

test('the first start prints a key, which opens; nothing opens without; the next start prints none', async (t) => {
  const folder = await temporaryFolder(t)
  const first = await startSecure(t, { DATA_DIR: folder })
  const authorization = await printedKey(first)
  const ask = (server: ServerProcess, path: string, headers: Record<string, string> = {}) =>
    fetch(server.url + path, { headers })
  for (const path of [
    '/v3/clusters',
    '/topics',
    '/v3/clusters/local/topics/t/partitions/0/records',
    '/metrics',
  ]) {
    const refused = await ask(first, path)
    assert.equal(refused.status, 401, path)
    assert.match(refused.headers.get('www-authenticate') ?? '', /^Basic realm="Millrace"/)
    assert.equal((await ask(first, path, { authorization: 'Basic eDp5' })).status, 401, path)
  }
  assert.equal((await ask(first, '/health')).status, 200)
  const listed = await ask(first, '/v3/clusters', { authorization })
  assert.equal(listed.status, 200)
  assert.match(await listed.text(), /"cluster_id":"local"/)
  assert.equal((await stat(join(folder, 'pepper'))).mode & 0o777, 0o600)
  assert.equal((await first.stop()).code, 0)

  const second = await startSecure(t, { DATA_DIR: folder })
  assert.equal((await ask(second, '/v3/clusters', { authorization })).status, 200)
  assert.doesNotMatch(second.said(), /secret/)
})

test('the cluster that every start would make again cannot be deleted, others can', async (t) => {
  const server = await startSecure(t, { DATA_DIR: await temporaryFolder(t) })
  const authorization = await printedKey(server)
  const ask = (method: string, path: string, body?: object) =>
    fetch(`${server.url}/cmk/v2/clusters${path}`, {
      ...{ method, headers: { authorization, 'content-type': 'application/json' } },
      ...(body && { body: JSON.stringify(body) }),
    })
  const refused = await ask('DELETE', '/local')
  assert.equal(refused.status, 400)
  assert.match(await refused.text(), /Cluster local .* suspend it/)
  assert.equal((await ask('GET', '/local')).status, 200)
  const made = await (await ask('POST', '', { spec: { display_name: 'second' } })).text()
  const [id] = /lkc-\w+/.exec(made) ?? []
  assert.equal((await ask('DELETE', `/${id}`)).status, 204)
})

test('a first start that cannot listen makes no key: the next one does, and prints it', async (t) => {
  const folder = await temporaryFolder(t)
  const taken = createServer().listen(0, '127.0.0.1')
  t.after(() => taken.close())
  await once(taken, 'listening')
  const address = taken.address()
  assert.ok(address && typeof address === 'object')
  const settings = { DATA_DIR: folder, COMPACTION_INTERVAL_MS: '0' }
  const failed = await runMain({ ...settings, PORT: String(address.port) }, ['--secure'])
  assert.equal(failed.code, 1)
  assert.match(failed.stderr, /EADDRINUSE/)
  const authorization = await printedKey(await startSecure(t, { DATA_DIR: folder }))
  assert.match(authorization, /^Basic /)
})

test('files that are no certificate and no key are refused by their settings, and nothing is written', async (t) => {
  const folder = await temporaryFolder(t)
  for (const file of [join(folder, 'missing.pem'), fileURLToPath(import.meta.url)]) {
    const tls = { TLS_CERT_FILE: file, TLS_KEY_FILE: file }
    const { code, stderr } = await runMain({ DATA_DIR: join(folder, 'data'), ...tls }, ['--secure'])
    assert.equal(code, 1)
    assert.match(stderr, /^Millrace cannot start: TLS_CERT_FILE and TLS_KEY_FILE cannot be used: .+\n$/)
  }
  assert.deepEqual(await readdir(folder), [])
})

test('with a certificate it speaks TLS, and may then listen on other addresses', async (t) => {
  const folder = await temporaryFolder(t)
  const file = (name: string) => fileURLToPath(new URL(`../../support/tls/${name}.pem`, import.meta.url))
  const tls = { TLS_CERT_FILE: file('certificate'), TLS_KEY_FILE: file('key') }
  const server = await startSecure(t, { DATA_DIR: folder, HOST: '0.0.0.0', ...tls })
  const authorization = await printedKey(server)
  const { port } = new URL(server.url)
  assert.match(server.url, /^https:/)
  const ca = await readFile(tls.TLS_CERT_FILE)
  const asked = request({
    host: '127.0.0.1',
    port,
    path: '/v3/clusters',
    ca,
    headers: { authorization },
  }).end()
  const [answer] = await once(asked, 'response')
  answer.resume()
  assert.equal(answer.statusCode, 200)
  await once(answer, 'end')
})

test('half of what TLS needs, and an open address without it, are refused', async (t) => {
  const folder = await temporaryFolder(t)
  const half = await runMain({ DATA_DIR: folder, TLS_CERT_FILE: 'certificate.pem' }, ['--secure'])
  assert.equal(half.code, 1)
  assert.match(half.stderr, /TLS_KEY_FILE/)
  const open = await runMain({ DATA_DIR: folder, HOST: '0.0.0.0' }, ['--secure'])
  assert.equal(open.code, 1)
  assert.match(open.stderr, /HOST is "0.0.0.0"/)
})
