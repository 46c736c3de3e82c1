// The operator's routes that look into what is stored: who may, what they say, and when they end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ObjectStore } from '../../../shared/ports/objectStore.ts'
import { createTopic, record } from '../../support/logTools.ts'
import { memoryPorts } from '../../support/testCluster.ts'
import { authorizationOf, createTestTenants } from '../../support/testTenants.ts'

/** A cluster `local` with a topic `t` of two flushes, one of them an object. */
async function createWritten(settings: Parameters<typeof createTestTenants>[0] = {}) {
  const tenants = await createTestTenants(settings)
  const cluster = await tenants.tenants.pool.get('local')
  await createTopic(cluster, 't', 2, { 'millrace.write.path': 's3' })
  for (const key of ['a', 'b']) await cluster.produceRecords('t', [record('v', 0, { key: Buffer.from(key) })])
  await cluster.idle()
  const objects = (await tenants.deps.objects.list('local/log/', { limit: 10 })).objects
  return { ...tenants, cluster, names: objects.map(({ name }) => name) }
}

const linesOf = async (response: Response) =>
  (await response.text())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

const verify = 'compaction:verify'

test('verify streams findings and progress as lines, a summary last', async () => {
  const { app, deps, names, operatorKey } = await createWritten()
  const [first = ''] = names
  await deps.objects.delete([first])
  const headers = { authorization: authorizationOf(operatorKey) }
  const response = await app.request(`/v3/clusters/local/${verify}`, { method: 'POST', headers })
  assert.deepEqual([response.status, response.headers.get('content-type')], [200, 'application/x-ndjson'])
  const lines = await linesOf(response)
  const [found, ...others] = lines.flatMap(({ finding }) => finding ?? [])
  assert.deepEqual([found.kind, found.what, others], ['dangling', `object ${first} is missing`, []])
  // Names of the same millisecond come in any order.
  assert.match(found.place, /^t-[01]$/)
  assert.deepEqual(lines.at(-2), { progress: { partitions_done: 2, partitions: 2 } })
  const { findings, bytes, ...summary } = lines.at(-1).summary
  assert.ok(bytes > 0)
  assert.deepEqual(findings, { dangling: 1, overlap: 0, hole: 0, orphan: 0 })
  const counts = {
    topics: 1,
    partitions: 2,
    segments: 0,
    extents: 2,
    objects: 1,
    inline_items: 0,
    retired: 0,
  }
  assert.deepEqual(summary, { ...counts, unfinished: false })
})

test('dump prints the lines of dump-log, data only when it is asked for', async () => {
  const { app, names, operator, operatorKey } = await createWritten()
  const headers = { authorization: authorizationOf(operatorKey) }
  const dump = async (query: string) =>
    linesOf(await app.request(`/v3/clusters/local/compaction:dump?${query}`, { headers }))
  const name = encodeURIComponent(names[0] ?? '')
  const plain = await dump(`object_name=${name}`)
  assert.equal(plain[0].text, `Dumping ${names[0]}`)
  assert.deepEqual([plain.length, plain.every((line) => line.is_valid)], [5, true])
  assert.ok(!JSON.stringify(plain).includes('payload'))
  assert.match((await dump(`object_name=${name}&print_data=true`))[2].text, /key: [ab] payload: v$/)
  const absent = `object_name=${'0'.repeat(32)}`
  assert.equal((await operator('GET', `/compaction:dump?${absent}`)).status, 404)
  const wrong = await operator('GET', '/compaction:dump?object_name=what')
  assert.deepEqual([wrong.status, /^what is not the name/.test(wrong.body.message)], [400, true])
  assert.equal((await operator('GET', '/compaction:dump')).status, 400)
})

test('nobody but operators may look into what is stored, of their own cluster neither', async () => {
  const { names, keyOf } = await createWritten()
  const tenant = await keyOf('User:alice')
  const dump = `/compaction:dump?object_name=${encodeURIComponent(names[0] ?? '')}`
  assert.equal((await tenant('POST', `/${verify}`)).status, 404)
  assert.equal((await tenant('GET', dump)).status, 404)
})

test('a walk ends when its time is over, and says so', async () => {
  const { app, operatorKey } = await createWritten({ edge: { limits: { ...limits, streamMsMax: 0 } } })
  const headers = { authorization: authorizationOf(operatorKey) }
  const lines = await linesOf(await app.request(`/v3/clusters/local/${verify}`, { method: 'POST', headers }))
  const { unfinished, partitions, objects } = lines.at(-1).summary
  assert.deepEqual({ unfinished, partitions, objects }, { unfinished: true, partitions: 0, objects: 0 })
})

test('a walk ends when its caller has gone', async () => {
  const ports = memoryPorts()
  const reading = Promise.withResolvers<void>()
  const free = Promise.withResolvers<void>()
  let reads = 0
  const objects: ObjectStore = {
    ...ports.objects,
    async getRange(...range) {
      reads++
      reading.resolve()
      await free.promise
      return ports.objects.getRange(...range)
    },
    list: (prefix, page) => {
      if (reads > 0) assert.fail('the caller has gone')
      return ports.objects.list(prefix, page)
    },
  }
  const { app, operatorKey } = await createWritten({ ports: { ...ports, objects } })
  const headers = { authorization: authorizationOf(operatorKey) }
  const gone = new AbortController()
  const request = new Request(`http://localhost/v3/clusters/local/${verify}`, {
    method: 'POST',
    headers,
    signal: gone.signal,
  })
  const answer = Promise.resolve(app.request(request))
  await reading.promise
  gone.abort()
  free.resolve()
  const lines = await linesOf(await answer)
  assert.deepEqual([reads, lines.at(-1).summary.unfinished], [1, true])
})

test('a walk that fails before it said anything has a status of its own, and its reason is reported', async () => {
  const ports = memoryPorts()
  let isBroken = false
  const query: typeof ports.table.query = async (range) => {
    if (isBroken && range.pk === 'local/retired') throw new Error('broken')
    return ports.table.query(range)
  }
  const { operator, failures } = await createWritten({
    ports: { ...ports, table: { ...ports.table, query } },
  })
  isBroken = true
  assert.equal((await operator('POST', `/${verify}`)).status, 500)
  assert.deepEqual(failures.map(String), ['Error: broken'])
})

const limits = {
  bodyBytesMax: 1024,
  bodiesBytesMax: 4096,
  answersBytesMax: 4 * 1024 * 1024,
  bodyIdleMsMax: 1000,
  fetchWaitMsMax: 1000,
  batchEntriesMax: 10,
  streamMsMax: 1000,
}
