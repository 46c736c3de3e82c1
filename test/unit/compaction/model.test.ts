// Random histories of producers, passes, collections, deletions and restarts against a model that is written on its
// own: after each step everything is read and compared.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBatch } from '../../../shared/kafka/recordBatch.ts'
import type { Random } from '../../../shared/ports/world.ts'
import type { RunningCluster } from '../../../shared/service/createCluster.ts'
import {
  collectAll,
  createMill,
  hour,
  type Mill,
  minute,
  pass,
  readFrom,
  settle,
  type TestCompactor,
  text,
} from '../../support/compactorTools.ts'
import { createTopic } from '../../support/logTools.ts'

interface Written {
  readonly offset: number
  readonly timestamp: number
  readonly key: string
  readonly value: string | null
}

interface PartitionModel {
  readonly topic: string
  readonly partition: number
  readonly policy: 'delete' | 'compact' | 'compact,delete'
  readonly written: Written[]
  logStart: number
  sequence: number
}

const policies = ['delete', 'compact', 'compact,delete'] as const
const deleteRetentionMs = 2 * hour
const retentionMs = 12 * hour

const pick = <T>(random: Random, some: readonly T[]): T => {
  const one = some[Math.floor(random.float() * some.length)]
  assert.ok(one !== undefined)
  return one
}

/** What must be there, and what may be: everything that was written at or above the offset read from. */
function checkRead(model: PartitionModel, records: readonly Written[], from: number, nowMs: number): void {
  const where = `${model.topic}-${model.partition}`
  const byOffset = new Map(model.written.map((one) => [one.offset, one]))
  let last = -1
  for (const one of records) {
    assert.ok(one.offset > last, `${where}: offset ${one.offset} follows ${last}`)
    last = one.offset
    assert.deepEqual(
      one,
      byOffset.get(one.offset),
      `${where}: the record at ${one.offset} is what was written`,
    )
  }
  const present = new Set(records.map(({ offset }) => offset))
  const above = model.written.filter(({ offset }) => offset >= from)
  const latest = new Map(above.map((one) => [one.key, one]))
  const required = model.policy === 'delete' ? above : [...latest.values()]
  for (const one of required) {
    const mayHaveExpired = one.value === null && nowMs >= one.timestamp + deleteRetentionMs
    if (model.policy !== 'delete' && mayHaveExpired) continue
    assert.ok(present.has(one.offset), `${where}: offset ${one.offset} is there, log start ${model.logStart}`)
  }
  if (model.policy === 'delete') assert.equal(records.length, above.length)
  // A deleted key must not come back with an older value.
  const replayed = new Map(records.map((one) => [one.key, one.value]))
  for (const [key, value] of replayed) {
    const expected = latest.get(key)?.value ?? null
    assert.equal(value, expected, `${where}: key ${key}`)
  }
}

async function checkAll(
  cluster: RunningCluster,
  models: readonly PartitionModel[],
  nowMs: number,
  random: Random,
): Promise<void> {
  for (const model of models) {
    const { topic, partition } = model
    const { offset: logStart } = await cluster.listOffsets(topic, partition, { kind: 'earliest' })
    assert.ok(logStart >= model.logStart, `the log start of ${topic}-${partition} does not go back`)
    const retired = model.written.filter(({ offset }) => offset < logStart && offset >= model.logStart)
    if (retired.length > 0) {
      assert.match(model.policy, /delete/)
      for (const { timestamp } of retired)
        assert.ok(timestamp + retentionMs < nowMs, 'only what is old expires')
    }
    model.logStart = logStart
    const { offset: end } = await cluster.listOffsets(topic, partition, { kind: 'latest' })
    assert.equal(end, model.written.length)
    const maxBytes = pick(random, [1, 300, 5000, 1 << 20])
    // Each on its own: what a reader remembers may be what compaction has replaced, and the next read see what came.
    for (const from of [logStart, logStart + Math.floor(random.float() * (end - logStart + 1))]) {
      const found = await readFrom(cluster, topic, partition, from, maxBytes)
      const records = found.map(({ offset, timestamp, key, value }) => {
        return { offset, timestamp, key: text(key) ?? '', value: text(value) }
      })
      checkRead(model, records, from, nowMs)
    }
  }
}

const topicOf = (policy: string): string => policy.replace(',', '-')

const newModels = (): PartitionModel[] =>
  policies.flatMap((policy) =>
    [0, 1].map((partition) => {
      return { topic: topicOf(policy), partition, policy, written: [], logStart: 0, sequence: 0 }
    }),
  )

interface History {
  readonly mill: Mill
  readonly models: readonly PartitionModel[]
  cluster: RunningCluster
  compactor: TestCompactor
  recordsDropped: number
}

async function begin(seed: number): Promise<History> {
  const mill = createMill(seed)
  const { random } = mill
  const cluster = mill.cluster()
  for (const policy of policies) {
    await createTopic(cluster, topicOf(policy), 2, {
      'cleanup.policy': policy,
      'delete.retention.ms': `${deleteRetentionMs}`,
      'min.cleanable.dirty.ratio': pick(random, ['0', '0.3']),
      'min.compaction.lag.ms': pick(random, ['0', `${30 * minute}`]),
      'max.compaction.lag.ms': `${5 * hour}`,
      ...(policy === 'compact' ? {} : { 'retention.ms': `${retentionMs}` }),
      'millrace.write.path': pick(random, ['auto', 's3', 'inline']),
    })
  }
  return { mill, models: newModels(), cluster, compactor: mill.compactor(), recordsDropped: 0 }
}

/** One batch, plain or of an idempotent producer that sends it twice. */
async function produce({ mill, cluster, models }: History): Promise<void> {
  const { random, clock } = mill
  const model = pick(random, models)
  const { topic, partition, written } = model
  const timestamp = clock.now()
  const entries = Array.from({ length: 1 + Math.floor(random.float() * 8) }, (_, i) => ({
    key: `k${Math.floor(random.float() ** 2 * 30)}`,
    value: random.float() < 0.2 ? null : `${written.length + i}`.padEnd(random.float() * 200, '.'),
  }))
  const records = entries.map(({ key, value }) => {
    return {
      timestamp,
      key: Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      headers: [],
    }
  })
  const codec = pick(random, ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)
  const isIdempotent = random.float() < 0.5
  const producer = { id: 9n, epoch: 0, baseSequence: model.sequence }
  const batch = encodeBatch({ records, codec, ...(isIdempotent ? { producer } : {}) })
  const { baseOffsets } = await cluster.produceBatches(topic, partition, batch)
  assert.deepEqual(baseOffsets, [written.length])
  if (isIdempotent) {
    model.sequence += entries.length
    const again = await cluster.produceBatches(topic, partition, batch)
    assert.deepEqual([again.baseOffsets, again.duplicate], [baseOffsets, true])
  }
  for (const entry of entries) written.push({ offset: written.length, timestamp, ...entry })
}

async function restart(history: History): Promise<void> {
  const { mill, cluster, compactor } = history
  await cluster.idle()
  history.recordsDropped += compactor.report.counters.recordsDropped
  history.cluster = mill.cluster()
  history.compactor = mill.compactor({
    segmentBytesMax: pick(mill.random, [500, 3000, 20_000, 1 << 20]),
    offsetMapEntriesMax: pick(mill.random, [2, 10, 1000]),
  })
}

async function deleteRecords({ mill, cluster, models }: History): Promise<void> {
  const deletable = models.filter(({ policy }) => policy !== 'compact')
  const model = pick(mill.random, deletable)
  const { topic, partition } = model
  const { offset: before } = await cluster.listOffsets(topic, partition, { kind: 'earliest' })
  const span = model.written.length - model.logStart
  const offset = model.logStart + Math.floor((mill.random.float() * span) / 3)
  assert.equal(await cluster.deleteRecords(topic, partition, offset), Math.max(offset, before))
  model.logStart = Math.max(offset, before)
}

async function step(history: History): Promise<void> {
  const { mill, compactor } = history
  const dice = mill.random.float()
  if (dice < 0.5) {
    const times = Math.ceil(mill.random.float() * 30)
    for (let i = 0; i < times; i++) await produce(history)
  } else if (dice < 0.7) {
    await settle(mill, compactor)
  } else if (dice < 0.76) {
    await Promise.all([pass(mill, compactor), pass(mill, mill.compactor()), produce(history)])
  } else if (dice < 0.82) {
    await collectAll(mill, compactor)
  } else if (dice < 0.9) {
    mill.clock.advance(Math.floor(mill.random.float() * 4 * hour))
  } else {
    await (dice < 0.95 ? restart(history) : deleteRecords(history))
  }
}

/** Answers how many records compaction has dropped. */
async function run(seed: number, steps: number): Promise<number> {
  const history = await begin(seed)
  const { mill, models } = history
  for (let i = 0; i < steps; i++) {
    await step(history)
    const reader = pick(mill.random, [history.cluster, mill.cluster()])
    await checkAll(reader, models, mill.clock.now(), mill.random)
    assert.deepEqual(mill.failures, [])
  }
  await restart(history)
  return history.recordsDropped
}

test('what is read is what the model says, whatever producers, passes and restarts do', async () => {
  let recordsDropped = 0
  for (let seed = 1; seed <= 4; seed++) {
    try {
      recordsDropped += await run(seed, 40)
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
  assert.ok(recordsDropped > 500, `compaction had something to do: ${recordsDropped}`)
})
