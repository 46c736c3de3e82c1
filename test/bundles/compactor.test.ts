// The compactor's bundle where Lambda's runtime client is not installed: loaded and invoked as the client does it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { names, startAwsWorld } from './awsWorld.ts'
import { runHandler } from './runHandler.ts'

const schedule = { 'detail-type': 'Scheduled Event' }

test('the function refuses to load without its settings and says which is missing, else does its pass', async (t) => {
  const world = await startAwsWorld()
  t.after(() => world.close())
  const file = world.build('compactor')
  const environment = {
    ...world.environment('compactor'),
    AWS_LAMBDA_FUNCTION_NAME: names.compactor,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  }
  for (const name of ['BUCKET', 'TABLE', 'CLUSTER_ID', 'STAGE', 'AWS_LAMBDA_FUNCTION_VERSION']) {
    const without = { ...environment, [name]: '' }
    await assert.rejects(runHandler(file, schedule, without), new RegExp(`${name} is missing`))
  }
  const outcome = await runHandler(file, schedule, environment)
  assert.deepEqual(outcome, { sequencers: 0, unfinished: false, collected: 0 })
})
