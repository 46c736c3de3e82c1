import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StorageError } from '../../../shared/base/errors.ts'
import { createScope } from '../../../shared/metadata/scope.ts'
import type { Table, TransactWrite } from '../../../shared/ports/table.ts'
import { systemRandom } from '../../../shared/runtime/clock.ts'
import { createMemoryTable } from '../../../shared/storage/memory/table.ts'
import { createCatalog } from '../../../shared/topics/catalog.ts'
import { type Fault, withFaults } from '../../support/faultyTable.ts'
import { kafkaError } from '../../support/logTools.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

const scope = createScope('t')
const on = (table: Table) =>
  createCatalog({ table, clock: createVirtualClock(), random: systemRandom, scope })
const topic = (name: string, partitionCount = 1) => ({ name, partitionCount, overrides: {} })
const grown = (partitionCount: number) => () => ({ partitionCount })
const isTopic = ([write]: readonly TransactWrite[]): boolean => write?.key.pk === scope.topicsPk

/** The writes of topic items fail as `faults` says, one after the other. */
function createFaulty(faults: (Fault | undefined)[]) {
  const table = createMemoryTable()
  return { table, catalog: on(withFaults(table, (writes) => (isTopic(writes) ? faults.shift() : undefined))) }
}

test('a topic is listed, found and deleted, and one of the same name has a new id', async () => {
  const catalog = on(createMemoryTable())
  const first = await catalog.create(topic('b', 3))
  await catalog.create(topic('a'))
  assert.deepEqual(
    (await catalog.list()).map(({ name }) => name),
    ['a', 'b'],
  )
  assert.deepEqual(await catalog.get('b'), first)
  await catalog.delete('b')
  assert.equal(await catalog.get('b'), undefined)
  assert.notEqual((await catalog.create(topic('b'))).topicId, first.topicId)
  await assert.rejects(catalog.delete('nope'), kafkaError('UNKNOWN_TOPIC_OR_PARTITION'))
})

test('more topics than a page has are all listed, in the order of their names', async () => {
  const catalog = on(createMemoryTable())
  const names = Array.from({ length: 1100 }, (_, i) => `topic-${i}`)
  await Promise.all(names.map((name) => catalog.create(topic(name))))
  assert.deepEqual(
    (await catalog.list()).map(({ name }) => name),
    names.toSorted(),
  )
})

test('names that differ in dot and underscore alone collide, and one of them is not the other', async () => {
  const catalog = on(createMemoryTable())
  await catalog.create(topic('a.b'))
  const collision = (error: unknown) =>
    kafkaError('INVALID_TOPIC_EXCEPTION')(error) && /collides with existing topic: a\.b/.test(String(error))
  await assert.rejects(catalog.create(topic('a_b')), collision)
  await assert.rejects(catalog.checkNew(topic('a_b')), collision)
  assert.equal(await catalog.get('a_b'), undefined)
  await assert.rejects(catalog.delete('a_b'), kafkaError('UNKNOWN_TOPIC_OR_PARTITION'))
  await assert.rejects(catalog.update('a_b', grown(2)), kafkaError('UNKNOWN_TOPIC_OR_PARTITION'))
})

test('counts of partitions that no topic may have are refused', async () => {
  const catalog = on(createMemoryTable())
  for (const count of [0, -1, 1537, 2.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    await assert.rejects(catalog.create(topic('t', count)), kafkaError('INVALID_PARTITIONS'), `${count}`)
    await assert.rejects(catalog.checkNew(topic('t', count)), kafkaError('INVALID_PARTITIONS'), `${count}`)
  }
  assert.deepEqual(await catalog.list(), [])
})

test('of many who create a topic at once one succeeds, and the others leave nothing behind', async () => {
  const table = createMemoryTable()
  const put: string[] = []
  const counting: Table = {
    ...table,
    transact: (writes) => {
      for (const { key } of writes) if (key.sk === 'sequencer') put.push(key.pk)
      return table.transact(writes)
    },
  }
  const results = await Promise.allSettled(
    Array.from({ length: 8 }, () => on(counting).create(topic('t', 20))),
  )
  const won = results.filter((one) => one.status === 'fulfilled')
  assert.equal(won.length, 1)
  for (const one of results)
    assert.ok(one.status === 'fulfilled' || kafkaError('TOPIC_ALREADY_EXISTS')(one.reason))
  const left: string[] = []
  for (const pk of new Set(put)) if (await table.get({ pk, sk: 'sequencer' })) left.push(pk)
  assert.deepEqual(
    left.sort(),
    [0, 1].map((group) => scope.sequencer(won[0]?.value.topicId ?? '', group).pk),
  )
})

test('the largest topic is created and deleted', async () => {
  const table = createMemoryTable()
  const catalog = on(table)
  const { topicId } = await catalog.create(topic('t', 1536))
  assert.ok(await table.get(scope.sequencer(topicId, 95)))
  await catalog.delete('t')
  assert.equal(await table.get(scope.sequencer(topicId, 95)), undefined)
  assert.ok(await table.get(scope.deletedTopic(topicId)), 'the collector finds what is left')
})

test('lost answers: a creation, a change and a deletion that were carried out succeed', async () => {
  const { catalog } = createFaulty(['lost', undefined, 'lost', undefined, 'lost'])
  const created = await catalog.create(topic('t'))
  assert.deepEqual(await catalog.get('t'), created)
  const changed = await catalog.update('t', grown(5))
  assert.deepEqual(await catalog.get('t'), changed)
  assert.deepEqual([changed.partitionCount, changed.version], [5, 2])
  await catalog.delete('t')
  assert.equal(await catalog.get('t'), undefined)
})

test('a deletion that was lost on the way says that it may have happened', async () => {
  const { catalog } = createFaulty([undefined, 'dropped'])
  await catalog.create(topic('t'))
  await assert.rejects(catalog.delete('t'), kafkaError('REQUEST_TIMED_OUT'))
  await catalog.delete('t')
})

test('of two who delete a topic at once one is told that there is none', async () => {
  const table = createMemoryTable()
  await on(table).create(topic('t'))
  const [first, second] = await Promise.allSettled([on(table).delete('t'), on(table).delete('t')])
  assert.equal(first?.status, 'fulfilled')
  assert.ok(second?.status === 'rejected' && kafkaError('UNKNOWN_TOPIC_OR_PARTITION')(second.reason))
})

test('a topic that is changed while it is deleted is deleted all the same', async () => {
  const table = createMemoryTable()
  const catalog = on(table)
  await catalog.create(topic('t'))
  const [deleted] = await Promise.allSettled([on(table).delete('t'), catalog.update('t', grown(3))])
  assert.equal(deleted.status, 'fulfilled')
  assert.equal(await catalog.get('t'), undefined)
})

test('changes at once are all made, one after the other', async () => {
  const table = createMemoryTable()
  await on(table).create(topic('t'))
  await Promise.all(
    ['a', 'b', 'c', 'd'].map((name) =>
      on(table).update('t', ({ overrides }) => ({ overrides: { ...overrides, [name]: '1' } })),
    ),
  )
  const after = await on(table).get('t')
  assert.deepEqual(Object.keys(after?.overrides ?? {}).sort(), ['a', 'b', 'c', 'd'])
  assert.equal(after?.version, 5)
})

test('a growth happens whole or not at all, and takes nothing from what is there', async () => {
  for (const happens of [false, true]) {
    const table = createMemoryTable()
    const { topicId } = await on(table).create(topic('t', 3))
    const sequencer = scope.sequencer(topicId, 0)
    await table.write({
      kind: 'update',
      key: sequencer,
      actions: [{ kind: 'add', attribute: 'n2', value: 9 }],
    })
    const crashing: Table = {
      ...table,
      transact: async (writes) => {
        if (happens) await table.transact(writes)
        throw new Error('the process is gone')
      },
    }
    await assert.rejects(on(crashing).update('t', grown(20)), /the process is gone/)
    assert.equal((await on(table).get('t'))?.partitionCount, happens ? 20 : 3)
    assert.equal((await on(table).update('t', grown(25))).partitionCount, 25)
    const [first, second] = [await table.get(sequencer), await table.get(scope.sequencer(topicId, 1))]
    const expected = Array.from({ length: 16 }, (_, p) => (p === 2 ? 9 : 0))
    assert.deepEqual(
      expected.map((_, p) => first?.attributes[`n${p}`]),
      expected,
    )
    assert.deepEqual(
      [16, 24, 25].map((p) => second?.attributes[`n${p}`]),
      [0, 0, undefined],
    )
  }
})

test('a storage that is down refuses a creation, retriable, and the name stays free', async () => {
  const table = createMemoryTable()
  const down: Table = { ...table, transact: () => Promise.reject(new StorageError('none', 'down')) }
  await assert.rejects(on(down).create(topic('t')), kafkaError('KAFKA_STORAGE_ERROR'))
  assert.equal((await on(table).create(topic('t'))).name, 't')
})
