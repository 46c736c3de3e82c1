import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KafkaError } from '../../../shared/base/errors.ts'
import type { Table } from '../../../shared/ports/table.ts'
import type { FetchRequest } from '../../../shared/service/cluster.ts'
import { createMill, keyed, pass, produceEach, readLog, settle, shown } from '../../support/compactorTools.ts'

const valuesOf = (count: number) => Array.from({ length: count }, (_, i) => keyed(`k${i}`, `${i}`))

/** Five segments of two records each, then three records in the tail. */
async function fiveSegments(configs: readonly { name: string; value: string }[] = []) {
  const mill = createMill()
  const cluster = mill.cluster()
  const { topicId } = await cluster.createTopic({
    name: 't',
    partitionCount: 1,
    configs,
    validateOnly: false,
  })
  const compactor = mill.compactor({ segmentBytesMax: 150 })
  for (let i = 0; i < 5; i++) {
    await produceEach(cluster, valuesOf(2))
    await settle(mill, compactor)
  }
  await produceEach(cluster, valuesOf(3))
  return { mill, cluster, compactor, topicId }
}

const request = (offset: number): FetchRequest => ({
  topicName: 't',
  partitions: [{ partition: 0, offset, maxBytes: 1 << 20 }],
  maxBytes: 1 << 20,
  minBytes: 0,
  maxWaitMs: 0,
})

const isHoleAt =
  (offset: number) =>
  (error: KafkaError): boolean => {
    assert.equal(error.code, 'KAFKA_STORAGE_ERROR')
    assert.match(error.message, new RegExp(`the offsets ${offset} to .* partition 0`))
    assert.deepEqual(error.details, { hole: offset, partition: 0 })
    return true
  }

test('a segment that is missing in the middle is an error that names partition and offset, not a gap', async () => {
  const { mill, topicId } = await fiveSegments()
  await mill.table.write({ kind: 'delete', key: mill.scope.segment(topicId, 0, 5) })
  for (const offset of [0, 3, 4, 5]) {
    const read = mill.cluster().fetch(request(offset))
    await assert.rejects(read, isHoleAt(Math.max(offset, 4)))
  }
  const [behind] = await mill.cluster().fetch(request(6))
  assert.equal(behind?.error, undefined)
  const search = { kind: 'timestamp', timestamp: mill.clock.now() } as const
  await assert.rejects(mill.cluster().listOffsets('t', 0, { ...search, timestamp: 1 }), isHoleAt(4))
})

test('a missing last segment and a missing index item are errors too', async () => {
  const { mill, topicId, cluster } = await fiveSegments()
  await produceEach(cluster, valuesOf(20))
  await cluster.idle()
  await mill.table.write({ kind: 'delete', key: mill.scope.segment(topicId, 0, 9) })
  await assert.rejects(mill.cluster().fetch(request(7)), isHoleAt(8))
  const { items } = await mill.table.query({
    pk: mill.scope.indexPk(topicId, 0),
    from: `index/${String(10).padStart(20, '0')}`,
    limit: 1,
  })
  assert.ok(items[0])
  await mill.table.write({ kind: 'delete', key: items[0].key })
  await assert.rejects(mill.cluster().fetch(request(10)), isHoleAt(10))
})

test('the compactor does not merge over a hole', async () => {
  const { mill, topicId, cluster, compactor } = await fiveSegments()
  await produceEach(cluster, valuesOf(20))
  await cluster.idle()
  const first = {
    pk: mill.scope.indexPk(topicId, 0),
    from: `index/${String(10).padStart(20, '0')}`,
    limit: 1,
  }
  const { items } = await mill.table.query(first)
  assert.ok(items[0])
  await mill.table.write({ kind: 'delete', key: items[0].key })
  await settle(mill, compactor)
  assert.match(compactor.report.uncleanable.get('t-0') ?? '', /the offsets 10 to/)
})

test('a reader that retention has overtaken is out of range below the log start', async () => {
  const { mill, compactor } = await fiveSegments([{ name: 'retention.ms', value: '3600000' }])
  const retain = async () => {
    mill.clock.advance(2 * 3_600_000)
    await pass(mill, compactor)
  }
  const overtaken = mill.cluster({ table: overtakenOnce(mill.table, retain) })
  const [below] = await overtaken.fetch(request(2))
  assert.equal(below?.error?.code, 'OFFSET_OUT_OF_RANGE')
  assert.ok((below?.logStartOffset ?? 0) >= 10)
})

test('an offset search that retention has overtaken answers what is left', async () => {
  const { mill, compactor } = await fiveSegments([{ name: 'retention.bytes', value: '300' }])
  const left = shown(await readLog(mill.cluster()))
  const retain = async () => {
    await mill.cluster().deleteRecords('t', 0, 6)
    await produceEach(mill.cluster(), valuesOf(1))
    await settle(mill, compactor)
  }
  const overtaken = mill.cluster({ table: overtakenOnce(mill.table, retain) })
  const { offset } = await overtaken.listOffsets('t', 0, { kind: 'timestamp', timestamp: 1 })
  assert.ok(offset >= 6, `${offset} of ${left.join()}`)
})

/** After the first read of a sequencer something happens before the reader goes on. */
function overtakenOnce(table: Table, happen: () => Promise<void>): Table {
  let happened = false
  return {
    ...table,
    async get(key) {
      const item = await table.get(key)
      if (key.sk === 'sequencer' && !happened) {
        happened = true
        await happen()
      }
      return item
    },
  }
}
