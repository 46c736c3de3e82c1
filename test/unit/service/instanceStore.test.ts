import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KafkaError, StorageError } from '../../../shared/base/errors.ts'
import { moveTo, newInstance } from '../../../shared/groups/instance.ts'
import type { StoredInstance } from '../../../shared/metadata/instanceItem.ts'
import { createScope } from '../../../shared/metadata/scope.ts'
import type { Table } from '../../../shared/ports/table.ts'
import { systemRandom } from '../../../shared/runtime/clock.ts'
import { createInstanceStore } from '../../../shared/service/instanceStore.ts'
import { createMemoryTable } from '../../../shared/storage/memory/table.ts'
import { withFaults } from '../../support/faultyTable.ts'

const id = { groupId: 'g', name: 'i' }
const refusedAs = (code: string) => (error: unknown) => error instanceof KafkaError && error.code === code

function start(table: Table = createMemoryTable(), tenant = 'test') {
  const time = { nowMs: 1_000_000 }
  const clock = { now: () => time.nowMs, sleep: () => Promise.resolve() }
  const store = createInstanceStore({ table, clock, random: systemRandom, scope: createScope(tenant) })
  const placed = new Map([[0, { position: 0, committed: -1 }]])
  const make = (): StoredInstance => {
    const settings = {
      dialect: 'confluent',
      format: 'json',
      autoOffsetReset: 'latest',
      autoCommit: true,
      fetchMinBytes: 1,
      requestTimeoutMs: 1000,
    } as const
    return { ...newInstance(settings, 'm', time.nowMs), reads: 'assigned', places: new Map([['t', placed]]) }
  }
  return { store, make, time, table }
}

const positionOf = ({ places }: StoredInstance) => places.get('t')?.get(0)?.position
const forward = async (instance: StoredInstance) => {
  const position = (positionOf(instance) ?? 0) + 1
  return { instance: moveTo(instance, [{ topicName: 't', partition: 0, position }]), result: position }
}

test('an instance is created once, read by any process of its tenant, and gone when deleted', async () => {
  const { store, make, table } = start()
  assert.equal(await store.create(id, make()), true)
  assert.equal(await store.create(id, make()), false)
  assert.deepEqual(await start(table).store.read(id), make())
  await assert.rejects(start(table, 'other').store.read(id), refusedAs('CONSUMER_NOT_FOUND'))
  await assert.rejects(store.read({ ...id, groupId: 'g2' }), refusedAs('CONSUMER_NOT_FOUND'))
  await store.delete(id, async () => {})
  await assert.rejects(store.read(id), refusedAs('CONSUMER_NOT_FOUND'))
})

test('of changes at once each sees what the one before it left', async () => {
  const { store, make, table } = start()
  await store.create(id, make())
  const other = start(table).store
  const results = await Promise.all([
    store.update(id, forward),
    other.update(id, forward),
    store.update(id, forward),
  ])
  assert.deepEqual(results.sort(), [1, 2, 3])
  assert.equal(positionOf(await store.read(id)), 3)
})

test('who loses again and again is told that the instance is in use', async () => {
  const { store, make } = start()
  await store.create(id, make())
  const overtaken = store.update(id, async (instance) => {
    await store.update(id, forward)
    return forward(instance)
  })
  await assert.rejects(overtaken, refusedAs('CONSUMER_IN_USE'))
  assert.equal(positionOf(await store.read(id)), 5)
})

test('a write whose answer is lost counts once', async () => {
  const memory = createMemoryTable()
  let losses = 0
  const lossy = withFaults(memory, () => (losses++ % 2 === 0 ? 'lost' : undefined))
  const { store, make } = start(lossy)
  assert.equal(await store.create(id, make()), true)
  assert.equal(await store.update(id, forward), 1)
  assert.equal(positionOf(await store.read(id)), 1)
  await store.delete(id, async () => {})
  await assert.rejects(store.read(id), refusedAs('CONSUMER_NOT_FOUND'))
})

test('a write that lands late, behind the creation of a namesake, changes nothing', async () => {
  const memory = createMemoryTable()
  const late: (() => Promise<unknown>)[] = []
  let isLate = false
  const table: Table = {
    ...memory,
    write: (write) => {
      if (!isLate) return memory.write(write)
      late.push(() => memory.write(write))
      return Promise.reject(new StorageError('unknown', 'the answer was lost'))
    },
  }
  const { store, make } = start(table)
  await store.create(id, make())
  isLate = true
  await assert.rejects(store.update(id, forward), refusedAs('REQUEST_TIMED_OUT'))
  isLate = false
  await store.delete(id, async () => {})
  await store.create(id, make())
  assert.ok(late.length > 0)
  for (const write of late) await write()
  assert.equal(positionOf(await store.read(id)), 0)
})

test('a change that changes nothing writes nothing, but for the note of its use', async () => {
  const memory = createMemoryTable()
  let writes = 0
  const write: Table['write'] = (one) => {
    writes++
    return memory.write(one)
  }
  const { store, make, time } = start({ ...memory, write })
  await store.create(id, make())
  const look = () => store.update(id, async (instance) => ({ instance, result: undefined }))
  writes = 0
  await look()
  assert.equal(writes, 0)
  time.nowMs += 30_000
  await look()
  await look()
  assert.equal(writes, 1)
})

test('a forgotten instance is not found, makes room for a namesake, and is cleared away by any other', async () => {
  const { store, make, time, table } = start()
  const { pk } = createScope('test').consumerGroup('g').state
  const count = async () => (await table.query({ pk, limit: 10 })).items.length
  await store.create(id, make())
  time.nowMs += 330_001
  await assert.rejects(store.read(id), refusedAs('CONSUMER_NOT_FOUND'))
  assert.equal(await store.create(id, make()), true)
  assert.equal((await store.read(id)).usedMs, time.nowMs)
  time.nowMs += 330_001
  await store.create({ ...id, name: 'j' }, make())
  assert.equal(await count(), 1)
})

test('a refusal says whose dialect it is to be told in', async () => {
  const { store, make } = start()
  await store.create(id, { ...make(), dialect: 'strimzi' })
  const refused = store.update(id, async () => {
    throw new KafkaError('INVALID_REQUEST', 'no', { field: 'x' })
  })
  await assert.rejects(refused, (error) => {
    assert.ok(error instanceof KafkaError)
    assert.deepEqual(error.details, { field: 'x', dialect: 'strimzi' })
    return true
  })
})
