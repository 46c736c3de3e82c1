// A cluster and compactors on memory and virtual time, for tests of compaction: processes that start afresh, a walk
// over everything that is stored, and a reader that goes on over gaps.
import assert from 'node:assert/strict'
import type { CompactionSettings } from '../../shared/compaction/deps.ts'
import { decodeRecords, type KafkaRecord } from '../../shared/kafka/recordBatch.ts'
import { readHeader } from '../../shared/kafka/recordBatchLayout.ts'
import { createScope } from '../../shared/metadata/scope.ts'
import type { ObjectStore } from '../../shared/ports/objectStore.ts'
import type { Item, Table, TransactWrite } from '../../shared/ports/table.ts'
import type { Random } from '../../shared/ports/world.ts'
import type { Cluster } from '../../shared/service/cluster.ts'
import { createCompactor, defaultCompactionSettings } from '../../shared/service/compactor.ts'
import { createCluster } from '../../shared/service/createCluster.ts'
import { defaultClusterSettings } from '../../shared/service/settings.ts'
import { createMemoryObjectStore } from '../../shared/storage/memory/objectStore.ts'
import { createMemoryTable } from '../../shared/storage/memory/table.ts'
import { createTopic } from './logTools.ts'
import { createVirtualClock } from './virtualClock.ts'

export const minute = 60_000
export const hour = 60 * minute

/** Mulberry32: the same numbers for the same seed. */
export function seededRandom(seed: number): Random {
  let state = seed
  const float = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const bytes = (length: number) => Uint8Array.from({ length }, () => float() * 256)
  return { float, bytes }
}

export interface MillPorts {
  readonly table: Table
  readonly objects: ObjectStore
}

/** A table that knows every pk it was ever asked to write, so that all of it can be walked. */
function createWalkedTable() {
  const memory = createMemoryTable()
  const pks = new Set<string>()
  const note = (writes: readonly TransactWrite[]) => {
    for (const { key } of writes) pks.add(key.pk)
  }
  const table: Table = {
    ...memory,
    write: (write) => {
      note([write])
      return memory.write(write)
    },
    transact: (writes) => {
      note(writes)
      return memory.transact(writes)
    },
  }
  const items = async (): Promise<readonly Item[]> => {
    const found: Item[] = []
    for (const pk of [...pks].sort()) {
      const pageOf = (after?: string) => memory.query({ pk, limit: 1000, ...(after ? { after } : {}) })
      let page = await pageOf()
      for (; page.next !== undefined; page = await pageOf(page.next)) found.push(...page.items)
      found.push(...page.items)
    }
    return found
  }
  return { table, items }
}

async function namesIn(objects: ObjectStore): Promise<readonly string[]> {
  const names: string[] = []
  const pageOf = (after?: string) => objects.list('test/', { limit: 1000, ...(after ? { after } : {}) })
  let page = await pageOf()
  for (; page.next !== undefined; page = await pageOf(page.next))
    names.push(...page.objects.map((o) => o.name))
  return [...names, ...page.objects.map((o) => o.name)]
}

/** Ports that are given stand between a process and the storage; the walk sees the storage itself. */
export function createMill(seed = 1) {
  const clock = createVirtualClock()
  const random = seededRandom(seed)
  const objects = createMemoryObjectStore()
  const { table, items } = createWalkedTable()
  const scope = createScope('test')
  const failures: unknown[] = []
  const depsOn = (ports: Partial<MillPorts>) => ({
    table,
    objects,
    ...ports,
    clock,
    random,
    scope,
    reportBackgroundFailure: (error: unknown) => failures.push(error),
  })

  return {
    clock,
    random,
    scope,
    table,
    objects,
    /** What ran in the background reported. */
    failures,
    depsOn,
    items,
    objectNames: () => namesIn(objects),
    cluster: (ports: Partial<MillPorts> = {}) =>
      createCluster(depsOn(ports), 'local', defaultClusterSettings),
    compactor: (settings: Partial<CompactionSettings> = {}, ports: Partial<MillPorts> = {}) =>
      createCompactor(depsOn(ports), { ...defaultCompactionSettings, ...settings }),
  }
}

export type Mill = ReturnType<typeof createMill>
export type TestCompactor = ReturnType<Mill['compactor']>

/** One pass over what is due, with all the time it wants. */
export const pass = (mill: Mill, compactor: TestCompactor) =>
  compactor.run({ deadlineMs: mill.clock.now() + 10 * hour })

export const collectAll = (mill: Mill, compactor: TestCompactor, dryRun = false) =>
  compactor.collect({ deadlineMs: mill.clock.now() + 10 * hour, dryRun })

/** What was written has become old enough to be merged, and is. */
export async function settle(mill: Mill, compactor: TestCompactor): Promise<void> {
  mill.clock.advance(11 * minute)
  await pass(mill, compactor)
}

export const keyed = (key: string | null, value: string | null, more: { timestamp?: number } = {}) => ({
  partition: 0,
  key: key === null ? null : Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
  headers: [],
  ...more,
})

/** Every batch from an offset on, as a reader gets it that goes on behind what it was given. */
export async function readBatchesFrom(
  cluster: Cluster,
  topicName: string,
  partition: number,
  from: number,
  maxBytes = 1 << 20,
): Promise<Uint8Array[]> {
  const all: Uint8Array[] = []
  for (let offset = from; ; ) {
    const partitions = [{ partition, offset, maxBytes }]
    const [fetched] = await cluster.fetch({ topicName, partitions, maxBytes, minBytes: 1, maxWaitMs: 0 })
    assert.ok(
      fetched && !fetched.error,
      `offset ${offset} of ${topicName}-${partition}: ${fetched?.error?.message}`,
    )
    const last = fetched.batches.at(-1)
    if (!last) return all
    all.push(...fetched.batches)
    const { baseOffset, lastOffsetDelta } = readHeader(last)
    assert.ok(baseOffset + lastOffsetDelta >= offset, 'a fetch goes forward')
    offset = baseOffset + lastOffsetDelta + 1
  }
}

export async function readFrom(
  cluster: Cluster,
  topicName: string,
  partition: number,
  from: number,
  maxBytes?: number,
): Promise<KafkaRecord[]> {
  const batches = await readBatchesFrom(cluster, topicName, partition, from, maxBytes)
  const records = batches.flatMap((batch) => decodeRecords(batch, 1 << 26))
  return records.filter(({ offset }) => offset >= from)
}

export async function readLog(cluster: Cluster, topicName = 't', partition = 0): Promise<KafkaRecord[]> {
  const { offset } = await cluster.listOffsets(topicName, partition, { kind: 'earliest' })
  return readFrom(cluster, topicName, partition, offset)
}

export const text = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString()

/** `offset:key=value`, short to compare. */
export const shown = (records: readonly KafkaRecord[]): string[] =>
  records.map(({ offset, key, value }) => `${offset}:${text(key)}=${text(value)}`)

export const produceEach = async (
  cluster: Cluster,
  records: readonly ReturnType<typeof keyed>[],
  topicName = 't',
): Promise<void> => {
  for (const one of records) {
    const [outcome] = await cluster.produceRecords(topicName, [one])
    assert.ok(outcome?.ok, outcome && !outcome.ok ? outcome.error.message : '')
  }
}

const eager = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' }

/** A topic t of one partition that is cleaned as soon as there is anything to clean. */
export async function compacted(
  configs: Readonly<Record<string, string>> = {},
  settings: Partial<CompactionSettings> = {},
) {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 1, { ...eager, ...configs })
  return { mill, cluster, compactor: mill.compactor(settings) }
}
