import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runTorture } from './torture.ts'

test('what was acknowledged survives kills, merging, compaction by key and collection', async () => {
  const result = await runTorture({ records: 20_000, keys: 1000, kills: 2 })
  assert.deepEqual(result.differences.slice(0, 5), [])
  assert.equal(result.acknowledged, 20_000)
  assert.ok(result.kills >= 2 && result.walks > 0 && result.recordsDropped > 0)
})
