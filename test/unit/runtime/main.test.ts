import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { packageVersion } from '../../../shared/runtime/version.ts'
import { runMain, type ServerProcess, startServerProcess } from '../../support/serverProcess.ts'

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-main-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const topics = '/v3/clusters/local/topics'

async function post(server: ServerProcess, path: string, body: unknown): Promise<unknown> {
  const response = await fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  assert.ok(response.ok, `${path}: ${response.status}`)
  return response.json()
}

test('it says where it listens, is healthy, stops with code 0 and finds its data again', async (t) => {
  const folder = await temporaryFolder(t)
  const first = await startServerProcess({ DATA_DIR: folder })
  t.after(() => first.kill())
  const health = await fetch(`${first.url}/health`)
  assert.equal(health.status, 200)
  await post(first, topics, { topic_name: 't', partitions_count: 1 })
  await post(first, `${topics}/t/records`, { value: { type: 'STRING', data: 'kept' } })
  const { code, stdout, stderr } = await first.stop()
  assert.equal(code, 0, stderr)
  assert.equal(stderr, '')
  assert.ok(stdout.startsWith(`Millrace ${packageVersion} on ${first.url}`), stdout)
  const second = await startServerProcess({ DATA_DIR: folder })
  t.after(() => second.kill())
  const read = await fetch(`${second.url}${topics}/t/partitions/0/records?offset=0`)
  const page = Buffer.from(await read.arrayBuffer()).toString()
  assert.ok(page.includes('kept') || page.includes(Buffer.from('kept').toString('base64')), page)
  assert.equal((await second.stop()).code, 0)
})

test('requests under way are answered before it ends, and kept connections do not hold it', async (t) => {
  const folder = await temporaryFolder(t)
  const server = await startServerProcess({ DATA_DIR: folder, LINGER_MS: '300' })
  t.after(() => server.kill())
  await post(server, topics, { topic_name: 't', partitions_count: 1 })
  let stopping: Promise<unknown> | undefined
  const answers = Array.from({ length: 5 }, () =>
    post(server, `${topics}/t/records`, { value: { type: 'STRING', data: 'x' } }),
  )
  await post(server, topics, { topic_name: 'u', partitions_count: 1 }).then(() => {
    stopping = server.stop()
  })
  const stored = await Promise.all(answers)
  const answered = performance.now()
  assert.equal(stored.length, 5)
  await stopping
  assert.ok(performance.now() - answered < 3000, 'a client keeps a connection for 4 seconds')
})

test('a second process on the same data is refused by one sentence, and the first goes on', async (t) => {
  const folder = await temporaryFolder(t)
  const first = await startServerProcess({ DATA_DIR: folder })
  t.after(() => first.kill())
  const { code, stdout, stderr } = await runMain({ DATA_DIR: folder, PORT: '0' })
  assert.equal(code, 1)
  assert.equal(stdout, '')
  assert.match(stderr, /^Millrace cannot start: .+\n$/)
  assert.equal((await fetch(`${first.url}/health`)).status, 200)
  await first.stop()
})

test('a wrong setting and an unknown argument are refused before anything is written', async (t) => {
  const folder = await temporaryFolder(t)
  const host = await runMain({ DATA_DIR: folder, HOST: '0.0.0.0' })
  assert.equal(host.code, 1)
  assert.match(host.stderr, /^Millrace cannot start: HOST is "0\.0\.0\.0": .+\n$/)
  const argument = await runMain({ DATA_DIR: folder }, ['--port', '1'])
  assert.equal(argument.code, 2)
  assert.match(argument.stderr, /^Unknown argument --port\./)
  assert.deepEqual(await readdir(folder), [])
})

test('a port that is taken is refused by one sentence', async (t) => {
  const folder = await temporaryFolder(t)
  const taken = createServer().listen(0, '127.0.0.1')
  t.after(() => taken.close())
  await new Promise((resolve) => taken.once('listening', resolve))
  const address = taken.address()
  assert.ok(address && typeof address === 'object')
  const port = await runMain({ DATA_DIR: folder, PORT: String(address.port) })
  assert.equal(port.code, 1)
  assert.match(port.stderr, /^Millrace cannot start: .*EADDRINUSE.*\n$/)
})

test('--help says what there is to set', async () => {
  for (const argument of ['--help', '-h']) {
    const { code, stdout, stderr } = await runMain({}, [argument])
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /Settings, from the environment:\n {2}HOST/)
  }
})
