// Writers, readers, compactors and a collector at once on one folder, and a process that is killed again and again.
// At the end the log is compared, key by key, with what was acknowledged.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { createHost, type Host } from './host.ts'
import { createModel, type Model } from './model.ts'
import { type ReaderDeps, readOn, walk } from './readers.ts'
import type { Slot } from './records.ts'
import { checkRemains, type PartitionPlace } from './remains.ts'
import { type WriterDeps, writeOn } from './writers.ts'

export interface TortureOptions {
  readonly records: number
  readonly keys: number
  readonly kills: number
}

export interface TortureProgress {
  readonly acknowledged: number
  readonly read: number
  readonly kills: number
}

export interface TortureResult extends TortureProgress {
  /** Empty: nothing was lost, invented, moved or left dangling. */
  readonly differences: readonly string[]
  readonly walks: number
  /** What a full read finds in the end. */
  readonly keysLeft: number
  readonly objectsLeft: number
  readonly seconds: number
  /** Of the last three processes; what the killed ones did is not known. */
  readonly segmentsWritten: number
  readonly recordsDropped: number
}

const writersPerSlot = 2
const readerCount = 3
const tombstonesStayMs = 3000
const bytesPerRecord = 130

const topics = [
  { name: 'compacted', partitionCount: 8, policy: 'compact', forgets: false },
  { name: 'compacted-and-deleted', partitionCount: 2, policy: 'compact,delete', forgets: true },
] as const

const slots: readonly Slot[] = topics.flatMap(({ name, partitionCount, forgets }) =>
  Array.from({ length: partitionCount }, (_, partition) => ({ topicName: name, partition, forgets })),
)

export async function runTorture(
  options: TortureOptions,
  onProgress: (progress: TortureProgress) => void = () => undefined,
): Promise<TortureResult> {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-torture-'))
  const writerCount = slots.length * writersPerSlot
  const model = createModel({ slots, writerCount, keyCount: options.keys, startMs: Date.now() })
  const host = createHost(folder, offsetMapEntries(options.keys), model.report)
  try {
    await host.start()
    return await torture(options, { folder, model, host, writerCount, onProgress })
  } finally {
    await host.stop()
    await rm(folder, { recursive: true })
  }
}

interface Scene {
  readonly folder: string
  readonly model: Model
  readonly host: Host
  readonly writerCount: number
  readonly onProgress: (progress: TortureProgress) => void
}

async function torture(options: TortureOptions, scene: Scene): Promise<TortureResult> {
  const { host, model, writerCount } = scene
  const startedMs = performance.now()
  const places = await createTopics(host, options.keys)
  const killAt = killPoints(options)
  let left = options.records
  let acknowledged = 0
  let read = 0
  let writing = true
  let killing = Promise.resolve()
  const progress = () => ({ acknowledged, read, kills: host.kills() })
  const killWhenDue = async () => {
    while (acknowledged >= (killAt[0] ?? Number.POSITIVE_INFINITY)) {
      killAt.shift()
      await host.kill()
    }
  }
  const isBroken = () => model.differences.length > 0
  const writerDeps: WriterDeps = {
    ...{ host, model, slots, isOver: isBroken },
    take(count) {
      const taken = Math.min(count, left)
      left -= taken
      return taken
    },
    onAcknowledged(count) {
      acknowledged += count
      scene.onProgress(progress())
      killing = killing.then(killWhenDue)
    },
  }
  const onRead = (count: number) => {
    read += count
  }
  const readers = Array.from({ length: readerCount }, (_, reader) =>
    readOn({ host, model, slots, isOver: () => isBroken() || !writing, onRead }, reader, tombstonesStayMs),
  )
  await Promise.all(Array.from({ length: writerCount }, (_, writer) => writeOn(writerDeps, writer)))
  await killing
  // Compaction gets its turn at what was written last, and readers meet what it does before tombstones may go.
  await setTimeout(tombstonesStayMs / 2)
  writing = false
  const walks = (await Promise.all(readers)).reduce((sum, count) => sum + count, 0)
  const end = await compareAtEnd({ host, model, slots, isOver: isBroken, onRead }, scene.folder, places)
  return {
    ...progress(),
    ...end,
    walks,
    differences: model.differences,
    seconds: (performance.now() - startedMs) / 1000,
  }
}

/**
 * Once as it is; then by two processes, hours later each, that do all that is due: what the first one leaves behind is
 * old enough for the second one to delete, so that no object without a name may remain.
 */
async function compareAtEnd(
  deps: ReaderDeps,
  folder: string,
  places: readonly PartitionPlace[],
): Promise<Pick<TortureResult, 'keysLeft' | 'objectsLeft' | 'segmentsWritten' | 'recordsDropped'>> {
  const { host, model } = deps
  await compareAll(deps, () => Math.max(performance.now() - tombstonesStayMs, host.startedMs()))
  const done = { segmentsWritten: 0, recordsDropped: 0 }
  if (model.differences.length > 0) return { keysLeft: 0, objectsLeft: 0, ...done }
  await addCounters(host, done)
  for (let process = 0; process < 2; process++) {
    await host.kill()
    await host.ask({ kind: 'settle' })
    await addCounters(host, done)
  }
  const keysLeft = await compareAll(deps, () => Number.POSITIVE_INFINITY)
  await host.stop()
  const objectsLeft = await checkRemains(folder, places, model)
  return { keysLeft, objectsLeft, ...done }
}

async function addCounters(
  host: Host,
  done: { segmentsWritten: number; recordsDropped: number },
): Promise<void> {
  const counters = (await host.ask({ kind: 'report' })) as readonly (typeof done)[]
  for (const { segmentsWritten, recordsDropped } of counters) {
    done.segmentsWritten += segmentsWritten
    done.recordsDropped += recordsDropped
  }
}

async function compareAll(deps: ReaderDeps, tombstonesSinceMs: () => number): Promise<number> {
  let keys = 0
  for (const slot of deps.slots.keys()) {
    const read = await walk(deps, slot)
    if (read) deps.model.compareAtEnd(slot, read, tombstonesSinceMs())
    keys += read?.lastOffsets.size ?? 0
  }
  return keys
}

async function createTopics(host: Host, keys: number): Promise<readonly PartitionPlace[]> {
  const places: PartitionPlace[] = []
  for (const { name, partitionCount, policy } of topics) {
    const configs = {
      'cleanup.policy': policy,
      'min.cleanable.dirty.ratio': '0.01',
      'delete.retention.ms': String(tombstonesStayMs),
      'retention.bytes': String(Math.ceil((keys / slots.length / 2) * bytesPerRecord)),
    }
    const topic = {
      name,
      partitionCount,
      configs: Object.entries(configs).map(([config, value]) => ({ name: config, value })),
      validateOnly: false,
    }
    const { topicId } = (await host.ask({ kind: 'createTopic', topic })) as { topicId: string }
    for (let partition = 0; partition < partitionCount; partition++) places.push({ topicId, partition })
  }
  return places
}

/** Too few for a partition's keys, so that passes end where the map is full. */
const offsetMapEntries = (keys: number): number => Math.max(10, Math.floor((keys / slots.length) * 0.6))

/** After how many acknowledged records: one in each of as many stretches, anywhere in it. */
function killPoints({ records, kills }: TortureOptions): number[] {
  return Array.from({ length: kills }, (_, i) => Math.floor(((i + Math.random()) * records) / kills))
}
