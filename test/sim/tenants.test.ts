// A hostile tenant against another one, two hundred times. TENANT_SEEDS takes another number of seeds.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOwn, runTenants } from './tenants/run.ts'

const seeds = Number(process.env.TENANT_SEEDS ?? 200)

test(`no request touches a key of another tenant, whatever it says (${seeds} seeds)`, async (t) => {
  const statuses: Record<number, number> = {}
  let touched = 0
  for (let seed = 1; seed <= seeds; seed++) {
    const run = await runTenants(seed)
    assert.deepEqual(run.problems, [], `seed ${seed}`)
    for (const [status, count] of Object.entries(run.answers)) {
      statuses[Number(status)] = (statuses[Number(status)] ?? 0) + count
    }
    touched += run.touched
  }
  t.diagnostic(`${touched} keys touched; answers by status: ${JSON.stringify(statuses)}`)
  // The attacks get past the door, and the watch sees them there.
  assert.ok((statuses[200] ?? 0) > seeds && touched > 10 * seeds)
})

test('a key of another tenant, of all of them or of none is not a tenant’s own', () => {
  const own = (name: string, kind: 'table' | 'object' = 'table') => isOwn({ kind, name }, 'lkc-a')
  for (const name of [
    'lkc-a/topics',
    'lkc-a/x/p0',
    'deployment/key/AAAAAAAAAAAAAAAA',
    'deployment/clusters',
    'deployment/organizations',
  ]) {
    assert.equal(own(name), true, name)
  }
  const foreign = [
    'lkc-b/topics',
    'lkc-ab/topics',
    'lkc-a',
    'deployment/keys',
    'deployment/accounts',
    'deployment/clusters/org-1',
    'deployment/keys/org-1',
    '',
    '/lkc-a/',
  ]
  for (const name of foreign) assert.equal(own(name), false, name)
  assert.equal(own('deployment', 'object'), false)
  assert.equal(own('lkc-a/log/', 'object'), true)
})
