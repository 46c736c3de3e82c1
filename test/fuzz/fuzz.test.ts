// Twenty thousand broken requests: none is answered with a failure of ours, none changes what was stored
// before, and the server goes on. FUZZ_SEED=new tries another seed and prints it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, problemsOf } from './answers.ts'
import { bombs, declaredBombs, hostileBody } from './batches.ts'
import { createChance, fuzzSeed } from './chance.ts'
import { mutate } from './mutations.ts'
import { createFuzzedService, watchRejections } from './service.ts'
import { type FuzzRequest, fuzzedTopic, templatesOf } from './templates.ts'

const seed = fuzzSeed()
const requestCount = 20_000
const batchCount = 3000
const problemsShown = 5

test(`broken requests are refused as such and change nothing else (FUZZ_SEED=${seed})`, async (t) => {
  const takeRejections = watchRejections(t)
  const service = await createFuzzedService(false)
  const kept = await service.readKept()
  const templates = templatesOf(await service.describe())
  const problems: string[] = []
  const statuses: Record<number, number> = {}
  const refused = new Set<string>()
  const answered = new Set<string>()
  for (let index = 0; index < requestCount && problems.length < problemsShown; index++) {
    if (index % 100 === 0) await service.restoreTopics()
    const chance = createChance(seed, index)
    const request = mutate(chance.pick(templates)(chance), chance)
    const answer = await service.ask(request)
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1
    if (answer.status < 300) answered.add(request.operation)
    else refused.add(request.operation)
    const found = [...problemsOf(answer, request.method), ...service.takeFailures(), ...takeRejections()]
    if (found.length > 0) problems.push(`request ${index}: ${found.join('; ')}\n${show(request, answer)}`)
  }
  t.diagnostic(`answers by status: ${JSON.stringify(statuses)}`)
  assert.ok(problems.length === 0, `FUZZ_SEED=${seed}\n\n${problems.join('\n\n')}`)
  assert.equal(Reflect.get({}, 'polluted'), undefined)
  assert.deepEqual(
    [...refused].filter((operation) => !answered.has(operation)),
    [],
    'a template is not valid',
  )
  assert.deepEqual(await service.readKept(), kept)
  await service.restoreTopics()
  await service.checkAlive()
})

test(`a broken batch is refused, or can be read where it is taken (FUZZ_SEED=${seed})`, async (t) => {
  const service = await createFuzzedService(false)
  const statuses: Record<number, number> = {}
  for (let index = 0; index < batchCount; index++) {
    const request = append(hostileBody(createChance(seed, index)))
    const answer = await service.ask(request)
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1
    const found = [...problemsOf(answer, 'POST'), ...service.takeFailures()]
    assert.deepEqual(found, [], `batch ${index}, FUZZ_SEED=${seed}\n${show(request, answer)}`)
    // Reads what was stored before it begins anew.
    if (index % 50 === 49) await service.restoreTopics()
  }
  t.diagnostic(`answers by status: ${JSON.stringify(statuses)}`)
})

test('a batch that decompresses to more than it may, or says that it does, is refused', async () => {
  const service = await createFuzzedService(false)
  for (const batch of [...bombs(), ...declaredBombs()]) {
    const request = append(batch)
    const answer = await service.ask(request)
    assert.equal(answer.status, 400, show(request, answer))
    assert.deepEqual([...problemsOf(answer, 'POST'), ...service.takeFailures()], [])
  }
  await service.checkAlive()
})

function append(body: Uint8Array): FuzzRequest {
  return {
    operation: 'appendRecordBatches',
    method: 'POST',
    path: `/v3/clusters/local/topics/${fuzzedTopic}/partitions/0/records`,
    headers: [['content-type', 'application/vnd.millrace.recordbatch']],
    body,
  }
}

function show({ operation, method, path, headers, body }: FuzzRequest, { status, text }: Answer): string {
  const lines = headers.map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
  const sent = typeof body === 'string' ? JSON.stringify(body) : Buffer.from(body ?? []).toString('hex')
  const request = [`${operation}: ${method} ${JSON.stringify(path)}`, ...lines, sent].map(shorten)
  return [...request, `-> ${status} ${shorten(text)}`].join('\n')
}

function shorten(text: string): string {
  return text.length > 600 ? `${text.slice(0, 600)}… (${text.length} characters)` : text
}
