// What operations consume of the storage, counted on the adapters in memory, which count as DynamoDB and S3 bill.

import { createHash } from 'node:crypto'
import { limits } from '../shared/base/limits.ts'
import { createScope } from '../shared/metadata/scope.ts'
import type { ObjectStore } from '../shared/ports/objectStore.ts'
import { systemRandom } from '../shared/runtime/clock.ts'
import { createCompactor, defaultCompactionSettings } from '../shared/service/compactor.ts'
import { createCluster } from '../shared/service/createCluster.ts'
import { defaultClusterSettings } from '../shared/service/settings.ts'
import { partBytes } from '../shared/storage/aws/multipart.ts'
import { createMemoryObjectStore } from '../shared/storage/memory/objectStore.ts'
import { createMemoryTable, type MemoryTable } from '../shared/storage/memory/table.ts'
import { createTopic, fetchRequest, record } from '../test/support/logTools.ts'
import { createVirtualClock } from '../test/support/virtualClock.ts'

export interface Units {
  readonly puts: number
  readonly gets: number
  readonly writeUnits: number
  readonly readUnits: number
}

/** Lists are priced as puts; an object of several parts is begun and completed too. */
function countRequests(objects: ObjectStore) {
  const counted = { puts: 0, gets: 0 }
  const store: ObjectStore = {
    ...objects,
    putIfAbsent: (name, parts) => {
      const bytes = parts.reduce((sum, { byteLength }) => sum + byteLength, 0)
      counted.puts += bytes > partBytes ? 2 + Math.ceil(bytes / partBytes) : 1
      return objects.putIfAbsent(name, parts)
    },
    getRange: (...args) => {
      counted.gets += 1
      return objects.getRange(...args)
    },
    list: (...args) => {
      counted.puts += 1
      return objects.list(...args)
    },
  }
  return { counted, store }
}

/** A deployment whose consumption is counted, with a topic of 16 partitions. */
export async function createCounted() {
  const memory = createMemoryTable()
  const operations = new Set<string>()
  const table: MemoryTable = {
    ...memory,
    get: (key) => {
      operations.add('GetItem')
      return memory.get(key)
    },
    query: (request) => {
      operations.add('Query')
      return memory.query(request)
    },
  }
  const { counted, store } = countRequests(createMemoryObjectStore())
  const deps = {
    table,
    objects: store,
    clock: createVirtualClock(),
    random: systemRandom,
    scope: createScope('local'),
    reportBackgroundFailure: (error: unknown) => {
      throw error
    },
  }
  const cluster = createCluster(deps, 'local', defaultClusterSettings)
  const compactor = createCompactor(deps, defaultCompactionSettings)
  await createTopic(cluster, 't', 16)
  /** For each of `times`, all that follows from it included, but for the compactor. */
  const perTime = async (times: number, work: (i: number) => Promise<unknown>): Promise<Units> => {
    const before = { ...counted, ...table.consumed() }
    for (let i = 0; i < times; i++) await work(i)
    await cluster.idle()
    const after = { ...counted, ...table.consumed() }
    const each = (name: keyof Units) => (after[name] - before[name]) / times
    return {
      puts: each('puts'),
      gets: each('gets'),
      writeUnits: each('writeUnits'),
      readUnits: each('readUnits'),
    }
  }
  return { cluster, compactor, clock: deps.clock, perTime, operations }
}

export type Counted = Awaited<ReturnType<typeof createCounted>>

/** What does not compress, so that sizes are what they say. */
export const textOf = (bytes: number): string =>
  createHash('shake256', { outputLength: Math.ceil(bytes / 2) })
    .update('millrace')
    .digest('hex')
    .slice(0, bytes)

export const append = (counted: Counted, partitions: number, bytes: number) => async (): Promise<void> => {
  const records = Array.from({ length: partitions }, (_, partition) => record(textOf(bytes), partition))
  const outcomes = await counted.cluster.produceRecords('t', records)
  if (!outcomes.every(({ ok }) => ok)) throw new Error(`records of ${bytes} bytes were refused`)
}

/** So many callers at once, whose records end in one flush and its follower. */
export const appendTogether = (counted: Counted, callers: number, bytes: number) => (): Promise<unknown> =>
  Promise.all(Array.from({ length: callers }, append(counted, 1, bytes)))

export async function measureLongPoll(counted: Counted, waitMs: number): Promise<Units> {
  const { offset } = await counted.cluster.listOffsets('t', 0, { kind: 'latest' })
  return counted.perTime(10, () => counted.cluster.fetch(fetchRequest([[0, offset]], { maxWaitMs: waitMs })))
}

/** Merging and collecting what `bytes` left that were appended in objects of `objectBytes`. */
export async function measureMerge(objectBytes: number, bytes: number): Promise<Units> {
  const counted = await createCounted()
  for (let at = 0; at < bytes; at += objectBytes) await append(counted, 1, objectBytes)()
  await counted.cluster.idle()
  counted.clock.advance(3_600_000)
  const units = await counted.perTime(1, () => passes(counted))
  return scaled(units, bytes)
}

async function passes({ compactor, clock }: Counted): Promise<void> {
  await compactor.run({ deadlineMs: clock.now() + 600_000 })
  clock.advance(2 * limits.graceMs)
  await compactor.collect({ deadlineMs: clock.now() + 600_000, dryRun: false })
}

const scaled = (units: Units, bytes: number): Units => {
  const factor = 1024 ** 3 / bytes
  return {
    puts: units.puts * factor,
    gets: units.gets * factor,
    writeUnits: units.writeUnits * factor,
    readUnits: units.readUnits * factor,
  }
}

export interface Idle {
  readonly pass: Units
  readonly collection: Units
  /** Kinds of calls to the storage, listing among them. */
  readonly operations: number
}

/** A pass, and a collection with all that goes with it, where nothing is due. */
export async function measureIdle(): Promise<Idle> {
  const counted = await createCounted()
  await passes(counted)
  const { compactor, clock, perTime, operations } = counted
  operations.clear()
  const deadlineMs = clock.now() + 600_000
  return {
    pass: await perTime(10, () => compactor.run({ deadlineMs })),
    collection: await perTime(10, async () => {
      await compactor.collect({ deadlineMs, dryRun: false })
      await compactor.countObjects(deadlineMs)
      await compactor.sampleRetained(deadlineMs)
    }),
    operations: operations.size + 1,
  }
}
