import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGiveWay } from '../../../shared/ports/giveWay.ts'

test('who works for long gives way once for every stretch of work, and short work never does', async () => {
  let nowMs = 0
  let turns = 0
  const sleep = async (ms: number) => {
    assert.equal(ms, 0)
    turns++
  }
  const giveWay = createGiveWay({ now: () => nowMs, sleep })
  for (let step = 0; step < 10; step++) await giveWay()
  assert.equal(turns, 0)
  for (let step = 0; step < 10; step++) {
    nowMs += 2
    await giveWay()
  }
  assert.equal(turns, 5)
})

test('a clock that was set back does not keep others waiting until it is where it was', async () => {
  let nowMs = 3600_000
  let turns = 0
  const giveWay = createGiveWay({ now: () => nowMs, sleep: async () => void turns++ })
  nowMs = 0
  await giveWay()
  assert.equal(turns, 1)
})
