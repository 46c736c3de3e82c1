// The compactor's bundle where Lambda's runtime client is not installed: loaded and invoked as the client does it.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { type AwsWorld, names, startAwsWorld } from './awsWorld.ts'
import { origin, topicsPath } from './client.ts'
import { runHandler } from './runHandler.ts'
import { startWebProcess } from './webProcess.ts'

const schedule = { 'detail-type': 'Scheduled Event' }

const environmentOf = (world: AwsWorld) => ({
  ...world.environment('compactor'),
  AWS_LAMBDA_FUNCTION_NAME: names.compactor,
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
})

test('the function refuses to load without its settings and says which is missing, else does its pass', async (t) => {
  const world = await startAwsWorld()
  t.after(() => world.close())
  const file = world.build('compactor')
  const environment = environmentOf(world)
  for (const name of ['BUCKET', 'TABLE', 'CLUSTER_ID', 'STAGE', 'PEPPER', 'AWS_LAMBDA_FUNCTION_VERSION']) {
    const without = { ...environment, [name]: '' }
    await assert.rejects(runHandler(file, schedule, without), new RegExp(`${name} is missing`))
  }
  const outcome = await runHandler(file, schedule, environment)
  assert.deepEqual(outcome, { sequencers: 0, unfinished: false, collected: 0 })
})

test('the command makes an operator key by invoking the function, and the key opens the service', async (t) => {
  const world = await startAwsWorld()
  t.after(() => world.close())
  world.invokeWith((event) => runHandler(world.build('compactor'), event, environmentOf(world)))
  const args = ['shared/runtime/commands/apiKey.ts', '--stage', 'dev']
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: world.environment('operator') })
  const [, keyId, secret] = /^key +(\S+)\nsecret +(\S+)\ncluster +local\n$/.exec(stdout) ?? []
  const invocations = world.calls.filter(({ function: caller }) => caller === 'operator')
  assert.deepEqual(
    invocations.map(({ action }) => action),
    ['lambda:InvokeFunction'],
  )
  const service = await startWebProcess(world.build('fetch'), world.environment('fetch'))
  const authorization = `Basic ${btoa(`${keyId}:${secret}`)}`
  const answer = await fetch(service.url + topicsPath, { headers: { ...origin, authorization } })
  assert.equal(answer.status, 200)
  await service.stop()
})
