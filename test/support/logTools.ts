// Short words for tests of the log: a cluster on memory and virtual time, records and batches in, records out.
import assert from 'node:assert/strict'
import { decodeRecords, encodeBatch, type NewRecord } from '../../shared/kafka/recordBatch.ts'
import type {
  Cluster,
  FetchedPartition,
  FetchRequest,
  ProducerState,
  RecordOutcome,
} from '../../shared/service/cluster.ts'
import type { ClusterSettings } from '../../shared/service/createCluster.ts'
import { createMemoryObjectStore } from '../../shared/storage/memory/objectStore.ts'
import { createMemoryTable } from '../../shared/storage/memory/table.ts'
import { createTestCluster } from './testCluster.ts'
import { createVirtualClock } from './virtualClock.ts'

export const virtualPorts = () => ({
  objects: createMemoryObjectStore(),
  table: createMemoryTable(),
  clock: createVirtualClock(),
})

interface LogOptions {
  readonly partitionCount?: number
  readonly configs?: Readonly<Record<string, string>>
  readonly settings?: Partial<ClusterSettings>
}

/** A cluster with a topic `t`. */
export async function createLog(options: LogOptions = {}) {
  const ports = virtualPorts()
  const cluster = createTestCluster(ports, options.settings)
  await createTopic(cluster, 't', options.partitionCount, options.configs)
  return { ports, cluster, clock: ports.clock }
}

export const createTopic = (
  cluster: Cluster,
  name: string,
  partitionCount = 1,
  configs: Readonly<Record<string, string>> = {},
) =>
  cluster.createTopic({
    name,
    partitionCount,
    configs: Object.entries(configs).map(([config, value]) => ({ name: config, value })),
    validateOnly: false,
  })

export const record = (value: string, partition = 0, more: Partial<NewRecord> = {}) => ({
  partition,
  key: null,
  value: Buffer.from(value),
  headers: [],
  ...more,
})

/** One encoded batch; without a timestamp each record has 1,000. */
export const batch = (values: readonly (string | number)[], producer?: ProducerState): Uint8Array =>
  encodeBatch({
    codec: 'none',
    records: values.map((value) =>
      typeof value === 'number'
        ? { timestamp: value, key: null, value: null, headers: [] }
        : { timestamp: 1000, key: null, value: Buffer.from(value), headers: [] },
    ),
    ...(producer ? { producer } : {}),
  })

/** A batch of `count` records of an idempotent producer. */
export const sequenced = (id: bigint, baseSequence: number, count = 1, epoch = 0): Uint8Array =>
  batch(
    Array.from({ length: count }, (_, i) => `${id}/${epoch}/${baseSequence + i}`),
    { id, epoch, baseSequence },
  )

export const fetchRequest = (
  offsets: readonly (readonly [partition: number, offset: number])[],
  more: Partial<FetchRequest> & { readonly partitionMaxBytes?: number } = {},
): FetchRequest => {
  const { partitionMaxBytes = 1 << 20, ...rest } = more
  return {
    topicName: 't',
    partitions: offsets.map(([partition, offset]) => ({ partition, offset, maxBytes: partitionMaxBytes })),
    maxBytes: 50 << 20,
    minBytes: 1,
    maxWaitMs: 0,
    ...rest,
  }
}

export const recordsOf = (fetched: FetchedPartition | undefined) =>
  (fetched?.batches ?? []).flatMap((bytes) =>
    decodeRecords(bytes, 1 << 26).map(({ offset, timestamp, value }) => ({
      offset,
      timestamp,
      value: value === null ? null : Buffer.from(value).toString(),
    })),
  )

/** Values of a partition from the first offset that is left on; checks that offsets are dense. */
export async function readAll(cluster: Cluster, partition = 0, topicName = 't'): Promise<(string | null)[]> {
  const values: (string | null)[] = []
  let { offset } = await cluster.listOffsets(topicName, partition, { kind: 'earliest' })
  for (;;) {
    const [fetched] = await cluster.fetch(fetchRequest([[partition, offset]], { topicName }))
    const records = recordsOf(fetched).filter((one) => one.offset >= offset)
    if (records.length === 0) {
      assert.equal(offset, fetched?.highWatermark, 'what is there is read up to the high watermark')
      return values
    }
    for (const one of records) {
      assert.equal(one.offset, offset++, 'offsets are dense')
      values.push(one.value)
    }
  }
}

export const offsetsOf = (outcomes: readonly RecordOutcome[]): (number | string)[] =>
  outcomes.map((outcome) => (outcome.ok ? outcome.offset : outcome.error.code))

/** For assert.rejects. */
export const kafkaError =
  (code: string, details: Readonly<Record<string, unknown>> = {}) =>
  (error: unknown) => {
    assert.ok(error instanceof Error && 'code' in error && 'details' in error, String(error))
    assert.equal(error.code, code, error.message)
    assert.deepEqual({ ...details, ...Object(error.details) }, error.details)
    return true
  }
