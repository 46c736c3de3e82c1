import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { systemClock, systemRandom } from '../../../shared/runtime/clock.ts'

test('the system clock sleeps no less than it was asked, and wakes at once when it is told', async () => {
  const start = systemClock.now()
  await systemClock.sleep(5)
  assert.ok(systemClock.now() - start >= 4)
  const wake = new AbortController()
  const sleeping = systemClock.sleep(3_600_000, wake.signal)
  wake.abort()
  await sleeping
  await systemClock.sleep(3_600_000, wake.signal)
  assert.ok(systemClock.now() - start < 60_000)
})

test('a sleep that is over has left nothing at its signal', async () => {
  const { signal } = new AbortController()
  await systemClock.sleep(1, signal)
  await systemClock.sleep(0, signal)
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})

test('system chance is within its bounds and does not repeat', () => {
  const floats = Array.from({ length: 1000 }, () => systemRandom.float())
  assert.ok(floats.every((one) => one >= 0 && one < 1))
  assert.ok(new Set(floats).size > 990)
  assert.equal(systemRandom.bytes(10).length, 10)
  assert.notDeepEqual(systemRandom.bytes(16), systemRandom.bytes(16))
})
