// The command that people run, in a process that may open no socket: whatever tries to is an error there.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { bundle } from '../../infra/bundle.ts'

const root = join(import.meta.dirname, '../..')
const synthMsMax = 10_000
const processorLine = /^processor: (\d+) ms\n/gm

interface Ran {
  readonly status: number
  readonly output: string
  /** Of all Node processes together. */
  readonly processorMs: number
}

/** In every Node process below this one, the CDK's own too. */
function run(args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const preload = join(import.meta.dirname, 'noNetwork.mjs')
  const env = { ...process.env, NODE_OPTIONS: `--import ${preload}`, CI: 'true', ...more }
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: root, env }, (error, stdout, stderr) => {
      const spent = [...stderr.matchAll(processorLine)].reduce((sum, [, ms]) => sum + Number(ms), 0)
      const output = (stdout + stderr).replaceAll(processorLine, '')
      resolve({ status: error === null ? 0 : Number(error.code), output, processorMs: spent })
    })
  })
}

async function folder(t: TestContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'millrace-synth-'))
  t.after(() => rm(made, { recursive: true }))
  return made
}

test('npm run synth takes less than ten seconds of a processor, opens no socket, and packs the bundles', async (t) => {
  const out = await folder(t)
  const { status, output, processorMs } = await run(['infra/cli.ts', 'synth', '--output', out])
  assert.equal(status, 0, output)
  assert.ok(processorMs < synthMsMax, `${processorMs} ms`)
  const files = await readdir(out, { recursive: true })
  assert.equal(files.filter((name) => name.endsWith('.template.json')).length, 12)
  const code = await Promise.all(
    files.filter((name) => name.endsWith('index.mjs')).map((name) => readFile(join(out, name), 'utf8')),
  )
  assert.equal(code.length, 3)
  for (const entry of ['produce', 'fetch', 'compactor'] as const) {
    const { file } = bundle(entry, join(out, 'again'))
    assert.ok(code.includes(await readFile(file, 'utf8')), entry)
  }
})

test('a process that may open no socket is told so when it tries', async () => {
  const { status, output } = await run([
    '--eval',
    "fetch('http://127.0.0.1:4242').catch((e) => { throw e.cause ?? e })",
  ])
  assert.notEqual(status, 0)
  assert.match(output, /no network/)
})

test('a stage that is not there stops the synth with a sentence', async () => {
  const { status, output } = await run(['infra/cli.ts', 'synth', '--stage', 'qa'])
  assert.equal(status, 2)
  assert.equal(output, '--stage is qa: infra/stages.ts has dev, staging, prod.\n')
})

test('a stage that is not there stops the app of whoever runs the CDK itself', async () => {
  const { status, output } = await run(['infra/app.ts'], { CDK_CONTEXT_JSON: '{"stage":"qa"}' })
  assert.equal(status, 1)
  assert.equal(output, 'The stage "qa" is not known: infra/stages.ts has dev, staging, prod.\n')
})
