import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createScope } from '../../../shared/metadata/scope.ts'
import { systemRandom } from '../../../shared/runtime/clock.ts'
import { createFindTopics } from '../../../shared/service/groupTopics.ts'
import { createCatalog } from '../../../shared/topics/catalog.ts'
import { countCalls } from '../../support/counting.ts'
import { virtualPorts } from '../../support/logTools.ts'

async function createLookup() {
  const ports = virtualPorts()
  const counted = countCalls(ports)
  const catalog = createCatalog({
    table: counted.table,
    clock: ports.clock,
    random: systemRandom,
    scope: createScope('test'),
  })
  await catalog.create({ name: 't', partitionCount: 2, overrides: {} })
  const findTopics = createFindTopics(catalog, ports.clock, 5_000)
  const find = async (names: readonly string[], all = false, fresh = false) => {
    let found: string[] = []
    const { tableReads } = await counted.during(async () => {
      found = [...(await findTopics({ names: new Set(names), all }, fresh)).keys()]
    })
    return { found, tableReads }
  }
  return { catalog, clock: ports.clock, find }
}

test('a topic is remembered for a while, and that there is none, too', async () => {
  const { catalog, clock, find } = await createLookup()
  assert.deepEqual(await find(['t', 'u']), { found: ['t'], tableReads: 2 })
  await catalog.create({ name: 'u', partitionCount: 1, overrides: {} })
  assert.deepEqual(await find(['t', 'u']), { found: ['t'], tableReads: 0 })
  assert.deepEqual(await find(['t', 'u'], false, true), { found: ['t', 'u'], tableReads: 2 })
  await catalog.delete('t')
  assert.deepEqual(await find(['t', 'u']), { found: ['t', 'u'], tableReads: 0 })
  clock.advance(5_000)
  assert.deepEqual(await find(['t', 'u']), { found: ['u'], tableReads: 2 })
})

test('all topics, or many of them, are one list', async () => {
  const { find } = await createLookup()
  assert.deepEqual(await find([], true), { found: ['t'], tableReads: 1 })
  assert.deepEqual(await find([], true), { found: ['t'], tableReads: 0 })
  const many = Array.from({ length: 101 }, (_, i) => `t${i}`)
  assert.deepEqual(await find(many, false, true), { found: ['t'], tableReads: 1 })
})
