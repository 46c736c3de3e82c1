// docs/OPERATIONS.md is true where it brings a customer in: its commands are run by bash against a server of their own.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { parseLocalConfig } from '../shared/runtime/config.ts'
import { openLocalServices } from '../shared/runtime/local.ts'
import { startServer } from '../shared/runtime/server.ts'

const run = promisify(execFile)

test('a customer is brought in as the document says, and makes a topic in a cluster of its own', async (t) => {
  const text = await readFile(new URL('../docs/OPERATIONS.md', import.meta.url), 'utf8')
  const [, script = ''] = /^## Customers\n[\s\S]*?^```sh\n([\s\S]*?)^```/m.exec(text) ?? []
  const folder = await mkdtemp(join(tmpdir(), 'millrace-operations-'))
  const services = await openLocalServices(
    parseLocalConfig({ DATA_DIR: join(folder, 'data'), SECURE: 'true' }),
  )
  const server = await startServer(services.app, '127.0.0.1', 0)
  t.after(async () => {
    await server.stop(0)
    await services.close()
    await rm(folder, { recursive: true, force: true })
  })
  const key = await services.makeFirstKey()
  assert.ok(key)
  const env = { ...process.env, KEY: `${key.id}:${key.secret}` }
  const local = script.replaceAll('http://127.0.0.1:8082', server.url)
  const { stdout } = await run('bash', ['-ec', local], { cwd: folder, env })
  assert.match(stdout, /"kind":"RoleBinding"[\s\S]*"kind":"KafkaTopic".*"cluster_id":"lkc-[a-z2-7]{10}"/)
  assert.ok(!stdout.includes('error_code'), stdout)
})
