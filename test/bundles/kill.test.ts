import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runKillLoop } from '../kill/killLoop.ts'
import { startAwsWorld } from './awsWorld.ts'
import { startFunctions } from './functionsProcess.ts'

test('functions that are killed under load keep every record that they acknowledged', async (t) => {
  const world = await startAwsWorld(false)
  t.after(() => world.close())
  const summary = await runKillLoop({
    start: () => startFunctions(world),
    rounds: 4,
    compacts: false,
    report: (line) => t.diagnostic(line),
  })
  assert.deepEqual(summary.problems, [])
  assert.ok(summary.acknowledged > 0)
})
