// The bundles as event functions under Lambda's own runtime client: produce and fetch behind function URLs, the
// compactor invoked by the schedule.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type AwsWorld, names, startAwsWorld } from './awsWorld.ts'
import { createTopic, produce, produceMillions, read, topicsPath, values } from './client.ts'
import { runConformance } from './conformance.ts'
import { type FunctionUrl, startFunctionUrl } from './functionUrl.ts'
import { type LambdaEnvironment, startLambdaEnvironment, textOf, withoutClient } from './lambdaEnvironment.ts'

const hourMs = 3600_000

describe('event functions', { skip: withoutClient }, () => {
  let world: AwsWorld
  const environments: LambdaEnvironment[] = []
  const urls: FunctionUrl[] = []

  const start = async (name: 'produce' | 'fetch' | 'compactor', aheadMs = 0) => {
    const file = world.build(name === 'compactor' ? name : `${name}/classic`)
    const environment = await startLambdaEnvironment(file, name, world.environment(name), aheadMs)
    environments.push(environment)
    return environment
  }
  const startUrl = async (name: 'produce' | 'fetch') => {
    const url = await startFunctionUrl(await start(name))
    urls.push(url)
    return url.url
  }

  let produceUrl: string
  let fetchUrl: string
  before(async () => {
    world = await startAwsWorld()
    ;[produceUrl, fetchUrl] = await Promise.all([startUrl('produce'), startUrl('fetch')])
  })
  after(async () => {
    await Promise.all(urls.map((url) => url.close()))
    await Promise.all(environments.map((environment) => environment.close()))
    await world.close()
  })

  test('what one function appended another one reads, and links name the front door', async () => {
    const created = await createTopic(fetchUrl, 'shared')
    assert.equal(created.status, 201)
    const { metadata }: { metadata: { self: string } } = JSON.parse(await created.text())
    assert.equal(metadata.self, `https://log.example.com${topicsPath}/shared`)
    for (const value of ['a', 'b', 'c'])
      assert.equal((await produce(produceUrl, 'shared', value)).status, 200)
    assert.deepEqual(await values(await read(fetchUrl, 'shared')), ['a', 'b', 'c'])
  })

  test('an answer without a body has its status and headers', async () => {
    const accept = { accept: 'application/vnd.millrace.recordbatch' }
    const answer = await read(fetchUrl, 'shared', 'offset=3', accept)
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('millrace-high-watermark'), '3')
    assert.equal((await answer.arrayBuffer()).byteLength, 0)
  })

  test('what the compute cannot carry is refused before anything is done, and the answer says so', async () => {
    assert.equal((await produceMillions(produceUrl, 'shared', 4)).status, 200, 'what fits passes')
    const calls = world.calls.length
    const refused = await produce(produceUrl, 'shared', 'x'.repeat(4_500_000))
    assert.equal(refused.status, 413)
    assert.match(await refused.text(), /larger than 4194304 bytes/)
    assert.equal(world.calls.length, calls)
    // Beyond six megabytes Lambda itself refuses.
    assert.equal((await produceMillions(produceUrl, 'shared', 6)).status, 413)
  })

  test('who comes around the front door is refused', async () => {
    const calls = world.calls.length
    assert.equal((await fetch(`${fetchUrl}${topicsPath}`)).status, 403)
    assert.equal(world.calls.length, calls)
  })

  for (const name of ['produce', 'fetch'] as const) {
    test(`${name} answers as the conformance suite wants it`, async (t) => {
      const own = await startAwsWorld()
      t.after(() => own.close())
      const started = await startLambdaEnvironment(own.build(`${name}/classic`), name, own.environment(name))
      const url = await startFunctionUrl(started)
      const { code, output } = await runConformance(url.url)
      await Promise.all([url.close(), started.close()])
      assert.equal(code, 0, output)
    })
  }

  test('the schedule has what is due merged by workers, and what is merged is read', async () => {
    // What was appended now has waited long enough an hour from now.
    const [planner, worker] = [await start('compactor', hourMs), await start('compactor', hourMs)]
    const invoked: unknown[] = []
    world.invokeWith(async (event) => {
      invoked.push(event)
      return JSON.parse(await answerOf(worker, event))
    })
    await createTopic(fetchUrl, 'merged')
    for (const value of ['a', 'b', 'c']) await produce(produceUrl, 'merged', value)
    const outcome = JSON.parse(await answerOf(planner, { 'detail-type': 'Scheduled Event' }))
    assert.equal(outcome.unfinished, false)
    assert.ok(invoked.length > 0)
    const segments = world.calls.filter(
      ({ function: caller, action, resource }) =>
        caller === 'compactor' &&
        action === 's3:PutObject' &&
        resource.startsWith(`arn:aws:s3:::${names.bucket}/local/segment/`),
    )
    assert.ok(segments.length > 0)
    assert.deepEqual(await values(await read(await startUrl('fetch'), 'merged')), ['a', 'b', 'c'])
  })

  test('an event of somebody else fails the invocation, and the next one is served', async () => {
    const compactor = await start('compactor')
    assert.match(await failureOf(compactor, { Records: [] }), /none of the compactor's/)
    assert.equal(
      JSON.parse(await answerOf(compactor, { 'detail-type': 'Scheduled Event' })).unfinished,
      false,
    )
  })
})

async function answerOf(environment: LambdaEnvironment, event: unknown): Promise<string> {
  const invoked = await environment.invoke(event)
  if ('failure' in invoked) throw new Error(invoked.failure)
  return textOf(invoked.body)
}

async function failureOf(environment: LambdaEnvironment, event: unknown): Promise<string> {
  const invoked = await environment.invoke(event)
  return 'failure' in invoked ? invoked.failure : ''
}
