// What the fuzzer has found, each as the smallest request that showed it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCall } from '../support/call.ts'
import { createTestApp } from '../support/testCluster.ts'
import { createTestTenants } from '../support/testTenants.ts'

test('a topic name that is too long for a table key is unknown, not a failure of the server', async () => {
  const { app, failures } = createTestApp()
  const call = createCall(app)
  const name = 'a'.repeat(2000)
  const v2 = await call('GET', `/topics/${name}`)
  assert.deepEqual([v2.status, v2.body.error_code], [404, 40401])
  for (const method of ['GET', 'DELETE']) {
    const v3 = await call(method, `/v3/clusters/local/topics/${name}`)
    assert.deepEqual([v3.status, v3.body.error_code], [404, 40403])
  }
  const records = await call('POST', `/v3/clusters/local/topics/${name}/records`, { value: null })
  assert.deepEqual([records.status, records.body.error_code], [404, 40403])
  assert.deepEqual(failures, [])
})

test('an id that no cluster or account can have is unknown to operators, not a failure of the server', async () => {
  const { callAs, operatorKey, failures } = await createTestTenants()
  const operator = callAs(operatorKey)
  for (const id of [' 1', '..%2Fx', 'deployment', 'a'.repeat(2000)]) {
    for (const [method, path] of [
      ['GET', `/iam/v2/api-keys?spec.resource=${id}`],
      ['GET', `/cmk/v2/clusters/${id}`],
      ['DELETE', `/cmk/v2/clusters/${id}`],
      ['DELETE', `/iam/v2/service-accounts/${id}`],
      ['DELETE', `/iam/v2/api-keys/${id}`],
      ['GET', `/v3/clusters/${id}`],
    ] as const) {
      assert.equal((await operator(method, path)).status, 404, `${method} ${path}`)
    }
  }
  assert.equal((await operator('GET', '/iam/v2/api-keys?spec.resource=')).status, 404)
  assert.deepEqual(failures, [])
})
