// Quotas counted by several processes on one table, under a virtual clock: what all of them let through together, and
// what that costs.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { StorageError } from '../../../shared/base/errors.ts'
import { createScope } from '../../../shared/metadata/scope.ts'
import type { Table } from '../../../shared/ports/table.ts'
import { createCounters } from '../../../shared/quotas/counters.ts'
import { entityText, indexQuotas, type QuotaValues } from '../../../shared/quotas/entity.ts'
import { createThrottle } from '../../../shared/quotas/throttle.ts'
import { createMemoryTable } from '../../../shared/storage/memory/table.ts'
import { createVirtualClock } from '../../support/virtualClock.ts'

const scope = createScope('lkc-1')

function createWorld(values: QuotaValues, before: (table: Table) => Table = (table) => table) {
  const clock = createVirtualClock()
  const memory = createMemoryTable()
  const failures: unknown[] = []
  const writesAt: number[][] = []
  const index = indexQuotas([{ entity: { user: 'alice' }, values }])
  /** A process that begins now. */
  const start = () => {
    const times: number[] = []
    writesAt.push(times)
    const faulty = before(memory)
    const table: Table = {
      ...faulty,
      write: (write) => {
        times.push(clock.now())
        return faulty.write(write)
      },
    }
    const reportBackgroundFailure = (error: unknown) => failures.push(error)
    const counters = createCounters({ table, clock, scope, reportBackgroundFailure })
    return createThrottle(counters, index, {}, { user: 'alice', clientId: 'a' })
  }
  return { clock, memory, failures, writesAt, start }
}

type Process = ReturnType<ReturnType<typeof createWorld>['start']>

/** A producer that sends whenever it may; answers what was stored. */
async function produce(
  { clock }: Pick<ReturnType<typeof createWorld>, 'clock'>,
  process: Process,
  { bytes, everyMs, untilMs }: { bytes: number; everyMs: number; untilMs: number },
): Promise<number> {
  let stored = 0
  while (clock.now() < untilMs) {
    if (process.waitMs('in') === 0) {
      process.take('in', bytes)
      stored += bytes
    }
    await clock.sleep(everyMs)
  }
  return stored
}

const limit = 100_000

for (const processes of [1, 4, 16]) {
  test(`${processes} processes at ten times the quota store what the quota says, within a tenth`, async (t) => {
    const world = createWorld({ producer_byte_rate: limit })
    const seconds = 120
    const warmUpMs = 10_000
    const untilMs = world.clock.now() + warmUpMs + seconds * 1000
    // Together ten times the quota, each in its own rhythm.
    const stored = await Promise.all(
      Array.from({ length: processes }, (_, i) => {
        const everyMs = 37 + i
        return produce(world, world.start(), {
          everyMs,
          bytes: (limit * 10 * everyMs) / 1000 / processes,
          untilMs,
        })
      }),
    )
    const rate = stored.reduce((sum, bytes) => sum + bytes, 0) / (seconds + warmUpMs / 1000)
    t.diagnostic(`${(rate / limit).toFixed(3)} of the quota`)
    assert.ok(rate > 0.9 * limit && rate < 1.1 * limit, `${rate} bytes a second`)
    assertWritesAreRare(world.writesAt)
    assert.deepEqual(world.failures, [])
  })
}

function assertWritesAreRare(writesAt: readonly (readonly number[])[]): void {
  for (const times of writesAt) {
    for (const [i, at] of times.entries()) assert.ok(at - (times[i - 1] ?? 0) >= 1000, 'a write a second')
  }
}
