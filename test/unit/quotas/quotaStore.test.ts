// Client quotas as they are stored: altered together or not at all, by one at a time, seen by every process.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createScope } from '../../../shared/metadata/scope.ts'
import { entityText } from '../../../shared/quotas/entity.ts'
import { createQuotaStore } from '../../../shared/quotas/quotaStore.ts'
import { systemClock, systemRandom } from '../../../shared/runtime/clock.ts'
import { createMemoryObjectStore } from '../../../shared/storage/memory/objectStore.ts'
import { createMemoryTable } from '../../../shared/storage/memory/table.ts'
import { countCalls } from '../../support/counting.ts'

function createWorld() {
  const { table, during } = countCalls({ objects: createMemoryObjectStore(), table: createMemoryTable() })
  const storeOf = (tenant: string) =>
    createQuotaStore({ table, clock: systemClock, random: systemRandom, scope: createScope(tenant) })
  return { storeOf, during }
}

const all = { strict: false } as const
const set = (user: string, value: number | null) =>
  ({ entity: { user }, ops: [{ key: 'producer_byte_rate', value }] }) as const

test('quotas are set, changed one by one, and gone with the last of an entity', async () => {
  const store = createWorld().storeOf('lkc-1')
  await store.alter(
    [{ entity: { user: 'a' }, ops: [{ key: 'consumer_byte_rate', value: 5 }] }, set('b', 1)],
    false,
  )
  await store.alter([set('a', 7)], false)
  const values = async () =>
    new Map((await store.describe(all)).map(({ entity, values }) => [entity.user, values]))
  assert.deepEqual(
    await values(),
    new Map([
      ['a', { consumer_byte_rate: 5, producer_byte_rate: 7 }],
      ['b', { producer_byte_rate: 1 }],
    ]),
  )
  await store.alter([set('b', null)], false)
  assert.deepEqual([...(await values()).keys()], ['a'])
})

test('a wrong alteration, a repeated entity and a dry run change nothing', async () => {
  const store = createWorld().storeOf('lkc-1')
  await assert.rejects(store.alter([set('a', 1), set('b', 0)], false), { code: 'INVALID_REQUEST' })
  await assert.rejects(store.alter([set('a', 1), set('a', 2)], false), { code: 'INVALID_REQUEST' })
  await store.alter([set('a', 1)], true)
  assert.deepEqual(await store.describe(all), [])
})

test('of many who alter at once nobody undoes another', async () => {
  const { storeOf } = createWorld()
  const stores = [storeOf('lkc-1'), storeOf('lkc-1'), storeOf('lkc-1')]
  const keys = ['producer_byte_rate', 'consumer_byte_rate', 'request_percentage'] as const
  await Promise.all(
    stores.map((store, i) => {
      const key = keys[i] ?? 'producer_byte_rate'
      return store.alter([{ entity: { user: 'a' }, ops: [{ key, value: i + 1 }] }], false)
    }),
  )
  const [one] = await storeOf('lkc-1').describe(all)
  assert.deepEqual(one?.values, { producer_byte_rate: 1, consumer_byte_rate: 2, request_percentage: 3 })
})

test('the index follows the changes of any process for one small read, and knows no other tenant', async () => {
  const { storeOf, during } = createWorld()
  const [mine, other] = [storeOf('lkc-1'), storeOf('lkc-2')]
  await storeOf('lkc-1').alter([set('a', 3)], false)
  assert.equal((await mine.index()).get(entityText({ user: 'a' }))?.producer_byte_rate, 3)
  assert.equal((await during(() => mine.index())).tableReads, 1)
  assert.equal((await other.index()).size, 0)
  await storeOf('lkc-1').alter([set('a', null)], false)
  assert.equal((await mine.index()).size, 0)
})
