// Carries out one step of the compactor's measurement and answers what it took. argv: the step as JSON.

import { randomBytes } from 'node:crypto'
import { open, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { encodeBatch } from '../shared/kafka/recordBatch.ts'
import { createScope } from '../shared/metadata/scope.ts'
import { systemClock, systemRandom } from '../shared/runtime/clock.ts'
import type { Cluster } from '../shared/service/cluster.ts'
import { createCompactor, defaultCompactionSettings } from '../shared/service/compactor.ts'
import { createCluster } from '../shared/service/createCluster.ts'
import { defaultClusterSettings } from '../shared/service/settings.ts'
import { openEmbeddedStorage } from '../shared/storage/embedded/open.ts'
import { countCalls } from '../test/support/counting.ts'
import type { Step, StepResult } from './compactionSteps.ts'

type Measured = Pick<StepResult, 'seconds' | 'bytes'> & Partial<StepResult>

const topicName = 'measured'
const mebibyte = 1024 * 1024
const copyBytes = 4 * mebibyte
const requestsAtOnce = 4

const step: Step = JSON.parse(process.argv[2] ?? '')
const measured = step.kind === 'copy' ? await copy(step.folder) : await onStorage(step)
const nothing = { objectReads: 0, objectPuts: 0, tableCalls: 0, objects: 0 }
process.send?.({ ...nothing, ...measured, peakMemoryBytes: process.resourceUsage().maxRSS * 1024 })

async function onStorage(given: Exclude<Step, { kind: 'copy' }>): Promise<Measured> {
  const storage = await openEmbeddedStorage(given.folder)
  const counted = countCalls(storage)
  const deps = {
    objects: counted.objects,
    table: counted.table,
    clock: systemClock,
    random: systemRandom,
    scope: createScope('bench'),
    reportBackgroundFailure: (error: unknown) => {
      throw error
    },
  }
  // An object for each request, however many come at once.
  const flush = { ...defaultClusterSettings.flush, flushRequestsMax: 1 }
  const cluster = createCluster(deps, 'local', { ...defaultClusterSettings, flush })
  let measured: Measured = { seconds: 0, bytes: 0 }
  const calls = await counted.during(async () => {
    if (given.kind === 'write') measured = await write(cluster, given)
    else if (given.kind === 'read') measured = await read(cluster)
    else measured = await compact(cluster, deps, given.kind)
    await cluster.idle()
  })
  const { puts: objectPuts, objectReads } = calls
  await storage.close()
  const objects = (await filesOf(given.folder)).length
  return { ...measured, objects, objectPuts, objectReads, tableCalls: calls.tableReads + calls.tableWrites }
}

async function write(cluster: Cluster, given: Step & { kind: 'write' }): Promise<Measured> {
  const { bytes, batchBytes } = given
  const configs = [{ name: 'millrace.write.path', value: 's3' }]
  await cluster.createTopic({ name: topicName, partitionCount: 1, configs, validateOnly: false })
  const recordsPerBatch = Math.max(1, Math.floor(batchBytes / (given.valueBytes + 30)))
  const batchCount = Math.ceil(bytes / batchBytes)
  const keys = Math.ceil((batchCount * recordsPerBatch) / 2)
  const started = performance.now()
  let written = 0
  let next = 0
  const writeOn = async () => {
    while (next < batchCount) {
      const body = batchOf(next++ * recordsPerBatch, recordsPerBatch, keys, given)
      await cluster.produceBatches(topicName, 0, body)
      written += body.length
    }
  }
  await Promise.all(Array.from({ length: requestsAtOnce }, writeOn))
  return { seconds: since(started), bytes: written }
}

/** Numbers that follow each other get keys that lie apart, so that each batch keeps about half of its records. */
function batchOf(
  first: number,
  count: number,
  keys: number,
  { valueBytes, codec }: Step & { kind: 'write' },
): Uint8Array {
  const timestamp = Date.now()
  const values = randomBytes(count * valueBytes)
  if (codec !== 'none') {
    for (let end = valueBytes; end <= values.length; end += valueBytes)
      values.fill(' ', end - valueBytes / 2, end)
  }
  const records = Array.from({ length: count }, (_, i) => ({
    timestamp,
    key: Buffer.from(`key-${((first + i) * 7919) % keys}`),
    value: values.subarray(i * valueBytes, (i + 1) * valueBytes),
    headers: [],
  }))
  return encodeBatch({ records, codec })
}

type CompactorDeps = Parameters<typeof createCompactor>[0]

async function compact(cluster: Cluster, deps: CompactorDeps, what: 'merge' | 'clean'): Promise<Measured> {
  const policy = { operation: 'SET', name: 'cleanup.policy', value: 'compact' } as const
  if (what === 'clean') await cluster.alterConfigs(topicName, [policy], false)
  const compactor = createCompactor(deps, { ...defaultCompactionSettings, reconcileAgeMs: 0 })
  const started = performance.now()
  await compactor.run({ deadlineMs: Number.POSITIVE_INFINITY, topicName })
  const seconds = since(started)
  const { bytesRead, bytesWritten, recordsDropped } = compactor.report.counters
  if (what === 'clean' && recordsDropped === 0) throw new Error('nothing was compacted by key')
  // Compaction by key reads everything twice: for the keys, then to rewrite it.
  return { seconds, bytes: what === 'merge' ? bytesWritten : bytesRead / 2 }
}

async function read(cluster: Cluster): Promise<Measured> {
  const started = performance.now()
  let bytes = 0
  for (let offset = 0; ; ) {
    const partitions = [{ partition: 0, offset, maxBytes: mebibyte }]
    const request = { topicName, partitions, maxBytes: 50 * mebibyte, minBytes: 0, maxWaitMs: 0 }
    const [fetched] = await cluster.fetch(request)
    if (fetched?.error) throw fetched.error
    const last = fetched?.batches.at(-1)
    if (!last) break
    for (const batch of fetched?.batches ?? []) bytes += batch.length
    const header = new DataView(last.buffer, last.byteOffset)
    offset = Number(header.getBigInt64(0)) + header.getInt32(23) + 1
  }
  return { seconds: since(started), bytes }
}

async function copy(folder: string): Promise<Measured> {
  const files = await filesOf(folder)
  const target = path.join(folder, 'copy.tmp')
  const buffer = Buffer.alloc(copyBytes)
  const started = performance.now()
  const output = await open(target, 'w')
  let bytes = 0
  for (const file of files) {
    const input = await open(file, 'r')
    for (;;) {
      const { bytesRead } = await input.read(buffer, 0, copyBytes)
      if (bytesRead === 0) break
      await output.write(buffer, 0, bytesRead)
      bytes += bytesRead
    }
    await input.close()
  }
  await output.sync()
  await output.close()
  const seconds = since(started)
  await rm(target)
  return { seconds, bytes, objects: files.length }
}

async function filesOf(folder: string): Promise<readonly string[]> {
  const entries = await readdir(path.join(folder, 'objects', 'stored'), {
    recursive: true,
    withFileTypes: true,
  })
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => path.join(parentPath, name))
}

function since(startedMs: number): number {
  return (performance.now() - startedMs) / 1000
}
