import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createApp } from '../../../shared/http/app.ts'
import { accessTo } from '../../../shared/http/clusters.ts'
import { createScope } from '../../../shared/metadata/scope.ts'
import { systemRandom } from '../../../shared/runtime/clock.ts'
import { createCompaction } from '../../../shared/service/compaction.ts'
import { createCompactor, defaultCompactionSettings } from '../../../shared/service/compactor.ts'
import { createCall } from '../../support/call.ts'
import { createEdge } from '../../support/edgeDeps.ts'
import { createTopic, record, virtualPorts } from '../../support/logTools.ts'
import { createTestCluster } from '../../support/testCluster.ts'

const hour = 3600_000

/** A cluster with a topic `t`, its compactor, and the app on both. */
async function createServed(configs: Readonly<Record<string, string>> = {}) {
  const ports = virtualPorts()
  const cluster = createTestCluster(ports)
  await createTopic(cluster, 't', 1, configs)
  const compactor = createCompactor(
    { ...ports, random: systemRandom, scope: createScope('test'), reportBackgroundFailure: () => undefined },
    defaultCompactionSettings,
  )
  const compaction = createCompaction(compactor, ports.clock, 60_000)
  const { deps, failures } = createEdge({
    authenticate: () => Promise.resolve(accessTo(cluster, compaction)),
    clock: ports.clock,
  })
  const app = createApp(deps)
  const call = createCall(app, '/v3/clusters/local')
  const produce = async (...keys: readonly string[]) => {
    for (const key of keys) await cluster.produceRecords('t', [record('v', 0, { key: Buffer.from(key) })])
    await cluster.idle()
  }
  return { app, call, cluster, compactor, failures, ports, produce }
}

const run = (body: unknown) => ['POST', '/compaction:run', body] as const

test('a run over a topic does at once what a dry run says it would', async () => {
  const { call, produce } = await createServed({ 'cleanup.policy': 'compact' })
  await produce('a', 'b', 'a')
  const dry = await call(...run({ topic_name: 't', dry_run: true }))
  assert.equal(dry.status, 200)
  const [preview] = dry.body.previews
  assert.deepEqual(
    { ...preview, merge_bytes: 0 },
    { topic_name: 't', partition_id: 0, merge_bytes: 0, merge_extents: 3, clean_bytes: 0 },
  )
  assert.deepEqual([dry.body.dry_run, dry.body.counters.segments_written], [true, 0])
  const { body } = await call(...run({ topic_name: 't' }))
  assert.deepEqual([body.dry_run, body.unfinished, body.previews], [false, false, []])
  assert.deepEqual([body.counters.segments_written, body.counters.records_dropped], [2, 1])
  assert.ok(body.counters.bytes_written > 0)
  const again = await call(...run({ topic_name: 't', dry_run: true }))
  assert.deepEqual(again.body.previews, [])
})

test('a run without a topic takes what is due and leaves what is young', async () => {
  const { call, ports, produce } = await createServed()
  await produce('a')
  const young = await call(...run({}))
  assert.equal(young.body.counters.segments_written, 0)
  ports.clock.advance(hour)
  const preview = await call(...run({ dry_run: true }))
  assert.equal(preview.body.previews.length, 1)
  const old = await call(...run({}))
  assert.equal(old.body.counters.segments_written, 1)
})

test('a collection names what it deletes, and a dry one what it would delete', async () => {
  const { call, ports, produce } = await createServed()
  await produce('a')
  await call(...run({ topic_name: 't' }))
  for (let i = 0; i < 3; i++) {
    ports.clock.advance(4 * hour)
    await call(...run({ topic_name: 't' }))
  }
  const dry = await call(...run({ collect: true, dry_run: true }))
  assert.equal(dry.body.collected_count, 1)
  assert.match(dry.body.collected[0], /^test\/inline\//)
  assert.equal(dry.body.counters.items_deleted, 0)
  const real = await call(...run({ collect: true }))
  assert.deepEqual(real.body.collected, dry.body.collected)
  assert.equal(real.body.counters.items_deleted, 1)
  assert.equal((await call(...run({ collect: true, dry_run: true }))).body.collected_count, 0)
})

test('the state counts since the start, and has objects by level from the first collection on', async () => {
  const { call, produce } = await createServed()
  await produce('a')
  const before = await call('GET', '/compaction')
  assert.equal(before.body.objects, null)
  assert.equal(before.body.cluster_id, 'local')
  await call(...run({ topic_name: 't', collect: true }))
  const after = await call('GET', '/compaction')
  assert.equal(after.body.counters.segments_written, 1)
  assert.equal(after.body.objects.segment.objects, 1)
  assert.deepEqual(after.body.objects.flush, { objects: 0, bytes: 0 })
  assert.deepEqual(after.body.uncleanable_partitions, [])
})

test('a partition that cannot be compacted is shown with the reason, here and in the metrics', async () => {
  const { app, call, produce, cluster, ports } = await createServed()
  await produce('a')
  const { topicId } = await cluster.describeTopic('t')
  const sequencer = await ports.table.get(createScope('test').sequencer(topicId, 0))
  const [entry] = Array.isArray(sequencer?.attributes.tail) ? sequencer.attributes.tail : []
  assert.ok(entry instanceof Uint8Array)
  const id = Buffer.from(entry).toString('hex', 2, 18)
  await ports.table.write({ kind: 'delete', key: createScope('test').inlineData(id) })
  const { body } = await call(...run({ topic_name: 't' }))
  assert.equal(body.uncleanable_partitions.length, 1)
  assert.equal(body.uncleanable_partitions[0].topic_partition, 't-0')
  assert.match(body.uncleanable_partitions[0].reason, new RegExp(`object ${id} are missing`))
  const metrics = await (await app.request('/metrics')).text()
  assert.match(metrics, /^kafka_log_logcleanermanager_uncleanable_partitions_count\{cluster_id="local"\} 1$/m)
})

test('the share that is written again and the time since the last run are Kafka’s own', async () => {
  const { app, call, produce, ports } = await createServed({ 'cleanup.policy': 'compact' })
  const fresh = await call('GET', '/compaction')
  assert.deepEqual([fresh.body.cleaner_recopy_percent, fresh.body.time_since_last_run_ms], [0, null])
  await produce('a', 'b', 'a', 'a')
  await call(...run({ topic_name: 't' }))
  ports.clock.advance(5000)
  const { body } = await call('GET', '/compaction')
  assert.equal(body.time_since_last_run_ms, 5000)
  assert.equal(body.cleaner_recopy_percent, 50, 'two of four batches of one size')
  const metrics = await (await app.request('/metrics')).text()
  assert.match(metrics, /^kafka_log_logcleaner_cleaner_recopy_percent\{cluster_id="local"\} 50$/m)
  assert.match(metrics, /^kafka_log_logcleanermanager_time_since_last_run_ms\{cluster_id="local"\} 5000$/m)
})

test('unknown topics, wrong fields, other clusters and a process with no compactor are refused', async () => {
  const { call, app } = await createServed()
  const unknown = await call(...run({ topic_name: 'nope' }))
  assert.deepEqual([unknown.status, unknown.body.error_code], [404, 40403])
  for (const body of [{ topic_name: 7 }, { collect: 'yes' }, { dry_run: 1 }, []]) {
    assert.equal((await call(...run(body))).status, 400, JSON.stringify(body))
  }
  assert.equal((await call('PUT', '/compaction', {})).status, 405)
  const elsewhere = createCall(app, '/v3/clusters/elsewhere')
  assert.equal((await elsewhere('GET', '/compaction')).status, 404)
  assert.equal((await elsewhere(...run({}))).status, 404)
  const cluster = createTestCluster()
  const bare = createApp(createEdge({ authenticate: () => Promise.resolve(accessTo(cluster)) }).deps)
  const refused = await createCall(bare, '/v3/clusters/local')('GET', '/compaction')
  assert.deepEqual([refused.status, refused.body.error_code], [404, 404])
  assert.match(refused.body.message, /No compactor of cluster local/)
  assert.equal(await (await bare.request('/metrics')).text(), '')
})

test('two runs at once come one after the other', async () => {
  const { call, produce, failures } = await createServed()
  await produce('a', 'b')
  const [one, two] = await Promise.all([call(...run({ topic_name: 't' })), call(...run({ topic_name: 't' }))])
  assert.deepEqual([one.status, two.status], [200, 200])
  const written = [one, two].map(({ body }) => body.counters.segments_written)
  assert.deepEqual(written, [1, 0])
  assert.deepEqual(failures, [])
})

test('metrics are in the text format, every sample under its own HELP and TYPE', async () => {
  const { app, call, produce } = await createServed()
  await produce('a')
  await call(...run({ topic_name: 't', collect: true }))
  const response = await app.request('/metrics')
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  const text = await response.text()
  assert.ok(text.endsWith('\n'))
  const described = new Set<string>()
  for (const line of text.trimEnd().split('\n')) {
    const [, comment, name = ''] = /^# (HELP|TYPE) (\w+) \S/.exec(line) ?? []
    if (comment === 'TYPE') described.add(name)
    const sample = /^(\w+)\{cluster_id="local"(,level="(flush|segment)")?\} \d+(\.\d+)?$/.exec(line)
    assert.ok(comment || (sample && described.has(sample[1] ?? '')), line)
  }
  const ofKafka = [
    'uncleanable_partitions_count',
    'max_clean_time_secs',
    'max_compaction_delay_secs',
    'cleaner_recopy_percent',
    'time_since_last_run_ms',
  ]
  for (const name of ofKafka) {
    assert.ok(
      [...described].some((metric) => metric.endsWith(name)),
      name,
    )
  }
  assert.match(text, /^millrace_compaction_segments_written_total\{cluster_id="local"\} 1$/m)
  assert.match(text, /^millrace_objects\{cluster_id="local",level="segment"\} 1$/m)
})
