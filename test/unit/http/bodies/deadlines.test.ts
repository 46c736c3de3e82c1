import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDeadlines } from '../../../../shared/http/bodies/deadlines.ts'
import { createVirtualClock } from '../../../support/virtualClock.ts'

test('a connection is cut off at its deadline, half a second late at most, unless it was in time', async () => {
  const clock = createVirtualClock()
  const startMs = clock.now()
  const deadlines = createDeadlines(clock)
  const cut = new Map<string, number>()
  const connection = (name: string) => ({ destroy: () => cut.set(name, clock.now() - startMs) })
  deadlines.set(connection('later'), startMs + 40_100)
  deadlines.set(connection('first'), startMs + 30_000)
  const inTime = deadlines.set(connection('in time'), startMs + 30_000)
  await clock.sleep(29_000)
  assert.deepEqual(cut, new Map())
  inTime()
  await clock.sleep(30_000)
  assert.deepEqual(Array.from(cut.keys()), ['first', 'later'])
  assert.ok((cut.get('first') ?? 0) <= 30_500)
  assert.ok((cut.get('later') ?? 0) >= 40_100 && (cut.get('later') ?? 0) <= 40_600)
})

test('nothing is looked at while no connection has a deadline, and one that comes later is seen', async () => {
  const clock = createVirtualClock()
  let looks = 0
  const counting = {
    now: clock.now,
    sleep(ms: number, signal?: AbortSignal) {
      looks++
      return clock.sleep(ms, signal)
    },
  }
  const deadlines = createDeadlines(counting)
  const inTime = deadlines.set({ destroy: () => assert.fail('it was in time') }, clock.now() + 60_000)
  await clock.sleep(10_000)
  inTime()
  await clock.sleep(10_000)
  const before = looks
  await clock.sleep(100_000)
  assert.equal(looks, before)
  const cut = Promise.withResolvers<void>()
  deadlines.set({ destroy: cut.resolve }, clock.now() + 1000)
  await clock.sleep(2000)
  await cut.promise
})
