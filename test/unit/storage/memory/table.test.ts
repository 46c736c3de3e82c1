import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryTable } from '../../../../shared/storage/memory/table.ts'

const key = { pk: 'p', sk: 's' }

test('writes count the KB of the larger item, twice in a transaction, also when refused', async () => {
  const table = createMemoryTable()
  const writeUnits = async (action: () => Promise<unknown>): Promise<number> => {
    const before = table.consumed().writeUnits
    await action()
    return table.consumed().writeUnits - before
  }
  const attributes = { bytes: new Uint8Array(10_000) }
  assert.equal(await writeUnits(() => table.write({ kind: 'put', key, attributes })), 10)
  const add = { kind: 'update', key, actions: [{ kind: 'add', attribute: 'n', value: 1 }] } as const
  assert.equal(await writeUnits(() => table.write(add)), 10)
  assert.equal(await writeUnits(() => table.transact([add])), 20)
  const refused = { kind: 'delete', key, when: [{ kind: 'itemAbsent' }] } as const
  assert.equal(await writeUnits(() => table.write(refused)), 10)
  assert.equal(await writeUnits(() => table.write({ kind: 'delete', key })), 10)
  assert.equal(await writeUnits(() => table.write({ kind: 'delete', key })), 1)
  assert.equal(table.consumed().readUnits, 0)
})

test('reads count each 4 KB, and a query those of its items together', async () => {
  const table = createMemoryTable()
  for (let item = 0; item < 10; item += 1) {
    const attributes = { bytes: new Uint8Array(1000) }
    await table.write({ kind: 'put', key: { pk: 'p', sk: String(item) }, attributes })
  }
  await table.get({ pk: 'p', sk: '1' })
  await table.get(key)
  assert.equal(table.consumed().readUnits, 2)
  await table.query({ pk: 'p', limit: 100 })
  assert.equal(table.consumed().readUnits, 2 + 3)
})

test('what is handed out cannot change what is stored', async () => {
  const table = createMemoryTable()
  await table.write({ kind: 'put', key, attributes: { list: ['a'] } })
  const item = await table.get(key)
  assert.ok(item !== undefined)
  assert.throws(() => Object.assign(item.attributes, { list: [] }), TypeError)
  assert.throws(() => Object.assign(item.attributes.list ?? {}, { 0: 'b' }), TypeError)
  assert.throws(() => Object.assign(item.key, { sk: 'b' }), TypeError)
})
