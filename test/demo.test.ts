// The demo as it is run from a shell, on 2,000 records a data set, and what it says of a server that lies.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { createGroupTally, describeGroup } from '../demo/groupTally.ts'
import type { App } from '../shared/http/context.ts'
import { startServer } from '../shared/runtime/server.ts'
import { createTestApp } from './support/testCluster.ts'

test('the demo reads everything back from its own server, in plain lines without a terminal', async () => {
  const { exitCode, stdout, stderr } = await demo('--records', '2000')
  assert.equal(stderr, '')
  assert.equal(exitCode, 0)
  assert.match(stdout, /^ {2}flights > v3 stream +[\d,]+ records\/s +[\d.]+ MB\/s$/m)
  assert.equal(stdout.match(/^(flights|delays|earthquakes) .* ([0-9a-f]{8}) +\2 +\2 +ok$/gm)?.length, 18)
  assert.match(stdout, /^5,707 records in 18 partitions came back twice, in order, in place \([\d.]+ s\)\.$/m)
  assert.match(stdout, /^ +[\d.]+ s {2}three consumers join +a \d \d {3}b \d \d {3}c \d \d$/m)
  assert.match(stdout, /^ +[\d.]+ s {2}a is killed +b \d \d \d {3}c \d \d \d$/m)
  assert.match(stdout, /^ +[\d.]+ s {2}d joins +b \d \d {3}c \d \d {3}d \d \d$/m)
  assert.match(stdout, /^[\d,]+ records were processed, \d+ of them twice, .* and none again after it\.$/m)
  assert.ok(!stdout.includes('\u001b'), 'no terminal is driven')
})

test('the demo deletes its topics on a running server, and keeps them where it is told to', async () => {
  const { app, cluster } = createTestApp()
  const { exitCode } = await demoOn(app, '--records', '20')
  assert.equal(exitCode, 0)
  assert.deepEqual(await cluster.listTopics(), [])
  const { stdout } = await demoOn(app, '--records', '20', '--keep')
  const names = (await cluster.listTopics()).map(({ name }) => name)
  assert.equal(names.length, 3)
  for (const name of names) assert.ok(stdout.includes(name), name)
})

const lies = {
  'a changed value': (text: string) => text.replace('"distance":', '"distance":1'),
  'another offset': (text: string) => text.replace(/"offset":1,/, '"offset":2,'),
  'another timestamp': (text: string) => text.replace(/"timestamp":9/, '"timestamp":8'),
}

for (const [lie, change] of Object.entries(lies)) {
  test(`the demo ends with exit code 1 where one way of reading shows ${lie}`, async () => {
    const { app, cluster } = createTestApp()
    const { exitCode, stdout } = await demoOn(lyingApp(app, change), '--records', '50')
    assert.equal(exitCode, 1)
    assert.match(stdout, /DIFFERS: read \d+ and \d+ records$/m)
    assert.match(stdout, /^150 records in 18 partitions: \d+ partitions gave back something else/m)
    assert.deepEqual(await cluster.listTopics(), [])
  })
}

test('the demo explains itself and refuses arguments that it does not know', async () => {
  const help = await demo('--help')
  assert.equal(help.exitCode, 0)
  assert.match(help.stdout, /--records/)
  const unknown = await demo('--recrods', '5')
  assert.equal(unknown.exitCode, 2)
  assert.match(unknown.stderr, /--recrods/)
  const none = await demo('--records', '0')
  assert.equal(none.exitCode, 2)
})

test('a record that is processed again counts against the group only after its commit', () => {
  const tally = createGroupTally()
  tally.expect([0, 1, 2].map((offset) => ({ partition: 0, offset })))
  assert.equal(tally.missing(), 3)
  for (const offset of [0, 1, 0]) tally.processed(0, offset)
  tally.committed(0, 2)
  assert.deepEqual(tally.summary(), { records: 3, missing: 1, twice: 1, twiceAfterCommit: 0, ok: false })
  assert.match(describeGroup(tally.summary()), /^1 of 3 records were not processed/)
  tally.processed(0, 2)
  assert.equal(tally.summary().ok, true)
  tally.processed(0, 1)
  assert.deepEqual(tally.summary(), { records: 3, missing: 0, twice: 2, twiceAfterCommit: 1, ok: false })
  assert.match(describeGroup(tally.summary()), /^1 of 3 records were processed again after their commit/)
})

async function demo(...args: string[]) {
  const main = join(import.meta.dirname, '..', 'demo', 'main.ts')
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  return { stdout, stderr, exitCode: Number(exitCode) }
}

async function demoOn(app: Pick<App, 'fetch'>, ...args: string[]) {
  const server = await startServer(app, '127.0.0.1', 0)
  try {
    return await demo('--url', server.url, ...args)
  } finally {
    await server.stop(0)
  }
}

/** Changes the first thing that `change` finds in each answer of v3's consume. */
function lyingApp(app: App, change: (text: string) => string): Pick<App, 'fetch'> {
  return {
    async fetch(request) {
      const answer = await app.fetch(request)
      if (!request.url.endsWith('/consume')) return answer
      return new Response(change(await answer.text()), answer)
    },
  }
}
