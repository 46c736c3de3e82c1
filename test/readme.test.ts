// The README's tour is true: every `$` command of its console blocks is run by bash against a server of its own, and
// what it prints is compared with the lines that follow, where '…' stands for anything. `console secure`: the server
// has security on, and KEY is its first key.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { parseLocalConfig } from '../shared/runtime/config.ts'
import { type LocalServices, openLocalServices } from '../shared/runtime/local.ts'
import { startServer } from '../shared/runtime/server.ts'

const run = promisify(execFile)

interface Step {
  readonly command: string
  readonly expected: string
}

function stepsOf(readme: string, fence: 'console' | 'console secure'): readonly Step[] {
  const fenced = new RegExp(`^\`\`\`${fence}\\n([\\s\\S]*?)\`\`\``, 'gm')
  const blocks = [...readme.matchAll(fenced)].map(([, block]) => block ?? '')
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((step) => {
        const [command = '', ...expected] = step.split('\n')
        return { command, expected: expected.join('\n').trim() }
      }),
  )
}

function pattern(expected: string): RegExp {
  const literal = expected.split('…').map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${literal.join('[\\s\\S]*?')}$`)
}

const key = async (services: LocalServices): Promise<string> => {
  const { id = '', secret = '' } = (await services.makeFirstKey()) ?? {}
  return `${id}:${secret}`
}

for (const [fence, settings, stepsMin] of [
  ['console', {}, 10],
  ['console secure', { SECURE: 'true' }, 5],
] as const) {
  test(`readme: every command of a ${fence} block prints what the block says`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-readme-'))
    const services = await openLocalServices(
      parseLocalConfig({ DATA_DIR: join(folder, 'data'), ...settings }),
    )
    const server = await startServer(services.app, '127.0.0.1', 0)
    t.after(async () => {
      await server.stop(0)
      await services.close()
      await rm(folder, { recursive: true, force: true })
    })
    const steps = stepsOf(await readFile(new URL('../README.md', import.meta.url), 'utf8'), fence)
    assert.ok(steps.length >= stepsMin, 'the tour has its commands')
    const env = { ...process.env, KEY: await key(services) }
    for (const { command, expected } of steps) {
      const local = command.replaceAll('http://127.0.0.1:8082', server.url)
      const { stdout } = await run('bash', ['-c', local], { cwd: folder, env })
      assert.match(stdout.replaceAll('\r', '').trim(), pattern(expected), command)
    }
  })
}
