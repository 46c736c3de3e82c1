// The collector: deletes what nothing names and nothing else, whoever died, froze or deleted a topic before.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StorageError } from '../../../shared/base/errors.ts'
import type { Item, Table } from '../../../shared/ports/table.ts'
import {
  collectAll,
  createMill,
  hour,
  keyed,
  type Mill,
  minute,
  pass,
  produceEach,
  readLog,
  settle,
  shown,
  type TestCompactor,
} from '../../support/compactorTools.ts'
import { createTopic } from '../../support/logTools.ts'

/** Passes and collections until nothing is left that waits for a grace. */
async function untilQuiet(mill: Mill, compactor: TestCompactor): Promise<void> {
  for (let i = 0; i < 4; i++) {
    mill.clock.advance(4 * hour)
    await pass(mill, compactor)
    await collectAll(mill, compactor)
  }
}

const isOf = (topicId: string) => (item: Item) => JSON.stringify(item.key).includes(topicId)

async function twoTopics() {
  const mill = createMill()
  const cluster = mill.cluster()
  const topics = [
    await createTopic(cluster, 'gone', 17, { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' }),
    await createTopic(cluster, 'stays', 1),
  ] as const
  const records = Array.from({ length: 60 }, (_, i) => ({
    ...keyed(`k${i % 3}`, 'x'.repeat(500)),
    partition: i % 17,
  }))
  for (let round = 0; round < 3; round++) {
    await produceEach(cluster, records, 'gone')
    await produceEach(cluster, [keyed(null, `${round}`)], 'stays')
  }
  return { mill, cluster, gone: topics[0].topicId, stays: topics[1].topicId }
}

test('a deleted topic leaves no item and no object, and others stay', async () => {
  for (const merged of [false, true]) {
    const { mill, cluster, gone, stays } = await twoTopics()
    const compactor = mill.compactor()
    if (merged) await settle(mill, compactor)
    await cluster.deleteTopic('gone')
    await untilQuiet(mill, compactor)
    const items = await mill.items()
    assert.deepEqual(
      items.filter(isOf(gone)).map(({ key }) => key),
      [],
    )
    const left = items.filter((item) => !isOf(stays)(item)).map(({ key }) => `${key.pk} ${key.sk}`)
    assert.deepEqual(left, ['test/topics stays'])
    assert.equal((await mill.objectNames()).length, 1, 'the one segment of the other topic')
    assert.equal((await readLog(mill.cluster(), 'stays')).length, 3)
    assert.deepEqual(mill.failures, [])
  }
})

test('a topic deleted while it is merged leaves nothing, whatever the merge was about to do', async () => {
  for (const deleteAt of Array.from({ length: 12 }, (_, i) => i)) {
    for (const collects of [false, true]) {
      const { mill, cluster, gone, stays } = await twoTopics()
      mill.clock.advance(11 * minute)
      let transactions = 0
      const slow: Table = {
        ...mill.table,
        transact: async (writes) => {
          if (transactions++ === deleteAt) {
            await cluster.deleteTopic('gone')
            if (collects) await collectAll(mill, mill.compactor())
          }
          return mill.table.transact(writes)
        },
      }
      await pass(mill, mill.compactor({}, { table: slow }))
      assert.ok(transactions > deleteAt)
      await untilQuiet(mill, mill.compactor())
      const items = await mill.items()
      assert.deepEqual(
        items.filter((item) => !isOf(stays)(item)).map(({ key }) => `${key.pk} ${key.sk}`),
        ['test/topics stays'],
        `deleted before transaction ${deleteAt}`,
      )
      assert.deepEqual(items.filter(isOf(gone)), [])
      assert.equal((await mill.objectNames()).length, 1)
      assert.deepEqual(mill.failures, [])
    }
  }
})

test('what a writer that was frozen adds to a topic deleted meanwhile goes too', async () => {
  const mill = createMill()
  await createTopic(mill.cluster(), 't', 1)
  const { promise: thawed, resolve: thaw } = Promise.withResolvers<void>()
  const freezing: Table = {
    ...mill.table,
    write: async (write) => {
      if (write.key.sk.startsWith('index/')) await thawed
      return mill.table.write(write)
    },
  }
  const cluster = mill.cluster({ table: freezing })
  for (let i = 0; i < 20; i++) await produceEach(cluster, [keyed(null, 'x')])
  await mill.cluster().deleteTopic('t')
  await collectAll(mill, mill.compactor())
  thaw()
  await cluster.idle()
  assert.ok((await mill.items()).some(({ key }) => key.sk.startsWith('index/')))
  await untilQuiet(mill, mill.compactor())
  assert.deepEqual(await mill.items(), [])
  assert.deepEqual(await mill.objectNames(), [])
})

test('a flush whose writer died before its commit goes after the grace, and not before', async () => {
  for (const writePath of ['s3', 'inline']) {
    const mill = createMill()
    await createTopic(mill.cluster(), 't', 1, { 'millrace.write.path': writePath })
    const isCommit = (sk: string) => sk === 'sequencer'
    const dead: Table = {
      ...mill.table,
      write: (write) =>
        isCommit(write.key.sk) ? Promise.reject(new StorageError('none', 'dead')) : mill.table.write(write),
    }
    const [outcome] = await mill.cluster({ table: dead }).produceRecords('t', [keyed(null, 'lost')])
    assert.equal(outcome?.ok, false)
    await produceEach(mill.cluster(), [keyed(null, 'kept')])
    const compactor = mill.compactor()
    mill.clock.advance(2.9 * hour)
    assert.deepEqual((await collectAll(mill, compactor)).names, [])
    mill.clock.advance(hour)
    const listed = await collectAll(mill, compactor, true)
    assert.equal(listed.names.length, 1)
    const before = [await mill.items(), await mill.objectNames()]
    assert.deepEqual((await collectAll(mill, compactor, true)).names, listed.names)
    assert.deepEqual([await mill.items(), await mill.objectNames()], before, 'a dry run deletes nothing')
    assert.deepEqual((await collectAll(mill, compactor)).names, listed.names)
    assert.deepEqual((await collectAll(mill, compactor)).names, [])
    assert.deepEqual(shown(await readLog(mill.cluster())), ['0:null=kept'])
  }
})

test('a segment that was put and never swapped in goes after the grace, and not before', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 1, { 'millrace.write.path': 's3' })
  await produceEach(cluster, [keyed(null, 'a'), keyed(null, 'b')])
  mill.clock.advance(11 * minute)
  const dead: Table = { ...mill.table, transact: () => new Promise(() => {}) }
  const dying = pass(mill, mill.compactor({}, { table: dead }))
  const orphans = async () => (await mill.objectNames()).filter((name) => name.includes('/segment/'))
  while ((await orphans()).length === 0) await mill.clock.sleep(1)
  const [orphan = ''] = await orphans()
  assert.deepEqual(shown(await readLog(mill.cluster())), ['0:null=a', '1:null=b'])
  const compactor = mill.compactor()
  mill.clock.advance(2 * minute)
  await pass(mill, compactor)
  assert.equal((await orphans()).length, 2, 'another worker has made the segment again')
  await collectAll(mill, compactor)
  assert.equal((await orphans()).length, 2)
  mill.clock.advance(4 * hour)
  const listed = await collectAll(mill, compactor, true)
  assert.deepEqual(
    listed.names.filter((name) => name.includes('/segment/')),
    [orphan],
  )
  await collectAll(mill, compactor)
  assert.equal((await orphans()).length, 1)
  assert.deepEqual(shown(await readLog(mill.cluster())), ['0:null=a', '1:null=b'])
  assert.ok(dying)
})

test('a worker that thaws after the grace never names a segment that was collected meanwhile', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 1, { 'millrace.write.path': 's3' })
  await produceEach(cluster, [keyed(null, 'a'), keyed(null, 'b')])
  mill.clock.advance(11 * minute)
  let frozen = 0
  const freezing: Table = {
    ...mill.table,
    transact: async (writes) => {
      if (frozen++ === 0) {
        mill.clock.advance(5 * hour)
        await collectAll(mill, mill.compactor())
      }
      return mill.table.transact(writes)
    },
  }
  await pass(mill, mill.compactor({}, { table: freezing }))
  assert.deepEqual(shown(await readLog(mill.cluster())), ['0:null=a', '1:null=b'])
  await untilQuiet(mill, mill.compactor())
  assert.deepEqual(shown(await readLog(mill.cluster())), ['0:null=a', '1:null=b'])
})

test('what cannot be read is reported, stays, and keeps nothing else from being collected', async () => {
  const mill = createMill()
  const cluster = mill.cluster()
  await createTopic(cluster, 't', 1)
  const old = '018bcfe56800b874c5fe3dc12752693f'
  const names = [mill.scope.logObject(old), mill.scope.segmentObject(old), 'test/log/not-ours']
  for (const name of names) await mill.objects.putIfAbsent(name, [Buffer.from('no footer')])
  const empty = mill.scope.logObject(old.replace(/3f$/, '40'))
  await mill.objects.putIfAbsent(empty, [])
  names.push(empty)
  const inline = mill.scope.inlineData(old)
  await mill.table.write({ kind: 'put', key: mill.scope.inlinePrefix(old), attributes: {} })
  await mill.table.write({ kind: 'put', key: inline, attributes: { data: Buffer.from('no footer') } })
  await createTopic(cluster, 'gone', 1)
  await produceEach(cluster, [keyed(null, 'x'.repeat(10_000))], 'gone')
  await cluster.deleteTopic('gone')
  mill.clock.advance(4 * hour)
  const { names: deleted, unreadable } = await collectAll(mill, mill.compactor())
  assert.equal(deleted.length, 1)
  assert.deepEqual(unreadable.map(({ name }) => name).sort(), [...names, `${inline.pk}/${inline.sk}`].sort())
  for (const name of names) assert.ok((await mill.objectNames()).includes(name))
  assert.ok(await mill.table.get(inline))
})

test('what a writer committed and did not mark before it died is merged after the next collection', async () => {
  for (const path of ['s3', 'inline']) {
    const mill = createMill()
    await createTopic(mill.cluster(), 't', 1, { 'millrace.write.path': path })
    const markless: Table = {
      ...mill.table,
      write: (one) => (one.key.pk === mill.scope.workPk ? new Promise(() => {}) : mill.table.write(one)),
    }
    await produceEach(mill.cluster({ table: markless }), [keyed(null, 'a')])
    const compactor = mill.compactor()
    const segmentsAfter = async (ms: number) => {
      mill.clock.advance(ms)
      await pass(mill, compactor)
      await collectAll(mill, compactor, true)
      await pass(mill, compactor)
      return compactor.report.counters.segmentsWritten
    }
    assert.equal(await segmentsAfter(hour), 0)
    assert.equal(await segmentsAfter(3 * hour), 0, 'a dry run marks nothing')
    await collectAll(mill, compactor)
    assert.equal(await segmentsAfter(0), 1, path)
    await collectAll(mill, compactor)
    assert.deepEqual(await workOf(mill), [], 'what is merged is marked no more')
  }
})

const workOf = async (mill: Mill) =>
  (await mill.items()).filter(
    ({ key }) => key.pk === mill.scope.workPk && key.sk.startsWith('000000000000000/'),
  )
