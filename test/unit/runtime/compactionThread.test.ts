// Compaction of one machine as it is: on files, in the thread that compacts.
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { createScope } from '../../../shared/metadata/scope.ts'
import { systemClock, systemRandom } from '../../../shared/runtime/clock.ts'
import { createCompactionThread } from '../../../shared/runtime/compactionThread.ts'
import { startCompactions } from '../../../shared/runtime/localCompaction.ts'
import { createCluster } from '../../../shared/service/createCluster.ts'
import { defaultClusterSettings } from '../../../shared/service/settings.ts'
import { type Connection, openEmbeddedStorage } from '../../../shared/storage/embedded/open.ts'
import { keyed, produceEach, readLog, shown } from '../../support/compactorTools.ts'
import { createTopic } from '../../support/logTools.ts'

/** A server's compaction on a folder of its own; `puts`: names of objects that this thread stored. */
async function createMachine(context: TestContext, connection = (whole: Connection) => whole) {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-thread-'))
  const storage = await openEmbeddedStorage(folder)
  const puts: string[] = []
  const failures: string[] = []
  const deps = {
    table: storage.table,
    objects: {
      ...storage.objects,
      putIfAbsent: (...[name, parts]: Parameters<typeof storage.objects.putIfAbsent>) => {
        puts.push(name)
        return storage.objects.putIfAbsent(name, parts)
      },
    },
    clock: systemClock,
    random: systemRandom,
    reportBackgroundFailure: (error: unknown) => failures.push(String(error)),
    startPartitionWorkers: createCompactionThread(() => connection(storage.connect())),
  }
  const only = { clusterId: 'local', state: 'ACTIVE', deletedMs: undefined } as const
  const config = { compactionIntervalMs: 0, dedupeBufferBytes: 1024 * 1024 }
  const compactions = startCompactions(deps, () => Promise.resolve([only]), config)
  const cluster = createCluster({ ...deps, scope: createScope('local') }, 'local', defaultClusterSettings)
  const compactNow = () => compactions.of('local').run({ topicName: 't', collect: false, dryRun: false })
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= Promise.all([cluster.idle(), compactions.stop()]).then(() => storage.close())
    return closed
  }
  context.after(async () => {
    // Threads that go on would hold the process of a test that failed.
    await close()
    await rm(folder, { recursive: true })
  })
  return { folder, cluster, compactions, compactNow, puts, failures, close }
}

const eager = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' }

const versions = (count: number) => Array.from({ length: count }, (_, i) => keyed(`k${i % 3}`, `v${i}`))

test('partitions are compacted in the thread, and what it did is told here', async (context) => {
  const { cluster, compactions, compactNow, puts, failures, close } = await createMachine(context)
  await createTopic(cluster, 't', 1, eager)
  await produceEach(cluster, versions(9))
  const { unfinished, counters } = await compactNow()
  assert.deepEqual(
    { unfinished, recordsDropped: counters.recordsDropped },
    { unfinished: false, recordsDropped: 6 },
  )
  assert.deepEqual(shown(await readLog(cluster)), ['6:k0=v6', '7:k1=v7', '8:k2=v8'])
  assert.deepEqual(compactions.of('local').report.counters, counters)
  assert.deepEqual(puts, [])
  await produceEach(cluster, versions(3))
  assert.equal((await compactNow()).counters.recordsDropped, 3)
  await close()
  assert.deepEqual(failures, [])
})

test('a thread that cannot begin fails its turn and says why, and the next turn begins another', async (context) => {
  let isBroken = true
  const connection = (whole: Connection): Connection =>
    isBroken ? { ...whole, folder: path.join(whole.folder, 'FORMAT') } : whole
  const { cluster, compactions, compactNow, failures, close } = await createMachine(context, connection)
  await createTopic(cluster, 't', 1, eager)
  await produceEach(cluster, versions(9))
  await compactNow()
  const { report } = compactions.of('local')
  assert.match(report.uncleanable.get('t-0') ?? '', /^the thread that compacts ended: E/)
  assert.equal(failures.length, 1)
  isBroken = false
  await compactNow()
  assert.deepEqual([...report.uncleanable], [])
  assert.deepEqual(shown(await readLog(cluster)), ['6:k0=v6', '7:k1=v7', '8:k2=v8'])
  await close()
})

test('a turn that fails in the thread says what it found, and the thread goes on', async (context) => {
  const { folder, cluster, compactions, compactNow, failures, close } = await createMachine(context)
  for (const topicName of ['t', 'u']) {
    await createTopic(cluster, topicName, 1, eager)
    await produceEach(cluster, versions(9), topicName)
  }
  await compactNow()
  await damageSegments(folder)
  await produceEach(cluster, versions(3))
  await compactNow()
  const { run, report } = compactions.of('local')
  assert.match(report.uncleanable.get('t-0') ?? '', /^The stored batch at object .* is damaged/)
  assert.equal((await run({ topicName: 'u', collect: false, dryRun: false })).counters.recordsDropped, 6)
  await close()
  assert.equal(failures.length, 1)
})

async function damageSegments(folder: string): Promise<void> {
  const stored = path.join(folder, 'objects', 'stored')
  const entries = await readdir(stored, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
  assert.ok(files.length > 0)
  for (const file of files) {
    const bytes = await readFile(file)
    await writeFile(file, bytes.fill(0xff, 61, 80))
  }
}

test('a stop waits for the turn under way, and loses nothing', async (context) => {
  const { folder, cluster, compactNow, failures, close } = await createMachine(context)
  await createTopic(cluster, 't', 1, eager)
  await produceEach(cluster, versions(9))
  const run = compactNow()
  await close()
  await run
  assert.deepEqual(failures, [])
  const again = await openEmbeddedStorage(folder)
  const deps = {
    ...again,
    clock: systemClock,
    random: systemRandom,
    reportBackgroundFailure: () => assert.fail(),
  }
  const reopened = createCluster({ ...deps, scope: createScope('local') }, 'local', defaultClusterSettings)
  const kept = new Set(shown(await readLog(reopened)))
  for (const record of ['6:k0=v6', '7:k1=v7', '8:k2=v8']) assert.ok(kept.has(record), record)
  await again.close()
})
