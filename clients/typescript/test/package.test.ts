// The package as it is published: built into a folder of its own, imported by plain Node, type-checked by a user of
// it, bundled for browsers; and the examples of its README, run with it.
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { type ServerProcess, startServerProcess } from '../../../test/support/serverProcess.ts'

const run = promisify(execFile)
const client = join(import.meta.dirname, '..')
const tsc = join(client, '..', '..', 'node_modules', '.bin', 'tsc')

let folder = ''
let server: ServerProcess

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-client-'))
  const installed = join(folder, 'node_modules', '@millrace', 'client')
  await mkdir(installed, { recursive: true })
  await run(tsc, ['-p', client, '--outDir', join(installed, 'dist')])
  await cp(join(client, 'package.json'), join(installed, 'package.json'))
  await cp(join(client, 'examples'), folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  server = await startServerProcess({ DATA_DIR: join(folder, 'data') })
  const topic = JSON.stringify({ topic_name: 'orders', partitions_count: 3 })
  const headers = { 'content-type': 'application/json' }
  await fetch(`${server.url}/v3/clusters/local/topics`, { method: 'POST', headers, body: topic })
})

after(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

test('the built package is imported by plain JavaScript and offers what it says', async () => {
  const script = "import * as client from '@millrace/client'; console.log(Object.keys(client).sort().join())"
  await writeFile(join(folder, 'script.mjs'), script)
  const { stdout } = await run(process.execPath, [join(folder, 'script.mjs')])
  assert.equal(stdout.trim(), 'MillraceError,createConsumer,createProducer,partitionForKey')
})

test('whoever uses the package has its types, with nothing but the platform around', async () => {
  const source = `import { createConsumer, type ConsumerRecord } from '@millrace/client'
const consumer = createConsumer({ url: 'http://127.0.0.1', clusterId: 'c', groupId: 'g', topics: ['t'] })
export const first: AsyncIterator<ConsumerRecord> = consumer[Symbol.asyncIterator]()
// @ts-expect-error: a group has an id
createConsumer({ url: 'http://127.0.0.1', clusterId: 'c', topics: ['t'] })
`
  await writeFile(join(folder, 'user.ts'), source)
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--lib', 'es2023,dom', '--types', '']
  await run(tsc, [...options, join(folder, 'user.ts')], { cwd: folder })
})

test('it bundles for browsers without a warning, and a producer brings no consumer along', async () => {
  const contents = "export { createProducer } from '@millrace/client'"
  const { warnings, outputFiles } = await build({
    stdin: { contents, resolveDir: folder },
    ...{ bundle: true, platform: 'browser', format: 'esm', write: false, logLevel: 'silent' },
  })
  assert.deepEqual(warnings, [])
  const [output] = outputFiles
  assert(output !== undefined)
  assert(output.text.includes('producer-seq'))
  assert(!output.text.includes('offsets:'))
})

test('the README shows the examples as they are run here', async () => {
  const readme = await readFile(join(client, 'README.md'), 'utf8')
  const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, block]) => block)
  const names = await readdir(join(client, 'examples'))
  const examples = await Promise.all(names.map((name) => readFile(join(client, 'examples', name), 'utf8')))
  assert.deepEqual(new Set(blocks), new Set(examples))
})

test('the examples produce, consume, commit and leave their groups when they are asked to', async () => {
  const produced = await run(process.execPath, [join(folder, 'produce.ts')], { env: environment() })
  assert.match(produced.stdout, /^(stored in partition 0 at [012]\n){3}$/)
  const consumed = await interrupted('consume.ts', (text) => text.includes('pot'))
  assert.deepEqual(consumed.text.trim().split('\n'), [
    "0 0 alice { item: 'tea' }",
    "0 1 alice { item: 'cup' }",
    "0 2 alice { item: 'pot' }",
  ])
  const committed = await interrupted('commit.ts', () => false)
  assert.match(committed.text, /storing 3 records/)
  for (const { exitCode } of [consumed, committed]) assert.equal(exitCode, 0)
  for (const group of ['kitchen', 'warehouse']) {
    const answer = await fetch(`${server.url}/v3/clusters/local/consumer-groups/${group}/lag-summary`)
    const { total_lag } = JSON.parse(await answer.text())
    assert.equal(total_lag, 0, group)
  }
})

const environment = () => ({ ...process.env, MILLRACE_URL: server.url })

/** Runs an example until it has said enough, or for two seconds, and interrupts it. */
async function interrupted(name: string, enough: (text: string) => boolean) {
  const child: ChildProcess = spawn(process.execPath, [join(folder, name)], { env: environment() })
  let text = ''
  const said = new Promise<void>((resolve) => {
    child.stdout?.on('data', (chunk) => {
      text += chunk
      if (enough(text)) resolve()
    })
    setTimeout(resolve, 2000)
  })
  await said
  child.kill('SIGINT')
  const [exitCode] = await once(child, 'exit')
  return { text, exitCode }
}
