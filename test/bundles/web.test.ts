// The bundles of produce and fetch as Web Functions: started, called and ended as Lambda does it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type AwsWorld, originSecret, startAwsWorld } from './awsWorld.ts'
import { createTopic, origin, produce, produceMillions, read, topicsPath, values } from './client.ts'
import { runConformance } from './conformance.ts'
import { parseLog } from './logLines.ts'
import { launchBundle, startWebProcess, type WebProcess } from './webProcess.ts'

let world: AwsWorld
let produceFunction: WebProcess
let fetchFunction: WebProcess

const start = (name: 'produce' | 'fetch', changes: Record<string, string> = {}) =>
  startWebProcess(world.build(name), { ...world.environment(name), ...changes })

before(async () => {
  world = await startAwsWorld()
  // Both at once, on a bucket and a table that are nobody's yet.
  ;[produceFunction, fetchFunction] = await Promise.all([start('produce'), start('fetch')])
})
after(async () => {
  await Promise.all([produceFunction.stop(), fetchFunction.stop()])
  await world.close()
})

test('what one function appended another one reads, and links name the front door', async () => {
  const created = await createTopic(fetchFunction.url, 'shared')
  assert.equal(created.status, 201)
  const { metadata }: { metadata: { self: string } } = JSON.parse(await created.text())
  assert.equal(metadata.self, `https://log.example.com${topicsPath}/shared`)
  assert.equal((await produce(produceFunction.url, 'shared', 'a')).status, 200)
  assert.deepEqual(await values(await read(fetchFunction.url, 'shared')), ['a'])
})

test('a request of the other function is answered all the same', async () => {
  assert.equal((await createTopic(produceFunction.url, 'other')).status, 201)
  assert.equal((await produce(fetchFunction.url, 'other', 'b')).status, 200)
  assert.deepEqual(await values(await read(produceFunction.url, 'other')), ['b'])
})

test('a body of 20 MB passes, and one over 20 MiB is refused', async () => {
  await createTopic(fetchFunction.url, 'large')
  const passed = await produceMillions(produceFunction.url, 'large', 20)
  assert.equal(passed.status, 200, await passed.text())
  assert.equal((await produceMillions(produceFunction.url, 'large', 21)).status, 413)
})

test('who comes around the front door is refused before anything is read', async (t) => {
  // In the shared one the audit log of what was asked before may just be written.
  const own = await startAwsWorld()
  t.after(() => own.close())
  const started = await startWebProcess(own.build('fetch'), own.environment('fetch'))
  t.after(() => started.stop())
  const calls = own.calls.length
  for (const secret of [undefined, '', 'x', `${originSecret}.`, originSecret.slice(1)]) {
    const headers = secret === undefined ? {} : { 'x-millrace-origin': secret }
    assert.equal((await fetch(`${started.url}${topicsPath}`, { headers })).status, 403)
  }
  assert.equal(own.calls.length, calls)
})

test('who has no key is refused, also behind the front door', async () => {
  const { authorization, ...headers } = origin
  for (const given of [undefined, 'Basic x', `${authorization}x`]) {
    const asked = given === undefined ? headers : { ...headers, authorization: given }
    assert.equal((await fetch(`${fetchFunction.url}${topicsPath}`, { headers: asked })).status, 401)
  }
})

for (const name of ['produce', 'fetch'] as const) {
  test(`${name} answers as the conformance suite wants it`, async (t) => {
    const own = await startAwsWorld()
    t.after(() => own.close())
    const started = await startWebProcess(own.build(name), own.environment(name))
    const { code, output } = await runConformance(started.url)
    await started.stop()
    assert.equal(code, 0, output)
  })
}

test('SIGTERM: what was under way is stored and answered within the second', async () => {
  await createTopic(fetchFunction.url, 'ending')
  const ending = await start('produce')
  const sent = Array.from({ length: 40 }, (_, i) =>
    produce(ending.url, 'ending', `v${i}`).then(
      (answer) => ({ value: `v${i}`, status: answer.status }),
      () => ({ value: `v${i}`, status: 0 }),
    ),
  )
  await Promise.race(sent)
  const stopMs = performance.now()
  const { code } = await ending.stop()
  assert.equal(code, 0, 'it ended by itself')
  assert.ok(performance.now() - stopMs < 1000)
  const acknowledged = (await Promise.all(sent)).filter(({ status }) => status === 200)
  assert.ok(acknowledged.length > 0)
  const stored = new Set(await values(await read(fetchFunction.url, 'ending')))
  assert.deepEqual(
    acknowledged.filter(({ value }) => !stored.has(value)),
    [],
  )
})

test('SIGTERM ends a long poll within the second', async () => {
  await createTopic(fetchFunction.url, 'polled')
  const ending = await start('fetch')
  const polled = read(ending.url, 'polled', 'offset=0&timeout=30000').catch(() => undefined)
  await fetch(`${ending.url}/health`, { headers: origin })
  const stopMs = performance.now()
  assert.equal((await ending.stop()).code, 0)
  assert.ok(performance.now() - stopMs < 1000)
  await polled
})

test('the log tells requests, offsets and storage calls, and neither records nor secrets', async () => {
  await createTopic(fetchFunction.url, 'told')
  const told = await start('produce', { LOG_LEVEL: 'DEBUG' })
  const trace = '0af7651916cd43dd8448eb211c80319c'
  const traceparent = `00-${trace}-b7ad6b7169203331-01`
  const answer = await produce(told.url, 'told', 'what nobody may see', {
    'x-request-id': 'mine',
    traceparent,
  })
  assert.equal(answer.headers.get('x-request-id'), 'mine')
  assert.equal(answer.headers.get('traceparent'), traceparent)
  await read(told.url, 'told')
  const { stdout, stderr } = await told.stop()
  assert.equal(stderr, '')
  assert.doesNotMatch(stdout, /what nobody may see|alone knows? this|secret access key/)
  const { lines, metrics } = parseLog(stdout)
  const line = (message: string) => lines.find((one) => one.message === message)
  const { ms, timestamp, version, ...facts } = line('produce') ?? {}
  assert.equal(typeof ms, 'number')
  assert.match(String(timestamp), /^\d{4}-\d\d-\d\dT/)
  assert.deepEqual(facts, {
    level: 'INFO',
    message: 'produce',
    service: 'millrace',
    function: 'produce',
    stage: 'dev',
    requestId: 'mine',
    traceId: trace,
    tenant: 'local',
    topic: 'told',
    partitions: [{ partition: 0, baseOffset: 0, messages: 1 }],
    messages: 1,
    refused: 0,
    bytes: 19,
  })
  const stored = lines.filter(
    ({ message, requestId }) => message === 'storage request' && requestId === 'mine',
  )
  assert.ok(stored.some(({ operation, ms: took }) => operation === 'UpdateItem' && typeof took === 'number'))
  const names = metrics.flatMap(
    ({ _aws }) => _aws?.CloudWatchMetrics[0]?.Metrics.map(({ Name }) => Name) ?? [],
  )
  for (const name of [
    'MessagesInPerSec',
    'BytesInPerSec',
    'BytesOutPerSec',
    'TotalTimeMs',
    'StorageTimeMs',
  ]) {
    assert.ok(names.includes(name), name)
  }
})

const refusalOf = async (changes: Record<string, string | undefined>) => {
  const environment = Object.entries({
    ...world.environment('fetch'),
    AWS_LAMBDA_HTTP_ENDPOINT: '127.0.0.1:1',
    ...changes,
  })
  const given = environment.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  const { code, stderr } = await launchBundle(world.build('fetch'), Object.fromEntries(given)).finished
  assert.equal(code, 1)
  const { error }: { error: { message: string } } = JSON.parse(stderr)
  return error.message
}

test('a function with a missing variable refuses to start and says which', async () => {
  for (const name of [
    'BUCKET',
    'TABLE',
    'CLUSTER_ID',
    'STAGE',
    'ORIGIN_SECRET',
    'PEPPER',
    'AWS_LAMBDA_HTTP_ENDPOINT',
  ]) {
    assert.match(await refusalOf({ [name]: undefined }), new RegExp(`^${name} is missing`))
  }
  assert.match(await refusalOf({ LOG_LEVEL: 'loud' }), /^LOG_LEVEL is "loud"/)
})

test('table and bucket of another deployment or stage are refused, and nothing is written to them', async (t) => {
  const other = await startAwsWorld()
  t.after(() => other.close())
  const started = await startWebProcess(other.build('fetch'), other.environment('fetch'))
  await started.stop()
  const { AWS_ENDPOINT_URL_S3: bucket = '', AWS_ENDPOINT_URL_DYNAMODB: table = '' } =
    other.environment('fetch')
  assert.match(await refusalOf({ STAGE: 'prod' }), /The table belongs to the stage dev, and this is prod/)
  // The same names in two accounts: the table says it knows the bucket, so the bucket is told apart by its own name.
  assert.match(
    await refusalOf({ AWS_ENDPOINT_URL_S3: bucket, BUCKET: 'other' }),
    /The bucket other is not of the deployment that the table belongs to/,
  )
  const writes = [...world.calls, ...other.calls].filter(({ action }) =>
    /Put|Update|Delete/.test(action),
  ).length
  await refusalOf({ AWS_ENDPOINT_URL_DYNAMODB: table, STAGE: 'prod' })
  const after = [...world.calls, ...other.calls].filter(({ action }) =>
    /Put|Update|Delete/.test(action),
  ).length
  assert.equal(after, writes)
})
