// What is counted and what is stored of it: nothing twice, nothing on anybody's way, and how much a crash takes.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { StorageError } from '../../../shared/base/errors.ts'
import { createScope } from '../../../shared/metadata/scope.ts'
import { valuesOf } from '../../../shared/metadata/usageItem.ts'
import { createMeter } from '../../../shared/metering/meter.ts'
import { forgetOldUsage, readUsage, sumUsage } from '../../../shared/metering/readUsage.ts'
import type { Table } from '../../../shared/ports/table.ts'
import { systemRandom } from '../../../shared/runtime/clock.ts'
import { createMemoryTable } from '../../../shared/storage/memory/table.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

const hourMs = 3_600_000
const scope = createScope('lkc-1')

function createWorld(around: (table: Table) => Table = (table) => table) {
  const clock = createVirtualClock(1_700_006_400_000)
  const memory = createMemoryTable()
  const failures: unknown[] = []
  let writes = 0
  const faulty = around(memory)
  const table: Table = {
    ...faulty,
    write: (write) => {
      writes++
      return faulty.write(write)
    },
  }
  const deps = {
    table,
    clock,
    scope,
    random: systemRandom,
    reportBackgroundFailure: (e: unknown) => failures.push(e),
  }
  /** A process; what it writes once it is dead never arrives. */
  const start = () => {
    let isDead = false
    const write: Table['write'] = (one) => (isDead ? new Promise(() => {}) : table.write(one))
    const meter = createMeter({ ...deps, table: { ...table, write }, tidy: () => forgetOldUsage(deps) })
    return {
      ...meter,
      kill: () => {
        isDead = true
      },
    }
  }
  const total = async (metric: 'received_bytes' | 'request_count' = 'received_bytes') => {
    const hours = await readUsage(deps, 0, clock.now() + hourMs)
    return sumUsage(hours, metric, Number.POSITIVE_INFINITY, [])[0]?.value ?? 0
  }
  return { clock, deps, failures, start, total, writes: () => writes }
}

test('a day of four processes that are killed again and again is counted to a thousandth', async (t: TestContext) => {
  const { clock, start, total, writes } = createWorld()
  let truth = 0
  let kills = 0
  const untilMs = clock.now() + 24 * hourMs
  const run = async (process: number) => {
    let state = process + 1
    const chance = () => {
      state = (state * 48_271) % 2_147_483_647
      return state / 2_147_483_647
    }
    let meter = start()
    // About one kill in two hours: what was counted and not stored is gone.
    while (clock.now() < untilMs) {
      await clock.sleep(200 + chance() * 1600)
      const bytes = Math.floor(chance() * 10_000)
      truth += bytes
      meter.add('orders', 'User:sa-1', { received_bytes: bytes, request_count: 1 })
      if (chance() > 1 / 7200) continue
      meter.kill()
      kills++
      meter = start()
    }
    await meter.store()
  }
  await Promise.all([0, 1, 2, 3].map(run))
  const counted = await total()
  const missing = (truth - counted) / truth
  t.diagnostic(`${kills} kills, ${(missing * 100).toFixed(4)} % missing, ${writes()} writes`)
  assert.ok(kills > 20)
  assert.ok(missing >= 0 && missing < 0.001, `${missing}`)
  assert.ok(writes() <= 4 * 24 * 360 + kills + 200)
})

test('what was counted is stored ten seconds later, in one write, and by topic and principal', async () => {
  const { clock, deps, start, writes } = createWorld()
  const meter = start()
  for (let i = 0; i < 100; i++) {
    meter.add(i % 2 === 0 ? 'orders' : 'bills', 'User:sa-1', { sent_bytes: i, sent_records: 1 })
  }
  await clock.sleep(9_999)
  assert.equal(writes(), 0)
  await clock.sleep(2)
  assert.equal(writes(), 1)
  const hours = await readUsage(deps, clock.now() - (clock.now() % hourMs), clock.now() + 1)
  assert.deepEqual(
    sumUsage(hours, 'sent_records', hourMs, ['topic', 'principal']).map(({ labels, value }) => [
      labels,
      value,
    ]),
    [
      [{ topic: 'orders', principal: 'User:sa-1' }, 50],
      [{ topic: 'bills', principal: 'User:sa-1' }, 50],
    ],
  )
})

test('a lost answer counts nothing twice, and an older write that lands late changes nothing', async () => {
  let lose = 0
  const late: (() => Promise<unknown>)[] = []
  const { clock, start, total } = createWorld((table) => ({
    ...table,
    async write(one) {
      if (lose-- <= 0) return table.write(one)
      // Carried out now and again later, and nobody hears of it.
      late.push(() => table.write(one))
      await table.write(one)
      throw new StorageError('unknown', 'lost')
    },
  }))
  const meter = start()
  meter.add('t', 'User:a', { received_bytes: 1 })
  lose = 2
  await meter.store()
  assert.equal(await total(), 1)
  for (let i = 0; i < 5; i++) {
    meter.add('t', 'User:a', { received_bytes: 1 })
    lose = i % 2
    await meter.store()
    await clock.sleep(10_001)
  }
  for (const land of late) await land()
  assert.equal(await total(), 6)
})

test('hours have items of their own, rows beyond a part are there, and old ones are forgotten', async () => {
  const { clock, deps, start, total } = createWorld()
  const meter = start()
  for (let i = 0; i < 1200; i++) meter.add(`t${i}`, 'User:a', { request_count: 1 })
  await meter.store()
  await clock.sleep(hourMs)
  meter.add('t0', 'User:a', { request_count: 1 })
  await meter.store()
  assert.equal(await total('request_count'), 1201)
  const hours = await readUsage(deps, 0, clock.now() + hourMs)
  assert.deepEqual(
    sumUsage(hours, 'request_count', hourMs, []).map(({ value }) => value),
    [1200, 1],
  )
  await clock.sleep(91 * 24 * hourMs)
  meter.add('t0', 'User:a', { request_count: 1 })
  await meter.store()
  assert.equal(await total('request_count'), 1)
})

test('a process that may be frozen stores when ten seconds have passed, and not with every request', async () => {
  const { clock, start, writes } = createWorld()
  const meter = start()
  for (let i = 0; i < 30; i++) {
    meter.add('t', 'User:a', { request_count: 1 })
    await meter.storeDue()
    clock.advance(1000)
  }
  assert.equal(writes(), 3)
})

test('retained bytes are a level: the average of the hours, not their sum', () => {
  const row = (value: number) => [
    {
      topic: 't',
      principal: '',
      values: valuesOf((name) => (name === 'retained_bytes' ? value : 0)),
    },
  ]
  const hours = [100, 300].map((value, hour) => ({ startMs: hour * hourMs, rows: row(value) }))
  assert.equal(sumUsage(hours, 'retained_bytes', Number.POSITIVE_INFINITY, ['topic'])[0]?.value, 200)
})
