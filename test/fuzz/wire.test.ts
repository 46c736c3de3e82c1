// Broken HTTP on a real socket: framing that no client would send, uploads that end halfway, clients
// that go away. The parser below the app may refuse with a bare 400, 413, 417 or 431; all else is the
// app's and has the app's form.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startServer } from '../../shared/runtime/server.ts'
import { type Answer, problemsOf } from './answers.ts'
import { createChance, fuzzSeed } from './chance.ts'
import { mutate } from './mutations.ts'
import { createFuzzedService, watchRejections } from './service.ts'
import { templatesOf } from './templates.ts'
import { exchange, type WireMessage, wireMessage } from './wire.ts'

const seed = fuzzSeed()
const messageCount = 1500
const atOnce = 16

test(`broken HTTP framing is refused and leaves the server as it was (FUZZ_SEED=${seed})`, async (t) => {
  const takeRejections = watchRejections(t)
  const service = await createFuzzedService(true)
  const kept = await service.readKept()
  const templates = templatesOf(await service.describe())
  const server = await startServer(service.app, '127.0.0.1', 0)
  t.after(() => server.stop(0))
  const port = Number(new URL(server.url).port)
  const problems: string[] = []
  const statuses: Record<number, number> = {}

  const send = async (index: number): Promise<void> => {
    const chance = createChance(seed, index)
    const request = chance.pick(templates)(chance)
    const message = wireMessage(chance.oneIn(2) ? request : mutate(request, chance), chance)
    for (const answer of await exchange(port, message)) {
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1
      const found = isBareRefusal(answer) ? [] : problemsOf(answer, 'GET')
      if (found.length > 0) problems.push(`message ${index}: ${found.join('; ')}\n${show(message, answer)}`)
    }
  }

  for (let index = 0; index < messageCount && problems.length === 0; index += atOnce) {
    if (index % (atOnce * 20) === 0) await service.restoreTopics()
    await Promise.all(Array.from({ length: atOnce }, (_, more) => send(index + more)))
    problems.push(...service.takeFailures(), ...takeRejections())
  }
  t.diagnostic(`answers by status: ${JSON.stringify(statuses)}`)
  assert.ok(problems.length === 0, `FUZZ_SEED=${seed}\n\n${problems.join('\n\n')}`)
  assert.deepEqual(await service.readKept(), kept)
  await service.restoreTopics()
  await service.checkAlive()
  const health = await fetch(`${server.url}/health`)
  assert.equal(health.status, 200)
})

function isBareRefusal({ status, text }: Answer): boolean {
  return [400, 413, 417, 431].includes(status) && text === ''
}

function show({ bytes, aborts }: WireMessage, { status, text }: Answer): string {
  const sent = JSON.stringify(bytes.toString('latin1')).slice(0, 2000)
  return `${sent}${aborts ? ' and away' : ''}\n-> ${status} ${text.slice(0, 500)}`
}
