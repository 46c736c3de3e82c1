// Quotas counted by several processes on one table, under a virtual clock: what all of them let through together, and
// what that costs.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StorageError } from '../../../shared/base/errors.ts'
import { createScope } from '../../../shared/metadata/scope.ts'
import type { Table } from '../../../shared/ports/table.ts'
import { createCounters } from '../../../shared/quotas/counters.ts'
import { indexQuotas, type QuotaValues } from '../../../shared/quotas/entity.ts'
import { createThrottle } from '../../../shared/quotas/throttle.ts'
import { createMemoryTable } from '../../../shared/storage/memory/table.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

const scope = createScope('lkc-1')
const limit = 100_000
const windowMs = 10_000

function createWorld(values: QuotaValues, around: (table: Table) => Table = (table) => table) {
  const clock = createVirtualClock()
  const memory = createMemoryTable()
  const failures: unknown[] = []
  const writesAt: number[][] = []
  /** A process that begins now, and what the tenant's operator allows. */
  const start = (tenant: QuotaValues = {}, user = 'alice') => {
    const times: number[] = []
    writesAt.push(times)
    const faulty = around(memory)
    const table: Table = {
      ...faulty,
      write: (write) => {
        times.push(clock.now())
        return faulty.write(write)
      },
    }
    const reportBackgroundFailure = (error: unknown) => failures.push(error)
    const counters = createCounters({ table, clock, scope, reportBackgroundFailure })
    const index = indexQuotas([{ entity: { user: null }, values }])
    return createThrottle(counters, index, tenant, { user, clientId: '' }, () => {})
  }
  return { clock, failures, writesAt, start }
}

type World = ReturnType<typeof createWorld>
type Process = ReturnType<World['start']>

/** Sends whenever it may; answers what was stored in the time. */
async function produce(
  { clock }: Pick<World, 'clock'>,
  process: Process,
  { bytes, everyMs, fromMs, untilMs }: Record<'bytes' | 'everyMs' | 'fromMs' | 'untilMs', number>,
): Promise<number> {
  let stored = 0
  while (clock.now() < untilMs) {
    if (process.waitMs('in') === 0) {
      process.take('in', bytes)
      if (clock.now() >= fromMs) stored += bytes
    }
    await clock.sleep(everyMs)
  }
  return stored
}

for (const processes of [1, 4, 16, 64]) {
  test(`${processes} processes at ten times the quota store what the quota says, within a tenth`, async (t) => {
    const world = createWorld({ producer_byte_rate: limit })
    // What a window holds may be used at once; after that the quota is what there is.
    const fromMs = world.clock.now() + 3 * windowMs
    const untilMs = fromMs + 120_000
    const stored = await Promise.all(
      Array.from({ length: processes }, (_, i) => {
        const everyMs = 37 + i
        const bytes = Math.round((limit * 10 * everyMs) / 1000 / processes)
        return produce(world, world.start(), { everyMs, bytes, fromMs, untilMs })
      }),
    )
    const share = stored.reduce((sum, bytes) => sum + bytes, 0) / 120 / limit
    t.diagnostic(`${share.toFixed(3)} of the quota`)
    assert.ok(share > 0.9 && share < 1.1, `${share} of the quota`)
    for (const times of world.writesAt) {
      for (const [i, at] of times.entries()) assert.ok(at - (times[i - 1] ?? 0) >= 1000, 'one write a second')
    }
    assert.deepEqual(world.failures, [])
  })
}

test('half of a quota, spread over processes, is never held back', async () => {
  const world = createWorld({ producer_byte_rate: limit })
  const untilMs = world.clock.now() + 60_000
  const sent = { bytes: limit / 80, everyMs: 100, fromMs: 0, untilMs }
  const stored = await Promise.all([0, 1, 2, 3].map(() => produce(world, world.start(), sent)))
  assert.deepEqual(stored, new Array(4).fill((limit / 80) * 600))
})

test('a process that begins knows within a write what the others have used', async () => {
  const { clock, start } = createWorld({ producer_byte_rate: limit })
  start().take('in', 30 * limit)
  await clock.sleep(2000)
  const late = start()
  late.take('in', limit)
  await clock.sleep(10)
  // Thirty seconds' worth and one more; a window's worth was there to begin with, and two seconds have passed.
  assert.equal(Math.round(late.waitMs('in') / 1000), 30 + 1 - 10 - 2)
})

test('use that is too little to matter costs no write, and none at all costs nothing', async () => {
  const { clock, start, writesAt } = createWorld({ producer_byte_rate: limit })
  const process = start()
  for (let i = 0; i < 9; i++) {
    process.take('in', limit / 1000)
    await clock.sleep(1000)
  }
  assert.equal(writesAt.flat().length, 0)
  process.take('in', limit / 1000)
  await clock.sleep(10)
  assert.equal(writesAt.flat().length, 1)
  await clock.sleep(60_000)
  assert.equal(writesAt.flat().length, 1)
})

test('users of a default each have it to themselves, and the tenant holds all of them', async () => {
  const { start } = createWorld({ producer_byte_rate: limit })
  const tenant = { producer_byte_rate: 2 * limit }
  const [alice, bob] = [start(tenant, 'alice'), start(tenant, 'bob')]
  assert.equal(alice.take('in', 11 * limit), 1000)
  assert.equal(bob.waitMs('in'), 0)
  const carol = start({ producer_byte_rate: limit / 100 }, 'carol')
  assert.equal(carol.take('in', limit), 90_000)
})

test('a table that fails holds nobody up: what was used is counted here, reported, and told later once', async () => {
  let isFailing = true
  const { clock, start, failures, writesAt } = createWorld({ producer_byte_rate: limit }, (table) => ({
    ...table,
    write: (write) => (isFailing ? Promise.reject(new StorageError('none', 'away')) : table.write(write)),
  }))
  const process = start()
  assert.equal(process.take('in', 11 * limit), 1000)
  await clock.sleep(10_000)
  assert.equal(failures.length, 1)
  assert.equal(writesAt[0]?.length, 1)
  isFailing = false
  process.take('in', limit)
  await clock.sleep(10)
  const other = start()
  await other.refresh('in')
  assert.equal(other.waitMs('in'), process.waitMs('in'))
})

test('a read that is answered late, and a kind that is first used meanwhile, miscount nothing', async () => {
  let hold: Promise<void> | undefined
  const { clock, start } = createWorld({ producer_byte_rate: limit, consumer_byte_rate: limit }, (table) => ({
    ...table,
    async get(key) {
      const item = await table.get(key)
      await hold
      return item
    },
  }))
  const process = start()
  process.take('in', 2 * limit)
  await clock.sleep(1500)
  const { promise, resolve } = Promise.withResolvers<void>()
  hold = promise
  const late = process.refresh('in')
  process.take('in', 3 * limit)
  await clock.sleep(10)
  hold = undefined
  resolve()
  await late
  process.take('out', 12 * limit)
  await clock.sleep(1490)
  // Both buckets of ten seconds: five less with three seconds more, and twelve less with some of them.
  assert.equal(process.waitMs('in'), 0)
  assert.equal(process.take('in', 9 * limit), 1000)
  assert.ok(process.waitMs('out') > 0 && process.waitMs('out') < 2000)
})
