// What the functions' roles allow, held against every call that the functions were seen to make: none is missing, none
// is granted that nothing uses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { missing, namesOf, permissionsOf, unused } from '../infra/policies.ts'
import { settings, synthesise } from '../infra/synthesised.ts'
import { account, region } from './awsCalls.ts'
import { names, startAwsWorld } from './awsWorld.ts'
import { work } from './workload.ts'

const place = { region, account }

test('every call is allowed, and everything allowed is called', async (t) => {
  assert.deepEqual(names, namesOf('dev', place))
  const permissions = permissionsOf(synthesise(settings).templates, place)
  const world = await startAwsWorld()
  t.after(() => world.close())
  await work(world)
  assert.deepEqual(missing(permissions, world.calls), [])
  assert.deepEqual(unused(permissions, world.calls), [])
})
