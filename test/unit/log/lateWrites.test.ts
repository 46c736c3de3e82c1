// Writes that land after their caller was told that nobody knows: what the simulation found, each as small as it gets.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StorageError } from '../../../shared/base/errors.ts'
import type { Table, TransactWrite } from '../../../shared/ports/table.ts'
import { isCommit } from '../../support/faultyTable.ts'
import {
  batch,
  createTopic,
  kafkaError,
  readAll,
  record,
  sequenced,
  virtualPorts,
} from '../../support/logTools.ts'
import { createTestCluster } from '../../support/testCluster.ts'

interface LateTable extends Table {
  /** Lets land what was held back. */
  land(): Promise<void>
}

/** Holds back the first `count` writes that hit; their callers are told that nobody knows. */
function withLateWrites(
  table: Table,
  hits: (writes: readonly TransactWrite[]) => boolean,
  count = 1,
): LateTable {
  const held: (() => Promise<unknown>)[] = []
  let left = count
  const hold = async <T>(writes: readonly TransactWrite[], call: () => Promise<T>): Promise<T> => {
    if (!hits(writes) || left-- <= 0) return call()
    held.push(call)
    throw new StorageError('unknown', 'no answer')
  }
  return {
    get: table.get,
    query: table.query,
    write: (write) => hold([write], () => table.write(write)),
    transact: (writes) => hold(writes, () => table.transact(writes)),
    async land() {
      for (const call of held.splice(0)) await call()
    },
  }
}

test('a flush that lands late answers for the offsets it has, not for those of its repetition', async () => {
  const ports = virtualPorts()
  await createTopic(createTestCluster(ports), 't')
  const late = withLateWrites(ports.table, isCommit)
  let commits = 0
  // The repetition is lost, and what lands in its place is the whole flush, the plain batch between the others with it.
  const write: Table['write'] = async (request) => {
    if (!isCommit([request]) || ++commits !== 2) return late.write(request)
    await late.land()
    throw new StorageError('unknown', 'no answer')
  }
  const cluster = createTestCluster({ ...ports, table: { ...late, write } })
  const [first, plain, second] = await Promise.allSettled([
    cluster.produceBatches('t', 0, sequenced(7n, 0)),
    cluster.produceBatches('t', 0, batch(['plain'])),
    cluster.produceBatches('t', 0, sequenced(7n, 1)),
  ])
  assert.deepEqual(await readAll(cluster), ['7/0/0', 'plain', '7/0/1'])
  assert.deepEqual(first?.status === 'fulfilled' && first.value.baseOffsets, [0])
  assert.ok(plain?.status === 'rejected' && kafkaError('REQUEST_TIMED_OUT')(plain.reason))
  assert.deepEqual(second?.status === 'fulfilled' && second.value.baseOffsets, [2])
})

test('a creation that lands after the deletion brings nothing back', async () => {
  const isCreation = ([write]: readonly TransactWrite[]) =>
    write?.kind === 'put' && write.key.pk.endsWith('/topics')
  const ports = virtualPorts()
  const late = withLateWrites(ports.table, isCreation)
  const cluster = createTestCluster({ ...ports, table: late })
  await createTopic(cluster, 't', 20)
  await cluster.deleteTopic('t')
  await late.land()
  assert.deepEqual(await cluster.listTopics(), [])
  await assert.rejects(cluster.produceRecords('t', [record('a')]), kafkaError('UNKNOWN_TOPIC_OR_PARTITION'))
})

test('a change that may have been made is never said to be not made', async () => {
  const ports = virtualPorts()
  await createTopic(createTestCluster(ports), 't')
  const isWrite = (hits: (write: TransactWrite) => boolean) => (writes: readonly TransactWrite[]) =>
    writes.some(hits)
  const cluster = createTestCluster({
    ...ports,
    table: withLateWrites(
      ports.table,
      isWrite(({ kind }) => kind !== 'check'),
      100,
    ),
  })
  const configs = [{ name: 'retention.ms', operation: 'SET', value: '1' } as const]
  await createTestCluster(ports).produceRecords('t', [record('a')])
  const changes = [
    () => cluster.alterConfigs('t', configs, false),
    () => cluster.createPartitions('t', 3, false),
    () => cluster.deleteRecords('t', 0, 1),
    () => createTopic(cluster, 'other'),
    () => cluster.deleteTopic('t'),
  ]
  for (const change of changes) await assert.rejects(change(), kafkaError('REQUEST_TIMED_OUT'))
})
